//! Integer ops.

use crate::types::Type;

/// Sign-extends the low bits of `v`, as wide as `ty`, to 64 bits.
#[inline(always)]
pub fn signed(ty: Type, v: u64) -> i64 {
    let shift = 64 - ty.bits();
    ((v << shift) as i64) >> shift
}

/// The shift amount that shift ops use.
#[inline(always)]
fn amount(ty: Type, b: u64) -> u32 {
    (b as u32) & (ty.bits() - 1)
}

macro_rules! binary {
    ($($name:ident($ty:ident, $a:ident, $b:ident) = $e:expr;)*) => {
        $(#[inline(always)] pub fn $name($ty: Type, $a: u64, $b: u64) -> u64 { ($e) & $ty.mask() })*
    };
}

binary! {
    add(ty, a, b) = a.wrapping_add(b);
    sub(ty, a, b) = a.wrapping_sub(b);
    mul(ty, a, b) = a.wrapping_mul(b);
    umulh(ty, a, b) = ((a as u128 * b as u128) >> ty.bits()) as u64;
    smulh(ty, a, b) = ((signed(ty, a) as i128 * signed(ty, b) as i128) >> ty.bits()) as u64;
    udiv(ty, a, b) = a.checked_div(b).unwrap_or(u64::MAX);
    urem(ty, a, b) = a.checked_rem(b).unwrap_or(a);
    sdiv(ty, a, b) = if b == 0 { u64::MAX } else { signed(ty, a).wrapping_div(signed(ty, b)) as u64 };
    srem(ty, a, b) = if b == 0 { a } else { signed(ty, a).wrapping_rem(signed(ty, b)) as u64 };
    and(ty, a, b) = a & b;
    or(ty, a, b) = a | b;
    xor(ty, a, b) = a ^ b;
    shl(ty, a, b) = a << amount(ty, b);
    ushr(ty, a, b) = a >> amount(ty, b);
    sshr(ty, a, b) = (signed(ty, a) >> amount(ty, b)) as u64;
    rotl(ty, a, b) = (a << amount(ty, b)) | (a >> ((ty.bits() - amount(ty, b)) & 63)) * (amount(ty, b) != 0) as u64;
    rotr(ty, a, b) = (a >> amount(ty, b)) | (a << ((ty.bits() - amount(ty, b)) & 63)) * (amount(ty, b) != 0) as u64;
    smin(ty, a, b) = signed(ty, a).min(signed(ty, b)) as u64;
    smax(ty, a, b) = signed(ty, a).max(signed(ty, b)) as u64;
    umin(_ty, a, b) = a.min(b);
    umax(_ty, a, b) = a.max(b);
    clmul(ty, a, b) = carryless(a, b) as u64;
    clmulh(ty, a, b) = (carryless(a, b) >> ty.bits()) as u64;
    perm8(ty, a, b) = permute(a, b, 8, ty);
    perm4(ty, a, b) = permute(a, b, 4, ty);
}

/// The carry-less product.
fn carryless(a: u64, b: u64) -> u128 {
    (0..64).filter(|i| b >> i & 1 != 0).fold(0, |acc, i| acc ^ (a as u128) << i)
}

/// Looks up each element of `b` in `a`, elements of `width` bits.
fn permute(a: u64, b: u64, width: u32, ty: Type) -> u64 {
    let mask = (1u64 << width) - 1;
    (0..ty.bits() / width).fold(0, |acc, i| {
        let index = (b >> (i * width)) & mask;
        let element = if index < (ty.bits() / width) as u64 { a >> (index as u32 * width) & mask } else { 0 };
        acc | element << (i * width)
    })
}

macro_rules! compare {
    ($($name:ident($ty:ident, $a:ident, $b:ident) = $e:expr;)*) => {
        $(#[inline(always)] pub fn $name($ty: Type, $a: u64, $b: u64) -> u64 { ($e) as u64 })*
    };
}

compare! {
    eq(_ty, a, b) = a == b;
    ne(_ty, a, b) = a != b;
    slt(ty, a, b) = signed(ty, a) < signed(ty, b);
    sge(ty, a, b) = signed(ty, a) >= signed(ty, b);
    ult(_ty, a, b) = a < b;
    uge(_ty, a, b) = a >= b;
}

macro_rules! unary {
    ($($name:ident($ty:ident, $a:ident) = $e:expr;)*) => {
        $(#[inline(always)] pub fn $name($ty: Type, $a: u64) -> u64 { ($e) & $ty.mask() })*
    };
}

unary! {
    clz(ty, a) = (a.leading_zeros() - (64 - ty.bits())) as u64;
    ctz(ty, a) = a.trailing_zeros().min(ty.bits()) as u64;
    popcnt(_ty, a) = a.count_ones() as u64;
    bswap(ty, a) = a.swap_bytes() >> (64 - ty.bits());
    bitrev(ty, a) = a.reverse_bits() >> (64 - ty.bits());
    orcb(ty, a) = (0..ty.bytes()).fold(0, |acc, i| acc | if a >> (8 * i) & 0xff != 0 { 0xff << (8 * i) } else { 0 });
    zip(ty, a) = (0..ty.bits() / 2).fold(0, |acc, i| acc | (a >> i & 1) << (2 * i) | (a >> (i + ty.bits() / 2) & 1) << (2 * i + 1));
    unzip(ty, a) = (0..ty.bits() / 2).fold(0, |acc, i| acc | (a >> (2 * i) & 1) << i | (a >> (2 * i + 1) & 1) << (i + ty.bits() / 2));
}

/// Zero extension.
#[inline(always)]
pub fn zext(_to: Type, from: Type, a: u64) -> u64 {
    a & from.mask()
}

/// Sign extension.
#[inline(always)]
pub fn sext(to: Type, from: Type, a: u64) -> u64 {
    signed(from, a) as u64 & to.mask()
}

/// Truncation.
#[inline(always)]
pub fn trunc(to: Type, _from: Type, a: u64) -> u64 {
    a & to.mask()
}

/// Reinterpretation.
#[inline(always)]
pub fn bitcast(to: Type, _from: Type, a: u64) -> u64 {
    a & to.mask()
}

/// NaN boxing.
#[inline(always)]
pub fn nanbox(_to: Type, from: Type, a: u64) -> u64 {
    a | !from.mask()
}

/// Undoes NaN boxing; RISC-V unprivileged, "NaN Boxing of Narrower Values": not boxed means the canonical NaN.
#[inline(always)]
pub fn unbox(to: Type, _from: Type, a: u64) -> u64 {
    if a | to.mask() == u64::MAX { a & to.mask() } else { super::float::canonical_nan(to) }
}
