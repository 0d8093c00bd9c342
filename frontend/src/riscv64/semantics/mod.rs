//! One body per instruction, by chapter of the RISC-V unprivileged manual.

use mynah_ir::{Build, Type};

use super::state;

pub mod float;

/// Register access, shared by all chapters.
pub(crate) trait Registers: Build {
    /// Reads `x<n>`; `x0` is the constant 0.
    #[inline(always)]
    fn x(&mut self, n: u8) -> Self::V {
        if n == 0 { self.iconst(Type::I64, 0) } else { self.get(state::x(n)) }
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
}

impl<B: Build> Registers for B {}
