//! The "F", "D", "Zfh", "Zfhmin", "Zfa" and "Zfbfmin" extensions.
//!
//! An `f` register is one `F64` slot. A narrower value lies in it NaN-boxed (unprivileged manual, "NaN Boxing of
//! Narrower Values"): [`Floats::fp`] unboxes, [`Floats::set_fp`] boxes, and both do nothing for `F64`. Moves and
//! stores take the raw low bits instead, as the manual asks.
//!
//! A body whose row has a rounding mode begins with [`Floats::mode`]: a reserved mode makes the instruction illegal,
//! whether it is encoded in the instruction or found in `frm`.

mod arith;
mod convert;
mod transfer;

pub use arith::*;
pub use convert::*;
pub use transfer::*;

use mynah_ir::{Build, Flow, Rm, TrapKind, Type};

use super::{Registers, state};
use crate::riscv64::Insn;

/// The integer type as wide as a float type.
const fn bits_of(ty: Type) -> Type {
    match ty {
        Type::F16 => Type::I16,
        Type::F32 => Type::I32,
        _ => Type::I64,
    }
}

/// The sign bit of a float type.
const fn sign_of(ty: Type) -> u64 {
    1 << (ty.bits() - 1)
}

/// Access to the `f` registers.
trait Floats: Registers {
    /// Reads `f<n>` as a `ty`; the canonical NaN if it holds no boxed `ty`.
    #[inline(always)]
    fn fp(&mut self, ty: Type, n: u8) -> Self::V {
        let v = self.get(state::f(n));
        if ty == Type::F64 { v } else { self.unbox(ty, Type::F64, v) }
    }

    /// Writes a `ty` to `f<n>`.
    #[inline(always)]
    fn set_fp(&mut self, ty: Type, n: u8, value: Self::V) {
        let v = if ty == Type::F64 { value } else { self.nanbox(Type::F64, ty, value) };
        self.set(state::f(n), v);
    }

    /// Reads the low bits of `f<n>`, boxed or not, as the integer type as wide as `ty`.
    #[inline(always)]
    fn raw(&mut self, ty: Type, n: u8) -> Self::V {
        let v = self.get(state::f(n));
        let v = self.bitcast(Type::I64, Type::F64, v);
        if ty == Type::F64 { v } else { self.trunc(bits_of(ty), Type::I64, v) }
    }

    /// Writes the bits of a `ty`, given as the integer type as wide, to `f<n>`.
    #[inline(always)]
    fn set_raw(&mut self, ty: Type, n: u8, bits: Self::V) {
        let v = self.bitcast(ty, bits_of(ty), bits);
        self.set_fp(ty, n, v);
    }

    /// Flips the sign bit of a `ty`, of a NaN too.
    #[inline(always)]
    fn flip_sign(&mut self, ty: Type, value: Self::V) -> Self::V {
        let bits = self.bitcast(bits_of(ty), ty, value);
        let sign = self.iconst(bits_of(ty), sign_of(ty));
        let flipped = self.xor(bits_of(ty), bits, sign);
        self.bitcast(ty, bits_of(ty), flipped)
    }

    /// The rounding mode of an instruction, checked. `None` after building a trap: the encoding is reserved.
    #[inline(always)]
    fn mode(&mut self, i: &Insn) -> Flow<Option<Rm>> {
        let rm = Rm::from_bits(i.rm);
        match rm {
            Some(rm) => self.check_rm(rm)?,
            None => self.trap(TrapKind::Illegal)?,
        }
        Ok(rm)
    }
}

impl<B: Build> Floats for B {}
