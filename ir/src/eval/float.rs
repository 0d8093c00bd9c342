//! Floating-point ops, in software: bit-exact results and flags of IEEE 754-2019 as the RISC-V manual narrows it.
//!
//! Where the standard leaves a choice, the manual ("F" extension, "Floating-Point Control and Status Register" and
//! following) decides: the NaN that an operation makes is the canonical one whatever its operands carried; a result is
//! tiny if it is below the normal range *after* rounding; `inf * 0 + NaN` is invalid for a quiet NaN too; a conversion
//! to an integer saturates and takes NaN for the largest value.
//!
//! A number is taken apart into [`unpacked::Num`], worked on exactly (with a sticky bit where digits are lost), and
//! put together and rounded at one place, [`format::Format::round`].

mod arith;
mod compare;
mod convert;
mod format;
mod unpacked;

pub use arith::{fadd, fdiv, fma, fmul, fsqrt, fsub};
pub use compare::{fclass, feq, fle, fleq, flt, fltq, fmax, fmaxm, fmin, fminm};
pub use convert::{bfcvt, fcvtmod, fround, froundnx, ftof, ftosi, ftoui, sitof, uitof};
pub use format::canonical_nan;
