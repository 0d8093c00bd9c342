//! Zicsr, for the registers that [`super::super::csr`] lists. The decoder has checked that the register exists and is
//! not written against its will.

use mynah_ir::Type::I64;
use mynah_ir::{Build, Counter, Flow, TrapKind};

use super::{Insn, Registers, state};
use crate::riscv64::csr;

/// Bits of `fflags`, and where `frm` begins in `fcsr`.
const FLAG_BITS: u64 = 0x1f;
const FRM_SHIFT: u64 = 5;

/// Reads a CSR; `None` if there is none of this number.
#[inline(always)]
fn read<B: Build>(b: &mut B, number: i32) -> Option<B::V> {
    Some(match number {
        csr::FFLAGS => b.get(state::FFLAGS),
        csr::FRM => b.get(state::FRM),
        csr::FCSR => {
            let (frm, flags) = (b.get(state::FRM), b.get(state::FFLAGS));
            let shift = b.iconst(I64, FRM_SHIFT);
            let high = b.shl(I64, frm, shift);
            b.or(I64, high, flags)
        }
        csr::CYCLE => b.read_counter(Counter::Cycle),
        csr::TIME => b.read_counter(Counter::Time),
        csr::INSTRET => b.read_counter(Counter::Instret),
        csr::HPMCOUNTER3..=csr::HPMCOUNTER31 => b.iconst(I64, 0),
        _ => return None,
    })
}

/// Writes a CSR that can be written.
#[inline(always)]
fn write<B: Build>(b: &mut B, number: i32, value: B::V) {
    if matches!(number, csr::FFLAGS | csr::FCSR) {
        let mask = b.iconst(I64, FLAG_BITS);
        let flags = b.and(I64, value, mask);
        b.set(state::FFLAGS, flags);
    }
    if matches!(number, csr::FRM | csr::FCSR) {
        let (shift, mask) = (b.iconst(I64, if number == csr::FCSR { FRM_SHIFT } else { 0 }), b.iconst(I64, 7));
        let high = b.ushr(I64, value, shift);
        let frm = b.and(I64, high, mask);
        b.set(state::FRM, frm);
    }
}

/// rd = CSR, and CSR = f(CSR, source) if it is to be written.
#[inline(always)]
fn access<B: Build>(b: &mut B, i: &Insn, writes: bool, f: impl FnOnce(&mut B, B::V) -> B::V) -> Flow {
    let Some(old) = read(b, i.imm) else {
        return b.trap(TrapKind::Illegal);
    };
    if writes {
        let new = f(b, old);
        write(b, i.imm, new);
    }
    b.set_x(i.rd, old);
    Ok(())
}

/// old | source
#[inline(always)]
fn set_bits<B: Build>(b: &mut B, old: B::V, source: B::V) -> B::V {
    b.or(I64, old, source)
}

/// old & ~source
#[inline(always)]
fn clear_bits<B: Build>(b: &mut B, old: B::V, source: B::V) -> B::V {
    let ones = b.iconst(I64, u64::MAX);
    let keep = b.xor(I64, source, ones);
    b.and(I64, old, keep)
}

/// `csrrw`
pub fn csrrw<B: Build>(b: &mut B, i: &Insn) -> Flow {
    let source = b.x(i.rs1);
    access(b, i, true, |_, _| source)
}

/// `csrrs`
pub fn csrrs<B: Build>(b: &mut B, i: &Insn) -> Flow {
    let source = b.x(i.rs1);
    access(b, i, i.rs1 != 0, |b, old| set_bits(b, old, source))
}

/// `csrrc`
pub fn csrrc<B: Build>(b: &mut B, i: &Insn) -> Flow {
    let source = b.x(i.rs1);
    access(b, i, i.rs1 != 0, |b, old| clear_bits(b, old, source))
}

/// `csrrwi`: the source is the number in rs1's field.
pub fn csrrwi<B: Build>(b: &mut B, i: &Insn) -> Flow {
    let source = b.iconst(I64, i.rs1 as u64);
    access(b, i, true, |_, _| source)
}

/// `csrrsi`
pub fn csrrsi<B: Build>(b: &mut B, i: &Insn) -> Flow {
    let source = b.iconst(I64, i.rs1 as u64);
    access(b, i, i.rs1 != 0, |b, old| set_bits(b, old, source))
}

/// `csrrci`
pub fn csrrci<B: Build>(b: &mut B, i: &Insn) -> Flow {
    let source = b.iconst(I64, i.rs1 as u64);
    access(b, i, i.rs1 != 0, |b, old| clear_bits(b, old, source))
}
