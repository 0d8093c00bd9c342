//! Half-precision operations on F16C and single-precision SSE, under the guest's rounding mode and sticky flags.
//!
//! Each is one rounding of an exact or twice-as-precise intermediate result: a single has 24 digits, and with at least
//! 2 * 11 + 2 digits rounding sum, difference, product, quotient and root first to a single changes neither result nor
//! flags (S. Figueroa, "When is double rounding innocuous?"). That does not hold for a fused multiply-add and for what comes
//! from a double, which stay with the exact helper.

use std::arch::asm;

use mynah_ir::{Inst, Op, Rm, Type, eval};

/// Whether [`evaluate`] knows the instruction, given that its rounding mode is the one in MXCSR.
pub fn knows(inst: &Inst) -> bool {
    let dynamic = inst.imm as u8 == Rm::Dyn as u8;
    match (inst.op, inst.ty, inst.from) {
        (Op::Fadd | Op::Fsub | Op::Fmul | Op::Fdiv | Op::Fsqrt, Type::F16, _) => dynamic,
        (Op::Ftof, Type::F16, Type::F32) => dynamic,
        (Op::Ftof, Type::F32 | Type::F64, Type::F16) => true,
        _ => false,
    }
}

/// `$name(a, b)`: both halves to singles, one instruction, the result to a half.
macro_rules! binary {
    ($($name:ident $instruction:literal;)*) => {
        $(fn $name(a: u32, b: u32) -> u32 {
            let result;
            // SAFETY: computes in registers and MXCSR's sticky flags, which are the guest's; F16C is there (see `HostFeatures`).
            unsafe {
                asm!(
                    "vmovd {x}, {a:e}",
                    "vmovd {y}, {b:e}",
                    "vcvtph2ps {x}, {x}",
                    "vcvtph2ps {y}, {y}",
                    concat!($instruction, " {x}, {x}, {y}"),
                    "vcvtps2ph {x}, {x}, 4",
                    "vmovd {r:e}, {x}",
                    a = in(reg) a, b = in(reg) b, r = lateout(reg) result,
                    x = out(xmm_reg) _, y = out(xmm_reg) _, options(nostack, preserves_flags)
                );
            }
            result
        })*
    };
}

binary! {
    add "vaddss";
    sub "vsubss";
    mul "vmulss";
    div "vdivss";
}

/// Runs instructions on the one register `x` between two moves.
macro_rules! unary {
    ($($name:ident($($instruction:literal),*);)*) => {
        $(fn $name(a: u32) -> u32 {
            let result;
            // SAFETY: as above.
            unsafe {
                asm!(
                    "vmovd {x}, {a:e}",
                    $($instruction,)*
                    "vmovd {r:e}, {x}",
                    a = in(reg) a, r = lateout(reg) result, x = out(xmm_reg) _, options(nostack, preserves_flags)
                );
            }
            result
        })*
    };
}

unary! {
    sqrt("vcvtph2ps {x}, {x}", "vsqrtss {x}, {x}, {x}", "vcvtps2ph {x}, {x}, 4");
    narrow("vcvtps2ph {x}, {x}, 4");
    widen("vcvtph2ps {x}, {x}");
}

/// The bits if they are no NaN, the canonical NaN otherwise.
fn canonical(ty: Type, bits: u64) -> u64 {
    let (magnitude, infinity) = match ty {
        Type::F16 => (bits & 0x7fff, 0x7c00),
        _ => (bits & 0x7fff_ffff, 0x7f80_0000),
    };
    if magnitude > infinity { eval::canonical_nan(ty) } else { bits }
}

