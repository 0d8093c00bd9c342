//! Addition, multiplication, division, square root and fused multiply-add.

use super::format::{Format, resolve, shift_right_sticky};
use super::unpacked::{Num, ZERO_EXP, propagate};
use crate::types::flags::DZ;
use crate::types::{FpEnv, Rm, Type};

/// Addition.
#[inline]
pub fn fadd(ty: Type, rm: Rm, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    let f = Format::of(ty);
    let (x, y) = (Num::unpack(f, a), Num::unpack(f, b));
    if x.is_nan() || y.is_nan() {
        return propagate(f, &[a, b], env);
    }
    add(f, resolve(rm, env), x, y, env)
}

/// Subtraction.
#[inline]
pub fn fsub(ty: Type, rm: Rm, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    // The sign of a NaN has no influence.
    fadd(ty, rm, a, b ^ Format::of(ty).sign(), env)
}

/// The sum of two numbers that are not NaN.
#[inline(always)]
fn add(f: Format, rm: Rm, x: Num, y: Num, env: &mut FpEnv) -> u64 {
    if x.is_inf() || y.is_inf() {
        return match x.is_inf() && y.is_inf() && x.sign != y.sign {
            true => f.invalid(env),
            false => f.with_sign(if x.is_inf() { x.sign } else { y.sign }, f.inf()),
        };
    }
    let (x, y) = if (x.exp, x.sig) >= (y.exp, y.sig) { (x, y) } else { (y, x) };
    // One bit of headroom for the carry. The nine bits or more that remain below the digits are enough for the sticky
    // bit: digits get lost only if the exponents differ by more than that, and then cancellation takes one place.
    let aligned = shift_right_sticky(y.sig >> 1, (x.exp - y.exp) as u32);
    let sum = if x.sign == y.sign { (x.sig >> 1) + aligned } else { (x.sig >> 1) - aligned };
    if sum == 0 {
        return zero_sum(f, rm, x.sign, y.sign);
    }
    let zeros = sum.leading_zeros();
    f.round(rm, x.sign, x.exp + 1 - zeros as i32, sum << zeros, env)
}

/// The zero that an exact sum of zero is; IEEE 754-2019, 6.3.
#[inline(always)]
fn zero_sum(f: Format, rm: Rm, a: bool, b: bool) -> u64 {
    f.with_sign(if a == b { a } else { rm == Rm::Rdn }, 0)
}

/// Multiplication.
#[inline]
pub fn fmul(ty: Type, rm: Rm, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    let f = Format::of(ty);
    let (x, y) = (Num::unpack(f, a), Num::unpack(f, b));
    let sign = x.sign ^ y.sign;
    if x.is_nan() || y.is_nan() {
        return propagate(f, &[a, b], env);
    }
    if x.is_inf() || y.is_inf() {
        return if x.is_zero() || y.is_zero() { f.invalid(env) } else { f.with_sign(sign, f.inf()) };
    }
    if x.is_zero() || y.is_zero() {
        return f.with_sign(sign, 0);
    }
    let product = x.sig as u128 * y.sig as u128;
    round_wide(f, resolve(rm, env), sign, x.exp + y.exp + 1, product, env)
}

/// Rounds `sig / 2^127 * 2^exp`, where `sig` is not zero.
#[inline(always)]
fn round_wide(f: Format, rm: Rm, sign: bool, exp: i32, sig: u128, env: &mut FpEnv) -> u64 {
    let zeros = sig.leading_zeros();
    let sig = sig << zeros;
    let high = (sig >> 64) as u64 | (sig as u64 != 0) as u64;
    f.round(rm, sign, exp - zeros as i32, high, env)
}

/// Division.
#[inline]
pub fn fdiv(ty: Type, rm: Rm, a: u64, b: u64, env: &mut FpEnv) -> u64 {
    let f = Format::of(ty);
    let (x, y) = (Num::unpack(f, a), Num::unpack(f, b));
    let sign = x.sign ^ y.sign;
    if x.is_nan() || y.is_nan() {
        return propagate(f, &[a, b], env);
    }
    if (x.is_inf() && y.is_inf()) || (x.is_zero() && y.is_zero()) {
        return f.invalid(env);
    }
    if x.is_inf() || y.is_zero() {
        env.flags |= if x.is_inf() { 0 } else { DZ };
        return f.with_sign(sign, f.inf());
    }
    if x.is_zero() || y.is_inf() {
        return f.with_sign(sign, 0);
    }
    // The quotient of the significands is in (1/2, 2), so this one has 63 or 64 digits.
    let (dividend, divisor) = ((x.sig as u128) << 63, y.sig as u128);
    let quotient = (dividend / divisor) as u64;
    let sticky = (quotient as u128 * divisor != dividend) as u64;
    let zeros = quotient.leading_zeros();
    f.round(resolve(rm, env), sign, x.exp - y.exp - zeros as i32, (quotient | sticky) << zeros, env)
}

