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
    rotl(ty, a, b) = a << amount(ty, b) | a >> ((ty.bits() - amount(ty, b)) & 63);
    rotr(ty, a, b) = a >> amount(ty, b) | a << ((ty.bits() - amount(ty, b)) & 63);
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

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: [Type; 4] = [Type::I8, Type::I16, Type::I32, Type::I64];

    /// Pairs of operands: all of 8 bits, else edges and pseudo-random ones.
    fn pairs(ty: Type) -> Vec<(u64, u64)> {
        if ty == Type::I8 {
            return (0..=0xffff).map(|i| (i & 0xff, i >> 8)).collect();
        }
        let mask = ty.mask();
        let mut values = vec![0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, mask, mask - 1];
        values.extend([mask / 2, mask / 2 + 1, mask / 3, mask / 255, mask / 255 * 0x80]);
        let mut random = 0x0123_4567_89ab_cdef_u64;
        for i in 0..100 {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            values.push((random >> (i % 32) ^ random >> 40) & mask);
        }
        values.iter().flat_map(|&a| values.iter().map(move |&b| (a, b))).collect()
    }

    fn bit(v: u64, i: u32) -> bool {
        i < 64 && v >> i & 1 != 0
    }

    /// The value whose bit `i` is `f(i)`.
    fn bits(ty: Type, f: impl Fn(u32) -> bool) -> u64 {
        (0..ty.bits()).filter(|&i| f(i)).map(|i| 1 << i).sum()
    }

    /// The number modulo 2^width, in `u64`.
    fn wrap(ty: Type, v: i128) -> u64 {
        v.rem_euclid(1 << ty.bits()) as u64
    }

    /// The number as two's complement.
    fn number(ty: Type, v: u64) -> i128 {
        v as i128 - if bit(v, ty.bits() - 1) { 1 << ty.bits() } else { 0 }
    }

    /// Checks a binary op against its definition on (type, a, b).
    macro_rules! binary_is {
        ($($op:ident: $definition:expr;)*) => {
            $(#[test]
            fn $op() {
                let definition: fn(Type, u64, u64) -> u64 = $definition;
                for ty in TYPES {
                    for (a, b) in pairs(ty) {
                        let (got, want) = (super::$op(ty, a, b), definition(ty, a, b));
                        assert_eq!(got, want, "{ty:?} {a:#x} {b:#x}: {got:#x} is not {want:#x}");
                    }
                }
            })*
        };
    }

    binary_is! {
        add: |ty, a, b| wrap(ty, a as i128 + b as i128);
        sub: |ty, a, b| wrap(ty, a as i128 - b as i128);
        mul: |ty, a, b| wrap(ty, number(ty, a) * number(ty, b));
        umulh: |ty, a, b| (a as u128 * b as u128 / (1 << ty.bits())) as u64;
        smulh: |ty, a, b| wrap(ty, (number(ty, a) * number(ty, b)).div_euclid(1 << ty.bits()));
        udiv: |ty, a, b| if b == 0 { ty.mask() } else { a / b };
        urem: |_, a, b| if b == 0 { a } else { a % b };
        sdiv: |ty, a, b| if b == 0 { ty.mask() } else { wrap(ty, number(ty, a) / number(ty, b)) };
        srem: |ty, a, b| if b == 0 { a } else { wrap(ty, number(ty, a) % number(ty, b)) };
        and: |ty, a, b| bits(ty, |i| bit(a, i) && bit(b, i));
        or: |ty, a, b| bits(ty, |i| bit(a, i) || bit(b, i));
        xor: |ty, a, b| bits(ty, |i| bit(a, i) != bit(b, i));
        shl: |ty, a, b| wrap(ty, a as i128 * (1 << (b % ty.bits() as u64)) % (1 << 64));
        ushr: |ty, a, b| (a as u128 / (1 << (b % ty.bits() as u64))) as u64;
        sshr: |ty, a, b| wrap(ty, number(ty, a).div_euclid(1 << (b % ty.bits() as u64)));
        rotl: |ty, a, b| bits(ty, |i| bit(a, (i as u64 + 64 - b % 64) as u32 % ty.bits()));
        rotr: |ty, a, b| bits(ty, |i| bit(a, (i as u64 + b % 64) as u32 % ty.bits()));
        smin: |ty, a, b| if number(ty, a) < number(ty, b) { a } else { b };
        smax: |ty, a, b| if number(ty, a) > number(ty, b) { a } else { b };
        umin: |_, a, b| if a < b { a } else { b };
        umax: |_, a, b| if a > b { a } else { b };
        clmul: |ty, a, b| bits(ty, |k| (0..=k).filter(|&i| bit(a, i) && bit(b, k - i)).count() % 2 != 0);
        clmulh: |ty, a, b| bits(ty, |k| {
            let k = k + ty.bits();
            (0..=k).filter(|&i| bit(a, i) && bit(b, k - i)).count() % 2 != 0
        });
        perm8: |ty, a, b| bits(ty, |i| {
            let index = b >> (i / 8 * 8) & 0xff;
            index < ty.bytes() as u64 && bit(a, index as u32 * 8 + i % 8)
        });
        perm4: |ty, a, b| bits(ty, |i| {
            let index = b >> (i / 4 * 4) & 0xf;
            index < ty.bytes() as u64 * 2 && bit(a, index as u32 * 4 + i % 4)
        });
        eq: |ty, a, b| (number(ty, a) == number(ty, b)) as u64;
        ne: |ty, a, b| (number(ty, a) != number(ty, b)) as u64;
        slt: |ty, a, b| (number(ty, a) < number(ty, b)) as u64;
        sge: |ty, a, b| (number(ty, a) >= number(ty, b)) as u64;
        ult: |_, a, b| (a < b) as u64;
        uge: |_, a, b| (a >= b) as u64;
    }

    /// Checks a unary op against its definition on (type, a).
    macro_rules! unary_is {
        ($($op:ident: $definition:expr;)*) => {
            $(#[test]
            fn $op() {
                let definition: fn(Type, u64) -> u64 = $definition;
                for ty in TYPES {
                    for (a, _) in pairs(ty) {
                        let (got, want) = (super::$op(ty, a), definition(ty, a));
                        assert_eq!(got, want, "{ty:?} {a:#x}: {got:#x} is not {want:#x}");
                    }
                }
            })*
        };
    }

    unary_is! {
        clz: |ty, a| (0..ty.bits()).rev().take_while(|&i| !bit(a, i)).count() as u64;
        ctz: |ty, a| (0..ty.bits()).take_while(|&i| !bit(a, i)).count() as u64;
        popcnt: |ty, a| (0..ty.bits()).filter(|&i| bit(a, i)).count() as u64;
        bswap: |ty, a| bits(ty, |i| bit(a, (ty.bytes() - 1 - i / 8) * 8 + i % 8));
        bitrev: |ty, a| bits(ty, |i| bit(a, ty.bits() - 1 - i));
        orcb: |ty, a| bits(ty, |i| (0..8).any(|k| bit(a, i / 8 * 8 + k)));
        zip: |ty, a| bits(ty, |i| bit(a, i / 2 + i % 2 * (ty.bits() / 2)));
        unzip: |ty, a| bits(ty, |i| bit(a, if i < ty.bits() / 2 { 2 * i } else { 2 * i + 1 - ty.bits() }));
    }

    #[test]
    fn extension_and_truncation() {
        for from in TYPES {
            for to in TYPES {
                for (a, _) in pairs(from) {
                    assert_eq!(zext(to, from, a) & to.mask(), a & to.mask());
                    assert_eq!(sext(to, from, a), wrap(to, number(from, a)));
                    assert_eq!(trunc(to, from, a), wrap(to, a as i128));
                    assert_eq!(signed(from, a) as i128, number(from, a));
                }
            }
        }
    }

    #[test]
    fn boxes() {
        assert_eq!(nanbox(Type::F64, Type::F32, 0x3f80_0000), 0xffff_ffff_3f80_0000);
        assert_eq!(nanbox(Type::F64, Type::F16, 0x3c00), 0xffff_ffff_ffff_3c00);
        assert_eq!(unbox(Type::F32, Type::F64, 0xffff_ffff_3f80_0000), 0x3f80_0000);
        assert_eq!(unbox(Type::F16, Type::F64, 0xffff_ffff_ffff_3c00), 0x3c00);
        // A signalling NaN passes as it is; what is not boxed is the canonical NaN.
        assert_eq!(unbox(Type::F32, Type::F64, 0xffff_ffff_7f80_0001), 0x7f80_0001);
        assert_eq!(unbox(Type::F32, Type::F64, 0xffff_fffe_3f80_0000), 0x7fc0_0000);
        assert_eq!(unbox(Type::F32, Type::F64, 1f64.to_bits()), 0x7fc0_0000);
        assert_eq!(unbox(Type::F16, Type::F64, 0xffff_ffff_fffe_3c00), 0x7e00);
        assert_eq!(bitcast(Type::I32, Type::F32, 0xbf80_0000), 0xbf80_0000);
    }
}
