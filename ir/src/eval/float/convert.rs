//! Conversions to and from integers, between formats, and rounding to integer values.

use super::format::{Format, resolve, round_off, shift_right_sticky};
use super::unpacked::{Kind, Num, propagate};
use crate::eval::signed;
use crate::types::flags::{NV, NX};
use crate::types::{FpEnv, Rm, Type};

/// A finite number rounded to an integer: its magnitude, or `None` if that has more than 64 bits, and whether it was
/// not an integer.
#[inline(always)]
fn integer(x: Num, rm: Rm) -> (Option<u64>, bool) {
    match x.exp {
        64.. => (None, false),
        63 => (Some(x.sig), false),
        exp => {
            // With the point at bit 63 or below; what lies wholly below it becomes sticky.
            let (sig, drop) = if exp >= 0 { (x.sig, 63 - exp) } else { (shift_right_sticky(x.sig, -exp as u32), 63) };
            let (kept, inexact) = round_off(sig, drop as u32, x.sign, rm);
            (Some(kept), inexact)
        }
    }
}

/// Float to an integer between `-min` and `max`. A result outside is invalid, never inexact, and saturates.
#[inline(always)]
fn to_integer(from: Type, rm: Rm, a: u64, min: u64, max: u64, env: &mut FpEnv) -> u64 {
    let x = Num::unpack(Format::of(from), a);
    let negative = x.sign && !x.is_nan();
    if x.kind == Kind::Finite {
        let (magnitude, inexact) = integer(x, resolve(rm, env));
        if let Some(m) = magnitude.filter(|&m| m <= if x.sign { min } else { max }) {
            env.flags |= if inexact { NX } else { 0 };
            return if x.sign { m.wrapping_neg() } else { m };
        }
    }
    env.flags |= NV;
    if negative { min.wrapping_neg() } else { max }
}

/// Float to signed integer.
#[inline]
pub fn ftosi(to: Type, from: Type, rm: Rm, a: u64, env: &mut FpEnv) -> u64 {
    let min = 1 << (to.bits() - 1);
    to_integer(from, rm, a, min, min - 1, env) & to.mask()
}

/// Float to unsigned integer.
#[inline]
pub fn ftoui(to: Type, from: Type, rm: Rm, a: u64, env: &mut FpEnv) -> u64 {
    to_integer(from, rm, a, 0, to.mask(), env)
}

/// An integer, given as sign and magnitude, to float.
#[inline(always)]
fn from_integer(to: Type, rm: Rm, sign: bool, magnitude: u64, env: &mut FpEnv) -> u64 {
    if magnitude == 0 {
        return 0;
    }
    let zeros = magnitude.leading_zeros();
    Format::of(to).round(resolve(rm, env), sign, 63 - zeros as i32, magnitude << zeros, env)
}

/// Signed integer to float.
#[inline]
pub fn sitof(to: Type, from: Type, rm: Rm, a: u64, env: &mut FpEnv) -> u64 {
    let value = signed(from, a);
    from_integer(to, rm, value < 0, value.unsigned_abs(), env)
}

/// Unsigned integer to float.
#[inline]
pub fn uitof(to: Type, _from: Type, rm: Rm, a: u64, env: &mut FpEnv) -> u64 {
    from_integer(to, rm, false, a, env)
}

/// Float to float of another format.
#[inline]
pub fn ftof(to: Type, from: Type, rm: Rm, a: u64, env: &mut FpEnv) -> u64 {
    let (source, target) = (Format::of(from), Format::of(to));
    let x = Num::unpack(source, a);
    match x.kind {
        Kind::Nan => {
            propagate(source, &[a], env);
            target.nan()
        }
        Kind::Inf => target.with_sign(x.sign, target.inf()),
        Kind::Finite if x.sig == 0 => target.with_sign(x.sign, 0),
        Kind::Finite => target.round(resolve(rm, env), x.sign, x.exp, x.sig, env),
    }
}

/// To or from bfloat16, whose bits are an `I16`.
#[inline]
pub fn bfcvt(to: Type, from: Type, rm: Rm, a: u64, env: &mut FpEnv) -> u64 {
    ftof(to, from, rm, a, env)
}

/// Rounds to an integer in the same format; never inexact.
#[inline]
pub fn fround(ty: Type, rm: Rm, a: u64, env: &mut FpEnv) -> u64 {
    round_to_integer(ty, rm, a, env).0
}

/// Rounds to an integer in the same format and raises inexact.
#[inline]
pub fn froundnx(ty: Type, rm: Rm, a: u64, env: &mut FpEnv) -> u64 {
    let (result, inexact) = round_to_integer(ty, rm, a, env);
    env.flags |= if inexact { NX } else { 0 };
    result
}

/// The nearest integer in the same format, and whether the operand was not an integer.
#[inline(always)]
fn round_to_integer(ty: Type, rm: Rm, a: u64, env: &mut FpEnv) -> (u64, bool) {
    let f = Format::of(ty);
    let x = Num::unpack(f, a);
    if x.is_nan() {
        return (propagate(f, &[a], env), false);
    }
    if x.is_inf() || x.is_zero() || x.exp >= f.frac as i32 {
        return (a, false);
    }
    match integer(x, resolve(rm, env)) {
        (None | Some(0), inexact) => (f.with_sign(x.sign, 0), inexact),
        (Some(m), inexact) => {
            // An integer below 2^frac, or that itself, is a value of the format: nothing is rounded here.
            let zeros = m.leading_zeros();
            (f.round(Rm::Rtz, x.sign, 63 - zeros as i32, m << zeros, env), inexact)
        }
    }
}

/// Modular conversion to a signed 32-bit integer, towards zero: the low bits of the integer that the operand is. The
/// flags are those of the saturating conversion; infinities and NaN give 0.
#[inline]
pub fn fcvtmod(_to: Type, from: Type, _rm: Rm, a: u64, env: &mut FpEnv) -> u64 {
    ftosi(Type::I32, from, Rm::Rtz, a, env);
    let x = Num::unpack(Format::of(from), a);
    if x.kind != Kind::Finite {
        return 0;
    }
    let low = match x.exp {
        ..0 => 0,
        0..64 => x.sig >> (63 - x.exp),
        64..127 => x.sig << (x.exp - 63),
        _ => 0,
    };
    (if x.sign { low.wrapping_neg() } else { low }) & Type::I32.mask()
}
