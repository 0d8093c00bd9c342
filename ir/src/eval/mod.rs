//! What each IR op means on concrete bits. This is the single definition: constant folding, the IR interpreter and
//! tier 0 call it, and backends that have no instruction for an op call it through a helper.
//!
//! All values are zero-extended to `u64`; every result is masked to its type's width.

mod crypto;
mod float;
mod int;

pub use crypto::*;
pub use float::*;
pub use int::*;

use crate::block::Inst;
use crate::for_each_op;
use crate::ops::Op;
use crate::types::{FpEnv, Rm, Type};

macro_rules! define_eval {
    (@call special $name:ident $ty:ident $from:ident $imm:ident $a:ident $env:ident) => { return None };
    (@call unary $name:ident $ty:ident $from:ident $imm:ident $a:ident $env:ident) => { $name($ty, $a[0]) };
    (@call binary $name:ident $ty:ident $from:ident $imm:ident $a:ident $env:ident) => { $name($ty, $a[0], $a[1]) };
    (@call compare $name:ident $ty:ident $from:ident $imm:ident $a:ident $env:ident) => { $name($ty, $a[0], $a[1]) };
    (@call convert $name:ident $ty:ident $from:ident $imm:ident $a:ident $env:ident) => { $name($ty, $from, $a[0]) };
    (@call crypto $name:ident $ty:ident $from:ident $imm:ident $a:ident $env:ident) => { $name($a[0], $a[1], $imm as u8) };
    (@call fp1 $name:ident $ty:ident $from:ident $imm:ident $a:ident $env:ident) => { $name($ty, rm($imm), $a[0], $env) };
    (@call fp2 $name:ident $ty:ident $from:ident $imm:ident $a:ident $env:ident) => { $name($ty, rm($imm), $a[0], $a[1], $env) };
    (@call fp3 $name:ident $ty:ident $from:ident $imm:ident $a:ident $env:ident) => { $name($ty, rm($imm), $a[0], $a[1], $a[2], $env) };
    (@call fpcmp $name:ident $ty:ident $from:ident $imm:ident $a:ident $env:ident) => { $name($ty, $a[0], $a[1], $env) };
    (@call fpcvt $name:ident $ty:ident $from:ident $imm:ident $a:ident $env:ident) => { $name($ty, $from, rm($imm), $a[0], $env) };
    ($($(#[$doc:meta])* $shape:ident $variant:ident $name:ident;)*) => {
        /// Evaluates an op that only computes; `None` for ops of shape `special`.
        pub fn eval(op: Op, ty: Type, from: Type, imm: i64, args: [u64; 3], env: &mut FpEnv) -> Option<u64> {
            Some(match op {
                $(Op::$variant => define_eval!(@call $shape $name ty from imm args env),)*
            })
        }
    };
}
for_each_op!(define_eval);

/// Evaluates an instruction of the IR; see [`eval`].
pub fn eval_inst(inst: &Inst, args: [u64; 3], env: &mut FpEnv) -> Option<u64> {
    eval(inst.op, inst.ty, inst.from, inst.imm, args, env)
}

/// The rounding mode in an immediate; one that names no mode rounds to nearest (the verifier rejects it before).
#[inline(always)]
fn rm(imm: i64) -> Rm {
    Rm::from_bits(imm as u8).unwrap_or(Rm::Rne)
}