/// The result of an op that [`knows`] knows, on operands as plain bits. For translated code: with the guest's MXCSR.
pub fn evaluate(op: Op, ty: Type, from: Type, a: u64, b: u64) -> u64 {
    let (x, y) = (a as u32, b as u32);
    let half = |bits: u32| canonical(Type::F16, bits as u64 & 0xffff);
    match op {
        Op::Fadd => half(add(x, y)),
        Op::Fsub => half(sub(x, y)),
        Op::Fmul => half(mul(x, y)),
        Op::Fdiv => half(div(x, y)),
        Op::Fsqrt => half(sqrt(x)),
        _ if from == Type::F32 => half(narrow(x)),
        _ => {
            let single = canonical(Type::F32, widen(x) as u64);
            // Exact, and no NaN's payload is left to lose: by way of integers, so that it raises nothing.
            if ty == Type::F32 { single } else { widen_exactly(single) }
        }
    }
}

/// A single that came from a half, as a double.
fn widen_exactly(single: u64) -> u64 {
    let (sign, exponent, fraction) = (single >> 31, single >> 23 & 0xff, single & 0x7f_ffff);
    let exponent = match exponent {
        0 => 0,
        0xff => 0x7ff,
        // The halves' subnormals are normal singles.
        normal => normal + 1023 - 127,
    };
    sign << 63 | exponent << 52 | fraction << 29
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enter::{guest_flags, mxcsr_for};
    use crate::features::HostFeatures;
    use mynah_ir::FpEnv;

    /// Result and flags under a rounding mode.
    fn here(frm: u8, compute: impl FnOnce() -> u64) -> (u64, u8) {
        let (mut old, new, mut after) = (0u32, mxcsr_for(frm), 0u32);
        // SAFETY: MXCSR is put back before anything else computes.
        unsafe {
            asm!("stmxcsr [{}]", in(reg) &mut old, options(nostack));
            asm!("ldmxcsr [{}]", in(reg) &new, options(nostack));
        }
        let value = std::hint::black_box(compute());
        // SAFETY: as above.
        unsafe {
            asm!("stmxcsr [{}]", in(reg) &mut after, options(nostack));
            asm!("ldmxcsr [{}]", in(reg) &old, options(nostack));
        }
        (value, guest_flags(after) as u8)
    }

    fn check(op: Op, ty: Type, from: Type, a: u64, b: u64) {
        for frm in 0..4 {
            let mut env = FpEnv { frm, flags: 0 };
            let exact = eval::eval(op, ty, from, Rm::Dyn as u8 as i64, [a, b, 0], &mut env).unwrap();
            let ours = here(frm, || evaluate(op, ty, from, a, b));
            assert_eq!(ours, (exact, env.flags), "{op:?} {ty:?} {from:?} mode {frm} {a:#x} {b:#x}");
        }
    }

    #[test]
    fn every_half_and_many_pairs_are_exact() {
        if !HostFeatures::default().f16c {
            println!("this host has no F16C: nothing to test");
            return;
        }
        for a in 0..=0xffff {
            check(Op::Fsqrt, Type::F16, Type::F16, a, 0);
            check(Op::Ftof, Type::F32, Type::F16, a, 0);
            check(Op::Ftof, Type::F64, Type::F16, a, 0);
            // The single that a half is, and its neighbours, where roundings change.
            for near in [0, 1, 0xfff, 0x1000, 0x1001, 0x1fff, 0xffff_ffff] {
                let single = evaluate(Op::Ftof, Type::F32, Type::F16, a, 0);
                check(Op::Ftof, Type::F16, Type::F32, single.wrapping_add(near) & 0xffff_ffff, 0);
            }
        }
        let mut state = 1u64;
        for _ in 0..400_000 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let (a, b) = (state >> 48, state >> 32 & 0xffff);
            for op in [Op::Fadd, Op::Fsub, Op::Fmul, Op::Fdiv] {
                check(op, Type::F16, Type::F16, a, b);
                // Close exponents cancel, small ones underflow.
                check(op, Type::F16, Type::F16, a, a & 0xfc00 | b & 0x83ff);
                check(op, Type::F16, Type::F16, a & 0x8fff, b & 0x8fff);
            }
            check(Op::Ftof, Type::F16, Type::F32, state >> 32, 0);
        }
    }
}
