//! One body per instruction, by chapter of the RISC-V unprivileged manual.
//!
//! Most bodies are one line through a shape ([`bodies!`]): the shape reads the operands and writes the result, the
//! line says what is computed. Whatever can fault comes before the first write of the state.

use mynah_ir::{Build, Flow, Type};

use super::{Insn, state};

pub mod atomic;
pub mod bitmanip;
pub mod control;
pub mod crypto;
pub mod float;
pub mod integer;
pub mod memory;
pub mod multiply;
pub mod system;
pub mod zicsr;

/// What executes or lifts one instruction.
pub type Body<B> = fn(&mut B, &Insn) -> Flow;

/// Makes something of each body, whose own type it is given, so that the body can be inlined into what is made.
pub trait WrapBody<B: Build> {
    /// What is made.
    type Out;
    /// Makes it.
    fn wrap<F: Fn(&mut B, &Insn) -> Flow + Copy + 'static>(body: F) -> Self::Out;
}

/// Register access, shared by all chapters.
pub(crate) trait Registers: Build {
    /// Reads `x<n>`; `x0` is the constant 0.
    #[inline(always)]
    fn x(&mut self, n: u8) -> Self::V {
        if n == 0 && !Self::READS_ZERO { self.iconst(Type::I64, 0) } else { self.get(state::x(n)) }
    }

    /// Writes `x<n>`; a write to `x0` does nothing.
    #[inline(always)]
    fn set_x(&mut self, n: u8, value: Self::V) {
        if n != 0 {
            self.set(state::x(n), value);
        }
    }

    /// Reads the low 32 bits of `x<n>` as `I32`.
    #[inline(always)]
    fn w(&mut self, n: u8) -> Self::V {
        let v = self.x(n);
        self.trunc(Type::I32, Type::I64, v)
    }

    /// Writes an `I32` to `x<n>`, sign-extended.
    #[inline(always)]
    fn set_w(&mut self, n: u8, value: Self::V) {
        let v = self.sext(Type::I64, Type::I32, value);
        self.set_x(n, v);
    }

    /// Reads the low bits of `x<n>` as a `ty`.
    #[inline(always)]
    fn narrow(&mut self, ty: Type, n: u8) -> Self::V {
        let v = self.x(n);
        if ty == Type::I64 { v } else { self.trunc(ty, Type::I64, v) }
    }

    /// Sign-extends a `ty` to `I64`.
    #[inline(always)]
    fn widen(&mut self, ty: Type, value: Self::V) -> Self::V {
        if ty == Type::I64 { value } else { self.sext(Type::I64, ty, value) }
    }

    /// An `I8` condition as 0 or 1 in an `I64`.
    #[inline(always)]
    fn truth(&mut self, cond: Self::V) -> Self::V {
        self.zext(Type::I64, Type::I8, cond)
    }
}

impl<B: Build> Registers for B {}

/// Writes bodies, one a line: `shape name |b, operands| result;`. Shapes are the functions below.
macro_rules! bodies {
    ($($shape:ident $name:ident |$b:ident $(, $x:ident)*| $e:expr;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: mynah_ir::Build>(b: &mut B, i: &super::Insn) -> mynah_ir::Flow {
                super::$shape(b, i, |$b $(, $x)*| $e)
            }
        )*
    };
}
pub(crate) use bodies;

/// rd = f(), from nothing but the instruction.
#[inline(always)]
fn constant<B: Build>(b: &mut B, i: &Insn, f: impl FnOnce(&mut B, &Insn) -> B::V) -> Flow {
    let v = f(b, i);
    b.set_x(i.rd, v);
    Ok(())
}

/// rd = f(rs1).
#[inline(always)]
fn unary<B: Build>(b: &mut B, i: &Insn, f: impl FnOnce(&mut B, B::V) -> B::V) -> Flow {
    let x = b.x(i.rs1);
    let v = f(b, x);
    b.set_x(i.rd, v);
    Ok(())
}

/// rd = f(rs1, rs2).
#[inline(always)]
fn binary<B: Build>(b: &mut B, i: &Insn, f: impl FnOnce(&mut B, B::V, B::V) -> B::V) -> Flow {
    let (x, y) = (b.x(i.rs1), b.x(i.rs2));
    let v = f(b, x, y);
    b.set_x(i.rd, v);
    Ok(())
}

/// rd = f(rs1, immediate).
#[inline(always)]
fn immediate<B: Build>(b: &mut B, i: &Insn, f: impl FnOnce(&mut B, B::V, B::V) -> B::V) -> Flow {
    let (x, y) = (b.x(i.rs1), b.iconst(Type::I64, i.imm as i64 as u64));
    let v = f(b, x, y);
    b.set_x(i.rd, v);
    Ok(())
}

/// rd = f(low word of rs1), sign-extended.
#[inline(always)]
fn unary_word<B: Build>(b: &mut B, i: &Insn, f: impl FnOnce(&mut B, B::V) -> B::V) -> Flow {
    let x = b.w(i.rs1);
    let v = f(b, x);
    b.set_w(i.rd, v);
    Ok(())
}

/// rd = f(low word of rs1, low word of rs2), sign-extended.
#[inline(always)]
fn binary_word<B: Build>(b: &mut B, i: &Insn, f: impl FnOnce(&mut B, B::V, B::V) -> B::V) -> Flow {
    let (x, y) = (b.w(i.rs1), b.w(i.rs2));
    let v = f(b, x, y);
    b.set_w(i.rd, v);
    Ok(())
}

/// rd = f(low word of rs1, immediate), sign-extended.
#[inline(always)]
fn immediate_word<B: Build>(b: &mut B, i: &Insn, f: impl FnOnce(&mut B, B::V, B::V) -> B::V) -> Flow {
    let (x, y) = (b.w(i.rs1), b.iconst(Type::I32, i.imm as u32 as u64));
    let v = f(b, x, y);
    b.set_w(i.rd, v);
    Ok(())
}
