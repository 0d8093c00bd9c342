//! Floating-point ops (signatures; the meanings follow in the next commit).

use crate::types::{FpEnv, Rm, Type};

/// The canonical NaN of a float type.
pub fn canonical_nan(ty: Type) -> u64 {
    match ty {
        Type::F16 => 0x7e00,
        Type::F32 => 0x7fc0_0000,
        _ => 0x7ff8_0000_0000_0000,
    }
}

macro_rules! pending {
    ($($name:ident($($arg:ident: $t:ty),*);)*) => {
        $(pub fn $name($($arg: $t),*, _env: &mut FpEnv) -> u64 { unimplemented!(stringify!($name)) })*
    };
}
pending! {
    fsqrt(_ty: Type, _rm: Rm, _a: u64); fround(_ty: Type, _rm: Rm, _a: u64); froundnx(_ty: Type, _rm: Rm, _a: u64);
    fadd(_ty: Type, _rm: Rm, _a: u64, _b: u64); fsub(_ty: Type, _rm: Rm, _a: u64, _b: u64);
    fmul(_ty: Type, _rm: Rm, _a: u64, _b: u64); fdiv(_ty: Type, _rm: Rm, _a: u64, _b: u64);
    fmin(_ty: Type, _rm: Rm, _a: u64, _b: u64); fmax(_ty: Type, _rm: Rm, _a: u64, _b: u64);
    fminm(_ty: Type, _rm: Rm, _a: u64, _b: u64); fmaxm(_ty: Type, _rm: Rm, _a: u64, _b: u64);
    fma(_ty: Type, _rm: Rm, _a: u64, _b: u64, _c: u64);
    feq(_ty: Type, _a: u64, _b: u64); flt(_ty: Type, _a: u64, _b: u64); fle(_ty: Type, _a: u64, _b: u64);
    fltq(_ty: Type, _a: u64, _b: u64); fleq(_ty: Type, _a: u64, _b: u64);
    ftosi(_to: Type, _from: Type, _rm: Rm, _a: u64); ftoui(_to: Type, _from: Type, _rm: Rm, _a: u64);
    sitof(_to: Type, _from: Type, _rm: Rm, _a: u64); uitof(_to: Type, _from: Type, _rm: Rm, _a: u64);
    ftof(_to: Type, _from: Type, _rm: Rm, _a: u64); bfcvt(_to: Type, _from: Type, _rm: Rm, _a: u64);
    fcvtmod(_to: Type, _from: Type, _rm: Rm, _a: u64); fclass(_to: Type, _from: Type, _rm: Rm, _a: u64);
}
