//! RV64I computation, Zicond, Zimop, and what does nothing.

use mynah_ir::Type::{I32, I64};
use mynah_ir::{Build, Flow};

use super::{Insn, Registers, bodies};

bodies! {
    constant lui |b, i| b.iconst(I64, i.imm as i64 as u64);
    constant li |b, i| b.iconst(I64, i.imm as i64 as u64);
    constant auipc |b, i| b.gaddr(i.target());

    immediate addi |b, x, y| b.add(I64, x, y);
    immediate xori |b, x, y| b.xor(I64, x, y);
    immediate ori |b, x, y| b.or(I64, x, y);
    immediate andi |b, x, y| b.and(I64, x, y);
    immediate slli |b, x, y| b.shl(I64, x, y);
    immediate srli |b, x, y| b.ushr(I64, x, y);
    immediate srai |b, x, y| b.sshr(I64, x, y);
    immediate slti |b, x, y| { let c = b.slt(I64, x, y); b.truth(c) };
    immediate sltiu |b, x, y| { let c = b.ult(I64, x, y); b.truth(c) };

    binary add |b, x, y| b.add(I64, x, y);
    binary sub |b, x, y| b.sub(I64, x, y);
    binary xor |b, x, y| b.xor(I64, x, y);
    binary or |b, x, y| b.or(I64, x, y);
    binary and |b, x, y| b.and(I64, x, y);
    binary sll |b, x, y| b.shl(I64, x, y);
    binary srl |b, x, y| b.ushr(I64, x, y);
    binary sra |b, x, y| b.sshr(I64, x, y);
    binary slt |b, x, y| { let c = b.slt(I64, x, y); b.truth(c) };
    binary sltu |b, x, y| { let c = b.ult(I64, x, y); b.truth(c) };

    immediate_word addiw |b, x, y| b.add(I32, x, y);
    immediate_word slliw |b, x, y| b.shl(I32, x, y);
    immediate_word srliw |b, x, y| b.ushr(I32, x, y);
    immediate_word sraiw |b, x, y| b.sshr(I32, x, y);

    binary_word addw |b, x, y| b.add(I32, x, y);
    binary_word subw |b, x, y| b.sub(I32, x, y);
    binary_word sllw |b, x, y| b.shl(I32, x, y);
    binary_word srlw |b, x, y| b.ushr(I32, x, y);
    binary_word sraw |b, x, y| b.sshr(I32, x, y);

    binary czero_eqz |b, x, y| { let zero = b.iconst(I64, 0); let c = b.eq(I64, y, zero); b.select(I64, c, zero, x) };
    binary czero_nez |b, x, y| { let zero = b.iconst(I64, 0); let c = b.eq(I64, y, zero); b.select(I64, c, x, zero) };

    unary not |b, x| { let ones = b.iconst(I64, u64::MAX); b.xor(I64, x, ones) };
    // A may-be-operation that no extension has redefined writes 0.
    constant mop |b, _i| b.iconst(I64, 0);
}

/// `c.mv`: rd = rs2.
pub fn mv<B: Build>(b: &mut B, i: &Insn) -> Flow {
    let v = b.x(i.rs2);
    b.set_x(i.rd, v);
    Ok(())
}

/// `c.nop`, and all hints and cache-block operations that need not do anything.
pub fn nop<B: Build>(_b: &mut B, _i: &Insn) -> Flow {
    Ok(())
}
