//! The architectural state of a guest thread as the IR sees it: an array of 64-bit cells.
//!
//! Which cell holds what is the guest's business (`frontend::<isa>::state`). Generated code addresses a cell as
//! `state base + 8 * index`, so the layout here is pinned by the assertions below.

use crate::types::{FpEnv, Type};

/// Number of 64-bit cells: general registers, floating-point registers, control state, and room for 32 vector
/// registers of 256 bits.
pub const CELLS: usize = 256;

/// The cell that holds the pc of every guest. It is valid whenever translated code is left.
pub const PC_CELL: u16 = 64;
/// The cell that holds the accrued floating-point flags while they are not in the host's own register.
pub const FLAGS_CELL: u16 = 65;
/// The cell that holds the dynamic rounding mode.
pub const FRM_CELL: u16 = 66;

/// A place in the architectural state: one cell, seen as one type. Cells hold values zero-extended to 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Slot {
    /// Index of the cell, below [`CELLS`].
    pub cell: u16,
    /// `I64` or `F64`.
    pub ty: Type,
}

impl Slot {
    /// A cell seen as a 64-bit integer.
    #[inline(always)]
    pub const fn int(cell: u16) -> Slot {
        Slot { cell, ty: Type::I64 }
    }

    /// A cell seen as a 64-bit floating-point register.
    #[inline(always)]
    pub const fn float(cell: u16) -> Slot {
        Slot { cell, ty: Type::F64 }
    }
}

/// The architectural state of one guest thread.
#[derive(Clone, PartialEq, Eq, Debug)]
#[repr(C, align(64))]
pub struct State {
    /// The cells; see the guest's `state` module for names.
    pub cells: [u64; CELLS],
}

const _: () = assert!(size_of::<State>() == CELLS * 8);

impl Default for State {
    fn default() -> State {
        State { cells: [0; CELLS] }
    }
}

impl State {
    /// Reads a cell. Indices wrap at [`CELLS`], which no slot reaches.
    #[inline(always)]
    pub fn get(&self, cell: u16) -> u64 {
        self.cells[cell as usize % CELLS]
    }

    /// Writes a cell.
    #[inline(always)]
    pub fn set(&mut self, cell: u16, value: u64) {
        self.cells[cell as usize % CELLS] = value;
    }

    /// The guest's program counter.
    #[inline(always)]
    pub fn pc(&self) -> u64 {
        self.get(PC_CELL)
    }

    /// Sets the guest's program counter.
    #[inline(always)]
    pub fn set_pc(&mut self, pc: u64) {
        self.set(PC_CELL, pc);
    }

    /// The floating-point environment.
    #[inline(always)]
    pub fn fp_env(&self) -> FpEnv {
        FpEnv { frm: self.get(FRM_CELL) as u8, flags: self.get(FLAGS_CELL) as u8 }
    }

    /// Accumulates the flags of `env` into the state.
    #[inline(always)]
    pub fn accrue(&mut self, env: FpEnv) {
        self.cells[FLAGS_CELL as usize] |= env.flags as u64;
    }
}
