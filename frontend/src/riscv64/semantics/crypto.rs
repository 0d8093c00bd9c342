//! Scalar cryptography: Zknd, Zkne, Zknh, Zksed, Zksh.

use mynah_ir::Type::{I32, I64};
use mynah_ir::{Build, Flow, Type};

use super::{Insn, Registers, bodies};

/// x rotated right by `a`, by `b`, and shifted or rotated right by `c`, combined by exclusive or.
#[inline(always)]
fn sigma<B: Build>(b: &mut B, ty: Type, x: B::V, rotations: [u64; 2], last: B::V) -> B::V {
    rotations.into_iter().fold(last, |sum, by| {
        let amount = b.iconst(ty, by);
        let rotated = b.rotr(ty, x, amount);
        b.xor(ty, sum, rotated)
    })
}

/// FIPS 180-4's capital sigma: three rotations.
#[inline(always)]
fn sum<B: Build>(b: &mut B, ty: Type, x: B::V, by: [u64; 3]) -> B::V {
    let amount = b.iconst(ty, by[2]);
    let last = b.rotr(ty, x, amount);
    sigma(b, ty, x, [by[0], by[1]], last)
}

/// FIPS 180-4's small sigma: two rotations and a shift.
#[inline(always)]
fn sig<B: Build>(b: &mut B, ty: Type, x: B::V, by: [u64; 3]) -> B::V {
    let amount = b.iconst(ty, by[2]);
    let last = b.ushr(ty, x, amount);
    sigma(b, ty, x, [by[0], by[1]], last)
}

// SHA-2 (FIPS 180-4, sections 4.1.2 and 4.1.3) and SM3's permutations, whose left rotations are right ones by 32 - n.
bodies! {
    unary_word sha256sum0 |b, x| sum(b, I32, x, [2, 13, 22]);
    unary_word sha256sum1 |b, x| sum(b, I32, x, [6, 11, 25]);
    unary_word sha256sig0 |b, x| sig(b, I32, x, [7, 18, 3]);
    unary_word sha256sig1 |b, x| sig(b, I32, x, [17, 19, 10]);
    unary sha512sum0 |b, x| sum(b, I64, x, [28, 34, 39]);
    unary sha512sum1 |b, x| sum(b, I64, x, [14, 18, 41]);
    unary sha512sig0 |b, x| sig(b, I64, x, [1, 8, 7]);
    unary sha512sig1 |b, x| sig(b, I64, x, [19, 61, 6]);
    unary_word sm3p0 |b, x| sigma(b, I32, x, [32 - 9, 32 - 17], x);
    unary_word sm3p1 |b, x| sigma(b, I32, x, [32 - 15, 32 - 23], x);
}

/// Bodies of AES and SM4, which the IR has as ops of the same name.
macro_rules! op {
    ($($name:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let (x, y) = (b.x(i.rs1), b.x(i.rs2));
                let v = b.$name(x, y, i.imm as u8);
                b.set_x(i.rd, v);
                Ok(())
            }
        )*
    };
}

op! {
    aes64ds;
    aes64dsm;
    aes64es;
    aes64esm;
    aes64ks2;
    sm4ed;
    sm4ks;
}

// These take one register.
bodies! {
    unary aes64im |b, x| b.aes64im(x, x, 0);
}

/// `aes64ks1i`
pub fn aes64ks1i<B: Build>(b: &mut B, i: &Insn) -> Flow {
    let x = b.x(i.rs1);
    let v = b.aes64ks1i(x, x, i.imm as u8);
    b.set_x(i.rd, v);
    Ok(())
}
