//! Conversions between floats and integers and between float formats.

use mynah_ir::Type::{F16, F32, F64, I32, I64};
use mynah_ir::{Build, Flow, Rm, Type};

use super::{Floats, Insn, Registers};

/// `x(rd) = op(f(rs1))`. A 32-bit result is sign-extended, of `fcvt.wu` too.
macro_rules! to_integer {
    ($($name:ident = $op:ident $from:ident -> $to:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let Some(rm) = b.mode(i)? else { return Ok(()) };
                let a = b.fp($from, i.rs1);
                let v = b.$op($to, $from, rm, a);
                if $to == I32 { b.set_w(i.rd, v) } else { b.set_x(i.rd, v) }
                Ok(())
            }
        )*
    };
}

to_integer! {
    fcvt_w_s  = ftosi F32 -> I32;
    fcvt_wu_s = ftoui F32 -> I32;
    fcvt_l_s  = ftosi F32 -> I64;
    fcvt_lu_s = ftoui F32 -> I64;
    fcvt_w_d  = ftosi F64 -> I32;
    fcvt_wu_d = ftoui F64 -> I32;
    fcvt_l_d  = ftosi F64 -> I64;
    fcvt_lu_d = ftoui F64 -> I64;
    fcvt_w_h  = ftosi F16 -> I32;
    fcvt_wu_h = ftoui F16 -> I32;
    fcvt_l_h  = ftosi F16 -> I64;
    fcvt_lu_h = ftoui F16 -> I64;
}

/// The mode with which to build a conversion, given the one of the instruction. Where every value of `from` is a value
/// of `to`, nothing is rounded: the dynamic mode is then the one that no host has to switch for.
const fn effective(to: Type, from: Type, rm: Rm) -> Rm {
    let exact = match (to, from) {
        (F64, I32 | F32 | F16) | (F32, F16) => true,
        _ => false,
    };
    if exact { Rm::Dyn } else { rm }
}

/// `f(rd) = op(x(rs1))`.
macro_rules! from_integer {
    ($($name:ident = $op:ident $from:ident -> $to:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let Some(rm) = b.mode(i)? else { return Ok(()) };
                let a = if $from == I32 { b.w(i.rs1) } else { b.x(i.rs1) };
                let v = b.$op($to, $from, effective($to, $from, rm), a);
                b.set_fp($to, i.rd, v);
                Ok(())
            }
        )*
    };
}

from_integer! {
    fcvt_s_w  = sitof I32 -> F32;
    fcvt_s_wu = uitof I32 -> F32;
    fcvt_s_l  = sitof I64 -> F32;
    fcvt_s_lu = uitof I64 -> F32;
    fcvt_d_w  = sitof I32 -> F64;
    fcvt_d_wu = uitof I32 -> F64;
    fcvt_d_l  = sitof I64 -> F64;
    fcvt_d_lu = uitof I64 -> F64;
    fcvt_h_w  = sitof I32 -> F16;
    fcvt_h_wu = uitof I32 -> F16;
    fcvt_h_l  = sitof I64 -> F16;
    fcvt_h_lu = uitof I64 -> F16;
}

/// `f(rd) = f(rs1)` in another format.
macro_rules! between_floats {
    ($($name:ident = $from:ident -> $to:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let Some(rm) = b.mode(i)? else { return Ok(()) };
                let a = b.fp($from, i.rs1);
                let v = b.ftof($to, $from, effective($to, $from, rm), a);
                b.set_fp($to, i.rd, v);
                Ok(())
            }
        )*
    };
}

between_floats! {
    fcvt_s_d = F64 -> F32;
    fcvt_d_s = F32 -> F64;
    fcvt_s_h = F16 -> F32;
    fcvt_h_s = F32 -> F16;
    fcvt_d_h = F16 -> F64;
    fcvt_h_d = F64 -> F16;
}

/// `fcvtmod.w.d`. The row fixes the mode field to rtz.
pub fn fcvtmod_w_d<B: Build>(b: &mut B, i: &Insn) -> Flow {
    let a = b.fp(F64, i.rs1);
    let v = b.fcvtmod(I32, F64, Rm::Rtz, a);
    b.set_w(i.rd, v);
    Ok(())
}

/// The canonical NaN of bfloat16.
const BF16_NAN: u64 = 0x7fc0;

/// `fcvt.bf16.s`
pub fn fcvt_bf16_s<B: Build>(b: &mut B, i: &Insn) -> Flow {
    let Some(rm) = b.mode(i)? else { return Ok(()) };
    let a = b.fp(F32, i.rs1);
    let v = b.bfcvt(Type::I16, F32, rm, a);
    // A 16-bit box is the same whichever 16-bit format is in it.
    b.set_raw(F16, i.rd, v);
    Ok(())
}

/// `fcvt.s.bf16`
pub fn fcvt_s_bf16<B: Build>(b: &mut B, i: &Insn) -> Flow {
    if b.mode(i)?.is_none() {
        return Ok(());
    }
    let a = unbox_bf16(b, i.rs1);
    let v = b.bfcvt(F32, Type::I16, Rm::Dyn, a);
    b.set_fp(F32, i.rd, v);
    Ok(())
}

/// Reads `f<n>` as a bfloat16. `unbox` to `F16` will not do: what is not boxed must become bfloat16's canonical NaN.
#[inline(always)]
fn unbox_bf16<B: Build>(b: &mut B, n: u8) -> B::V {
    let bits = b.raw(F64, n);
    let low = b.trunc(Type::I16, I64, bits);
    let first = b.iconst(I64, !0xffff);
    let boxed = b.uge(I64, bits, first);
    let nan = b.iconst(Type::I16, BF16_NAN);
    b.select(Type::I16, boxed, low, nan)
}
