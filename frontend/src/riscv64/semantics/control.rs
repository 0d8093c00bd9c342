//! RV64I control transfer.

use mynah_ir::Type::I64;
use mynah_ir::{Build, Flow, Hint};

use super::{Insn, Registers};

/// The registers whose use as a link register makes a jump a call or a return (RV32I, "Unconditional Jumps",
/// return-address stack hints).
const fn is_link(n: u8) -> bool {
    n == 1 || n == 5
}

/// rd = the address of the next instruction.
#[inline(always)]
fn link<B: Build>(b: &mut B, i: &Insn) {
    if i.rd != 0 {
        let next = b.gaddr(i.next());
        b.set_x(i.rd, next);
    }
}

/// `jal`, `c.j`
pub fn jal<B: Build>(b: &mut B, i: &Insn) -> Flow {
    link(b, i);
    if is_link(i.rd) { b.call(i.target(), i.next()) } else { b.jump(i.target()) }
}

/// `jalr`, `c.jr`, `c.jalr`: rs1 is read before rd is written, for they may be one register.
pub fn jalr<B: Build>(b: &mut B, i: &Insn) -> Flow {
    let base = b.x(i.rs1);
    let offset = b.iconst(I64, i.imm as i64 as u64);
    let sum = b.add(I64, base, offset);
    let even = b.iconst(I64, !1);
    let target = b.and(I64, sum, even);
    link(b, i);
    let hint = match (is_link(i.rd), is_link(i.rs1)) {
        (true, _) => Hint::Call { ret: i.next() },
        (false, true) => Hint::Return,
        (false, false) => Hint::Other,
    };
    b.indirect(target, hint)
}

macro_rules! branch {
    ($($name:ident = $compare:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let (x, y) = (b.x(i.rs1), b.x(i.rs2));
                let cond = b.$compare(I64, x, y);
                b.branch(cond, i.target(), i.next())
            }
        )*
    };
}

branch! {
    beq = eq;
    bne = ne;
    blt = slt;
    bge = sge;
    bltu = ult;
    bgeu = uge;
}
