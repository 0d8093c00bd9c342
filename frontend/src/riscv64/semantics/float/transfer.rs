//! Loads, stores, moves, sign injection and constants: what carries bits without arithmetic, and so raises no flag.

use mynah_ir::Type::{F16, F32, F64};
use mynah_ir::{Build, Flow, Type};

use super::{Floats, Insn, Registers, bits_of, sign_of};

macro_rules! load {
    ($($name:ident = $ty:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let addr = b.x(i.rs1);
                let v = b.load($ty, addr, i.imm as i64)?;
                b.set_fp($ty, i.rd, v);
                Ok(())
            }
        )*
    };
}

load! {
    flw = F32;
    fld = F64;
    flh = F16;
}

/// Stores the raw low bits, boxed or not.
macro_rules! store {
    ($($name:ident = $ty:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let addr = b.x(i.rs1);
                let bits = b.raw($ty, i.rs2);
                b.store(bits_of($ty), addr, i.imm as i64, bits)
            }
        )*
    };
}

store! {
    fsw = F32;
    fsd = F64;
    fsh = F16;
}

/// `x(rd)` = the raw low bits of `f(rs1)`, sign-extended.
macro_rules! move_to_x {
    ($($name:ident = $ty:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let bits = b.raw($ty, i.rs1);
                let v = if $ty == F64 { bits } else { b.sext(Type::I64, bits_of($ty), bits) };
                b.set_x(i.rd, v);
                Ok(())
            }
        )*
    };
}

move_to_x! {
    fmv_x_w = F32;
    fmv_x_d = F64;
    fmv_x_h = F16;
}

/// `f(rd)` = the low bits of `x(rs1)`.
macro_rules! move_from_x {
    ($($name:ident = $ty:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let v = b.x(i.rs1);
                let bits = if $ty == F64 { v } else { b.trunc(bits_of($ty), Type::I64, v) };
                b.set_raw($ty, i.rd, bits);
                Ok(())
            }
        )*
    };
}

move_from_x! {
    fmv_w_x = F32;
    fmv_d_x = F64;
    fmv_h_x = F16;
}

/// What sign injection does to the sign of `rs1`, given that of `rs2`.
#[derive(Clone, Copy, PartialEq)]
enum Inject {
    Copy,
    Negate,
    Xor,
}

/// `f(rd)` = `f(rs1)` with another sign. With equal sources these are the pseudo-instructions `fmv`, `fneg` and `fabs`,
/// by far their most common use, which need one operation at most.
#[inline(always)]
fn inject<B: Build>(b: &mut B, i: &Insn, ty: Type, how: Inject) -> Flow {
    let value = b.fp(ty, i.rs1);
    if i.rs1 == i.rs2 && how == Inject::Copy {
        b.set_fp(ty, i.rd, value);
        return Ok(());
    }
    let int = bits_of(ty);
    let bits = b.bitcast(int, ty, value);
    let sign = b.iconst(int, sign_of(ty));
    let magnitude = b.iconst(int, sign_of(ty) - 1);
    let result = if i.rs1 == i.rs2 {
        match how {
            Inject::Negate => b.xor(int, bits, sign),
            _ => b.and(int, bits, magnitude),
        }
    } else {
        let other = b.fp(ty, i.rs2);
        let other = b.bitcast(int, ty, other);
        let other = if how == Inject::Negate { b.xor(int, other, sign) } else { other };
        let sign = b.and(int, other, sign);
        let kept = if how == Inject::Xor { bits } else { b.and(int, bits, magnitude) };
        b.xor(int, kept, sign)
    };
    b.set_raw(ty, i.rd, result);
    Ok(())
}

macro_rules! sign_injection {
    ($($name:ident = $ty:ident $how:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                inject(b, i, $ty, Inject::$how)
            }
        )*
    };
}

sign_injection! {
    fsgnj_s  = F32 Copy;
    fsgnj_d  = F64 Copy;
    fsgnj_h  = F16 Copy;
    fsgnjn_s = F32 Negate;
    fsgnjn_d = F64 Negate;
    fsgnjn_h = F16 Negate;
    fsgnjx_s = F32 Xor;
    fsgnjx_d = F64 Xor;
    fsgnjx_h = F16 Xor;
}

