//! Arithmetic, comparison, classification and rounding to integer values.

use mynah_ir::Type::{F16, F32, F64};
use mynah_ir::{Build, Flow, Rm, Type};

use super::{Floats, Insn, Registers};

/// `f(rd) = op(f(rs1))`, rounded.
macro_rules! unary {
    ($($name:ident = $op:ident $ty:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let Some(rm) = b.mode(i)? else { return Ok(()) };
                let a = b.fp($ty, i.rs1);
                let v = b.$op($ty, rm, a);
                b.set_fp($ty, i.rd, v);
                Ok(())
            }
        )*
    };
}

unary! {
    fsqrt_s    = fsqrt F32;
    fsqrt_d    = fsqrt F64;
    fsqrt_h    = fsqrt F16;
    fround_s   = fround F32;
    fround_d   = fround F64;
    fround_h   = fround F16;
    froundnx_s = froundnx F32;
    froundnx_d = froundnx F64;
    froundnx_h = froundnx F16;
}

/// `f(rd) = op(f(rs1), f(rs2))`, rounded.
macro_rules! binary {
    ($($name:ident = $op:ident $ty:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let Some(rm) = b.mode(i)? else { return Ok(()) };
                let (x, y) = (b.fp($ty, i.rs1), b.fp($ty, i.rs2));
                let v = b.$op($ty, rm, x, y);
                b.set_fp($ty, i.rd, v);
                Ok(())
            }
        )*
    };
}

binary! {
    fadd_s = fadd F32;
    fadd_d = fadd F64;
    fadd_h = fadd F16;
    fsub_s = fsub F32;
    fsub_d = fsub F64;
    fsub_h = fsub F16;
    fmul_s = fmul F32;
    fmul_d = fmul F64;
    fmul_h = fmul F16;
    fdiv_s = fdiv F32;
    fdiv_d = fdiv F64;
    fdiv_h = fdiv F16;
}

/// `f(rd) = op(f(rs1), f(rs2))` without rounding: these rows have no rounding mode.
macro_rules! choice {
    ($($name:ident = $op:ident $ty:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let (x, y) = (b.fp($ty, i.rs1), b.fp($ty, i.rs2));
                let v = b.$op($ty, Rm::Rne, x, y);
                b.set_fp($ty, i.rd, v);
                Ok(())
            }
        )*
    };
}

choice! {
    fmin_s  = fmin F32;
    fmin_d  = fmin F64;
    fmin_h  = fmin F16;
    fmax_s  = fmax F32;
    fmax_d  = fmax F64;
    fmax_h  = fmax F16;
    fminm_s = fminm F32;
    fminm_d = fminm F64;
    fminm_h = fminm F16;
    fmaxm_s = fmaxm F32;
    fmaxm_d = fmaxm F64;
    fmaxm_h = fmaxm F16;
}

/// `f(rd) = ±(f(rs1) * f(rs2)) ± f(rs3)` with one rounding. Flipping the signs of operands, rather than of the result,
/// keeps directed rounding and the sign of an exact zero right; a NaN's sign has no influence.
#[inline(always)]
fn fused<B: Build>(b: &mut B, i: &Insn, ty: Type, negate_product: bool, negate_addend: bool) -> Flow {
    let Some(rm) = b.mode(i)? else { return Ok(()) };
    let (mut x, y, mut z) = (b.fp(ty, i.rs1), b.fp(ty, i.rs2), b.fp(ty, i.rs3));
    if negate_product {
        x = b.flip_sign(ty, x);
    }
    if negate_addend {
        z = b.flip_sign(ty, z);
    }
    let v = b.fma(ty, rm, x, y, z);
    b.set_fp(ty, i.rd, v);
    Ok(())
}

macro_rules! fused {
    ($($name:ident = $ty:ident negate_product: $product:literal negate_addend: $addend:literal;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                fused(b, i, $ty, $product, $addend)
            }
        )*
    };
}

fused! {
    fmadd_s  = F32 negate_product: false negate_addend: false;
    fmadd_d  = F64 negate_product: false negate_addend: false;
    fmadd_h  = F16 negate_product: false negate_addend: false;
    fmsub_s  = F32 negate_product: false negate_addend: true;
    fmsub_d  = F64 negate_product: false negate_addend: true;
    fmsub_h  = F16 negate_product: false negate_addend: true;
    fnmsub_s = F32 negate_product: true  negate_addend: false;
    fnmsub_d = F64 negate_product: true  negate_addend: false;
    fnmsub_h = F16 negate_product: true  negate_addend: false;
    fnmadd_s = F32 negate_product: true  negate_addend: true;
    fnmadd_d = F64 negate_product: true  negate_addend: true;
    fnmadd_h = F16 negate_product: true  negate_addend: true;
}

/// `x(rd) = op(f(rs1), f(rs2))`, 0 or 1.
macro_rules! compare {
    ($($name:ident = $op:ident $ty:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let (x, y) = (b.fp($ty, i.rs1), b.fp($ty, i.rs2));
                let v = b.$op($ty, x, y);
                let v = b.zext(Type::I64, Type::I8, v);
                b.set_x(i.rd, v);
                Ok(())
            }
        )*
    };
}

compare! {
    feq_s  = feq F32;
    feq_d  = feq F64;
    feq_h  = feq F16;
    flt_s  = flt F32;
    flt_d  = flt F64;
    flt_h  = flt F16;
    fle_s  = fle F32;
    fle_d  = fle F64;
    fle_h  = fle F16;
    fltq_s = fltq F32;
    fltq_d = fltq F64;
    fltq_h = fltq F16;
    fleq_s = fleq F32;
    fleq_d = fleq F64;
    fleq_h = fleq F16;
}

/// `x(rd) = fclass(f(rs1))`, one of ten bits.
macro_rules! classify {
    ($($name:ident = $ty:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let a = b.fp($ty, i.rs1);
                let v = b.fclass(Type::I64, $ty, Rm::Rne, a);
                b.set_x(i.rd, v);
                Ok(())
            }
        )*
    };
}

classify! {
    fclass_s = F32;
    fclass_d = F64;
    fclass_h = F16;
}