/// Square root.
#[inline]
pub fn fsqrt(ty: Type, rm: Rm, a: u64, env: &mut FpEnv) -> u64 {
    let f = Format::of(ty);
    let x = Num::unpack(f, a);
    if x.is_nan() {
        return propagate(f, &[a], env);
    }
    if x.is_zero() {
        return a;
    }
    if x.sign {
        return f.invalid(env);
    }
    if x.is_inf() {
        return a;
    }
    // An even exponent halves; the significand, doubled for an odd one, has a root of 64 digits.
    let odd = (x.exp & 1) as u32;
    let radicand = (x.sig as u128) << (63 + odd);
    let root = radicand.isqrt();
    let sticky = (root * root != radicand) as u64;
    f.round(resolve(rm, env), false, x.exp >> 1, root as u64 | sticky, env)
}

/// `a * b + c` with one rounding.
#[inline]
pub fn fma(ty: Type, rm: Rm, a: u64, b: u64, c: u64, env: &mut FpEnv) -> u64 {
    let f = Format::of(ty);
    let (x, y, z) = (Num::unpack(f, a), Num::unpack(f, b), Num::unpack(f, c));
    let sign = x.sign ^ y.sign;
    // Invalid even if `c` is a quiet NaN: unprivileged manual, "Single-Precision Floating-Point Computational
    // Instructions".
    if (x.is_inf() && y.is_zero()) || (x.is_zero() && y.is_inf()) {
        return f.invalid(env);
    }
    if x.is_nan() || y.is_nan() || z.is_nan() {
        return propagate(f, &[a, b, c], env);
    }
    if x.is_inf() || y.is_inf() {
        return if z.is_inf() && z.sign != sign { f.invalid(env) } else { f.with_sign(sign, f.inf()) };
    }
    if z.is_inf() {
        return c;
    }
    let product = Wide::product(x, y, sign);
    add_wide(f, resolve(rm, env), product, Wide::from(z), env)
}

/// A finite number with enough digits for an exact product: its magnitude is `sig / 2^126 * 2^exp`. The top bit is
/// free for a carry.
#[derive(Clone, Copy)]
struct Wide {
    sign: bool,
    exp: i32,
    sig: u128,
}

impl Wide {
    /// The product's leading digit is in bit 125 or 126: two bits of its significands' ends, which are zero, make room.
    #[inline(always)]
    fn product(x: Num, y: Num, sign: bool) -> Wide {
        let sig = (x.sig >> 1) as u128 * y.sig as u128;
        Wide { sign, exp: if sig == 0 { ZERO_EXP } else { x.exp + y.exp + 1 }, sig }
    }

    #[inline(always)]
    fn from(z: Num) -> Wide {
        Wide { sign: z.sign, exp: z.exp, sig: (z.sig as u128) << 63 }
    }
}

/// The rounded sum. Digits get lost in aligning only if the exponents differ by 20 or more (the digits of a product end
/// at bit 20 or above), so cancellation, which then takes two places at most, never reaches the sticky bit.
#[inline(always)]
fn add_wide(f: Format, rm: Rm, x: Wide, y: Wide, env: &mut FpEnv) -> u64 {
    let (x, y) = if x.exp >= y.exp { (x, y) } else { (y, x) };
    let n = (x.exp - y.exp) as u32;
    let aligned = match n {
        0 => y.sig,
        1..128 => y.sig >> n | (y.sig << (128 - n) != 0) as u128,
        _ => (y.sig != 0) as u128,
    };
    let (sign, sum) = match (x.sign == y.sign, x.sig >= aligned) {
        (true, _) => (x.sign, x.sig + aligned),
        (false, true) => (x.sign, x.sig - aligned),
        (false, false) => (y.sign, aligned - x.sig),
    };
    if sum == 0 {
        return zero_sum(f, rm, x.sign, y.sign);
    }
    round_wide(f, rm, sign, x.exp + 1, sum, env)
}