/// The constants of `fli` (Zfa, "Load-Immediate Instructions") as bits of binary16, binary32 and binary64.
const FLI: [[u64; 3]; 32] = [
    [0xbc00, 0xbf80_0000, 0xbff0_0000_0000_0000], // -1.0
    [0x0400, 0x0080_0000, 0x0010_0000_0000_0000], // smallest positive normal
    [0x0100, 0x3780_0000, 0x3ef0_0000_0000_0000], // 2^-16
    [0x0200, 0x3800_0000, 0x3f00_0000_0000_0000], // 2^-15
    [0x1c00, 0x3b80_0000, 0x3f70_0000_0000_0000], // 2^-8
    [0x2000, 0x3c00_0000, 0x3f80_0000_0000_0000], // 2^-7
    [0x2c00, 0x3d80_0000, 0x3fb0_0000_0000_0000], // 0.0625
    [0x3000, 0x3e00_0000, 0x3fc0_0000_0000_0000], // 0.125
    [0x3400, 0x3e80_0000, 0x3fd0_0000_0000_0000], // 0.25
    [0x3500, 0x3ea0_0000, 0x3fd4_0000_0000_0000], // 0.3125
    [0x3600, 0x3ec0_0000, 0x3fd8_0000_0000_0000], // 0.375
    [0x3700, 0x3ee0_0000, 0x3fdc_0000_0000_0000], // 0.4375
    [0x3800, 0x3f00_0000, 0x3fe0_0000_0000_0000], // 0.5
    [0x3900, 0x3f20_0000, 0x3fe4_0000_0000_0000], // 0.625
    [0x3a00, 0x3f40_0000, 0x3fe8_0000_0000_0000], // 0.75
    [0x3b00, 0x3f60_0000, 0x3fec_0000_0000_0000], // 0.875
    [0x3c00, 0x3f80_0000, 0x3ff0_0000_0000_0000], // 1.0
    [0x3d00, 0x3fa0_0000, 0x3ff4_0000_0000_0000], // 1.25
    [0x3e00, 0x3fc0_0000, 0x3ff8_0000_0000_0000], // 1.5
    [0x3f00, 0x3fe0_0000, 0x3ffc_0000_0000_0000], // 1.75
    [0x4000, 0x4000_0000, 0x4000_0000_0000_0000], // 2.0
    [0x4100, 0x4020_0000, 0x4004_0000_0000_0000], // 2.5
    [0x4200, 0x4040_0000, 0x4008_0000_0000_0000], // 3.0
    [0x4400, 0x4080_0000, 0x4010_0000_0000_0000], // 4.0
    [0x4800, 0x4100_0000, 0x4020_0000_0000_0000], // 8.0
    [0x4c00, 0x4180_0000, 0x4030_0000_0000_0000], // 16.0
    [0x5800, 0x4300_0000, 0x4060_0000_0000_0000], // 128.0
    [0x5c00, 0x4380_0000, 0x4070_0000_0000_0000], // 256.0
    [0x7800, 0x4700_0000, 0x40e0_0000_0000_0000], // 2^15
    [0x7c00, 0x4780_0000, 0x40f0_0000_0000_0000], // 2^16; infinity in binary16
    [0x7c00, 0x7f80_0000, 0x7ff0_0000_0000_0000], // inf
    [0x7e00, 0x7fc0_0000, 0x7ff8_0000_0000_0000], // nan
];

/// `f(rd)` = the constant whose number stands in the place of `rs1`.
macro_rules! constant {
    ($($name:ident = $ty:ident column $column:literal;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let bits = b.iconst(bits_of($ty), FLI[i.rs1 as usize % FLI.len()][$column]);
                b.set_raw($ty, i.rd, bits);
                Ok(())
            }
        )*
    };
}

constant! {
    fli_h = F16 column 0;
    fli_s = F32 column 1;
    fli_d = F64 column 2;
}
