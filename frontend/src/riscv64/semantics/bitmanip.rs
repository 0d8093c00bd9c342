//! Zba, Zbb, Zbc, Zbs, Zbkb, Zbkc, Zbkx.

use mynah_ir::Build;
use mynah_ir::Type::{I8, I16, I32, I64};

use super::bodies;

/// y + (x << shift).
#[inline(always)]
fn shift_add<B: Build>(b: &mut B, shift: u64, x: B::V, y: B::V) -> B::V {
    let amount = b.iconst(I64, shift);
    let scaled = b.shl(I64, x, amount);
    b.add(I64, scaled, y)
}

/// The low word, zero-extended.
#[inline(always)]
fn unsigned_word<B: Build>(b: &mut B, x: B::V) -> B::V {
    let low = b.trunc(I32, I64, x);
    b.zext(I64, I32, low)
}

/// 1 << y, with y modulo 64.
#[inline(always)]
fn single_bit<B: Build>(b: &mut B, y: B::V) -> B::V {
    let one = b.iconst(I64, 1);
    b.shl(I64, one, y)
}

/// All bits of x inverted.
#[inline(always)]
fn inverted<B: Build>(b: &mut B, x: B::V) -> B::V {
    let ones = b.iconst(I64, u64::MAX);
    b.xor(I64, x, ones)
}

/// x & ~y.
#[inline(always)]
fn and_not<B: Build>(b: &mut B, x: B::V, y: B::V) -> B::V {
    let not = inverted(b, y);
    b.and(I64, x, not)
}

/// Bit y of x.
#[inline(always)]
fn extract_bit<B: Build>(b: &mut B, x: B::V, y: B::V) -> B::V {
    let shifted = b.ushr(I64, x, y);
    let one = b.iconst(I64, 1);
    b.and(I64, shifted, one)
}

// Zba.
bodies! {
    binary add_uw |b, x, y| { let x = unsigned_word(b, x); b.add(I64, x, y) };
    binary sh1add |b, x, y| shift_add(b, 1, x, y);
    binary sh2add |b, x, y| shift_add(b, 2, x, y);
    binary sh3add |b, x, y| shift_add(b, 3, x, y);
    binary sh1add_uw |b, x, y| { let x = unsigned_word(b, x); shift_add(b, 1, x, y) };
    binary sh2add_uw |b, x, y| { let x = unsigned_word(b, x); shift_add(b, 2, x, y) };
    binary sh3add_uw |b, x, y| { let x = unsigned_word(b, x); shift_add(b, 3, x, y) };
    immediate slli_uw |b, x, y| { let x = unsigned_word(b, x); b.shl(I64, x, y) };
}

// Zbb.
bodies! {
    binary andn |b, x, y| and_not(b, x, y);
    binary orn |b, x, y| { let y = inverted(b, y); b.or(I64, x, y) };
    binary xnor |b, x, y| { let v = b.xor(I64, x, y); inverted(b, v) };
    unary clz |b, x| b.clz(I64, x);
    unary ctz |b, x| b.ctz(I64, x);
    unary cpop |b, x| b.popcnt(I64, x);
    unary_word clzw |b, x| b.clz(I32, x);
    unary_word ctzw |b, x| b.ctz(I32, x);
    unary_word cpopw |b, x| b.popcnt(I32, x);
    binary max |b, x, y| b.smax(I64, x, y);
    binary maxu |b, x, y| b.umax(I64, x, y);
    binary min |b, x, y| b.smin(I64, x, y);
    binary minu |b, x, y| b.umin(I64, x, y);
    unary sext_b |b, x| { let v = b.trunc(I8, I64, x); b.sext(I64, I8, v) };
    unary sext_h |b, x| { let v = b.trunc(I16, I64, x); b.sext(I64, I16, v) };
    unary zext_b |b, x| { let v = b.trunc(I8, I64, x); b.zext(I64, I8, v) };
    unary zext_h |b, x| { let v = b.trunc(I16, I64, x); b.zext(I64, I16, v) };
    binary rol |b, x, y| b.rotl(I64, x, y);
    binary ror |b, x, y| b.rotr(I64, x, y);
    immediate rori |b, x, y| b.rotr(I64, x, y);
    binary_word rolw |b, x, y| b.rotl(I32, x, y);
    binary_word rorw |b, x, y| b.rotr(I32, x, y);
    immediate_word roriw |b, x, y| b.rotr(I32, x, y);
    unary orc_b |b, x| b.orcb(I64, x);
    unary rev8 |b, x| b.bswap(I64, x);
}

// Zbs.
bodies! {
    binary bclr |b, x, y| { let bit = single_bit(b, y); and_not(b, x, bit) };
    immediate bclri |b, x, y| { let bit = single_bit(b, y); and_not(b, x, bit) };
    binary bext |b, x, y| extract_bit(b, x, y);
    immediate bexti |b, x, y| extract_bit(b, x, y);
    binary binv |b, x, y| { let bit = single_bit(b, y); b.xor(I64, x, bit) };
    immediate binvi |b, x, y| { let bit = single_bit(b, y); b.xor(I64, x, bit) };
    binary bset |b, x, y| { let bit = single_bit(b, y); b.or(I64, x, bit) };
    immediate bseti |b, x, y| { let bit = single_bit(b, y); b.or(I64, x, bit) };
}

// Zbc, Zbkc, Zbkb, Zbkx.
bodies! {
    binary clmul |b, x, y| b.clmul(I64, x, y);
    binary clmulh |b, x, y| b.clmulh(I64, x, y);
    // Bits 126 to 63 of the product.
    binary clmulr |b, x, y| {
        let (high, low) = (b.clmulh(I64, x, y), b.clmul(I64, x, y));
        let (one, last) = (b.iconst(I64, 1), b.iconst(I64, 63));
        let (high, low) = (b.shl(I64, high, one), b.ushr(I64, low, last));
        b.or(I64, high, low)
    };
    // Reversing all bits and then all bytes leaves the bytes in place, each reversed.
    unary brev8 |b, x| { let v = b.bitrev(I64, x); b.bswap(I64, v) };
    binary pack |b, x, y| {
        let low = unsigned_word(b, x);
        shift_add(b, 32, y, low)
    };
    binary packh |b, x, y| {
        let mask = b.iconst(I64, 0xff);
        let (low, high) = (b.and(I64, x, mask), b.and(I64, y, mask));
        shift_add(b, 8, high, low)
    };
    binary_word packw |b, x, y| {
        let (mask, half) = (b.iconst(I32, 0xffff), b.iconst(I32, 16));
        let (low, high) = (b.and(I32, x, mask), b.shl(I32, y, half));
        b.or(I32, low, high)
    };
    binary xperm4 |b, x, y| b.perm4(I64, x, y);
    binary xperm8 |b, x, y| b.perm8(I64, x, y);
}
