//! Comparison, minimum and maximum, classification: all on the bits as they are.

use super::format::Format;
use super::unpacked::{is_nan, is_signaling, propagate};
use crate::types::flags::NV;
use crate::types::{FpEnv, Rm, Type};

/// A key whose integer order is the order of the numbers, with -0 just below +0.
#[inline(always)]
fn key(f: Format, bits: u64) -> i64 {
    let magnitude = (bits & (f.sign() - 1)) as i64;
    if bits & f.sign() != 0 { !magnitude } else { magnitude }
}

/// A key whose integer order is the order of the numbers, with -0 equal to +0.
#[inline(always)]
fn value_key(f: Format, bits: u64) -> i64 {
    let magnitude = (bits & (f.sign() - 1)) as i64;
    if bits & f.sign() != 0 { -magnitude } else { magnitude }
}

/// A comparison that a NaN makes false; it is invalid for a signalling NaN, and for a quiet one if `signaling`.
#[inline(always)]
fn compare(ty: Type, signaling: bool, a: u64, b: u64, env: &mut FpEnv, holds: fn(&i64, &i64) -> bool) -> u64 {
    let f = Format::of(ty);
    if is_nan(f, a) || is_nan(f, b) {
        if signaling || is_signaling(f, a) || is_signaling(f, b) {
            env.flags |= NV;
        }
        return 0;
    }
    holds(&value_key(f, a), &value_key(f, b)) as u64
}

/// Quiet equality.
#[inline]
pub fn feq(ty: Type, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    compare(ty, false, a, b, env, i64::eq)
}

/// Signalling less than.
#[inline]
pub fn flt(ty: Type, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    compare(ty, true, a, b, env, i64::lt)
}

/// Signalling less or equal.
#[inline]
pub fn fle(ty: Type, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    compare(ty, true, a, b, env, i64::le)
}

/// Quiet less than.
#[inline]
pub fn fltq(ty: Type, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    compare(ty, false, a, b, env, i64::lt)
}

/// Quiet less or equal.
#[inline]
pub fn fleq(ty: Type, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    compare(ty, false, a, b, env, i64::le)
}

/// The lesser (or greater) operand; a number wins over a NaN.
#[inline(always)]
fn number(ty: Type, greater: bool, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    let f = Format::of(ty);
    match (is_nan(f, a), is_nan(f, b)) {
        (false, false) => pick(f, greater, a, b),
        (a_nan, b_nan) => {
            let nan = propagate(f, &[a, b], env);
            if !a_nan {
                a
            } else if !b_nan {
                b
            } else {
                nan
            }
        }
    }
}

/// The lesser (or greater) operand; a NaN wins over a number.
#[inline(always)]
fn strict(ty: Type, greater: bool, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    let f = Format::of(ty);
    if is_nan(f, a) || is_nan(f, b) { propagate(f, &[a, b], env) } else { pick(f, greater, a, b) }
}

#[inline(always)]
fn pick(f: Format, greater: bool, a: u64, b: u64) -> u64 {
    if (key(f, a) < key(f, b)) != greater { a } else { b }
}

/// minimumNumber.
#[inline]
pub fn fmin(ty: Type, _rm: Rm, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    number(ty, false, a, b, env)
}

/// maximumNumber.
#[inline]
pub fn fmax(ty: Type, _rm: Rm, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    number(ty, true, a, b, env)
}

/// minimum.
#[inline]
pub fn fminm(ty: Type, _rm: Rm, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    strict(ty, false, a, b, env)
}

/// maximum.
#[inline]
pub fn fmaxm(ty: Type, _rm: Rm, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    strict(ty, true, a, b, env)
}

/// Classification: one of ten bits, as in the manual's table "Format of result of FCLASS instruction".
#[inline]
pub fn fclass(_to: Type, from: Type, _rm: Rm, a: u64, _env: &mut FpEnv) -> u64 {
    let f = Format::of(from);
    let magnitude = a & (f.sign() - 1);
    if is_nan(f, a) {
        return if is_signaling(f, a) { 1 << 8 } else { 1 << 9 };
    }
    let distance = match magnitude {
        0 => 0,
        m if m == f.inf() => 3,
        m if m >> f.frac != 0 => 2,
        _ => 1,
    };
    // From -infinity in bit 0 to -0 in bit 3, and from +0 in bit 4 to +infinity in bit 7.
    if a & f.sign() != 0 { 1 << (3 - distance) } else { 1 << (4 + distance) }
}
