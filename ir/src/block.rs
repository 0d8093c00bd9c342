//! Blocks: what one guest basic block becomes, and regions: what is compiled as one host function.

use crate::build::{Hint, TrapKind};
use crate::ops::{Op, Shape};
use crate::types::Type;

/// A value: the index of the instruction that defines it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Value(pub u32);

impl Value {
    /// Fills unused argument places.
    pub const NONE: Value = Value(u32::MAX);

    /// The value as an index into [`Block::insts`].
    #[inline(always)]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One IR instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inst {
    /// What it does.
    pub op: Op,
    /// The type it works on: the result's type for arithmetic and loads, the operands' type for comparisons and
    /// stores (see [`Inst::result`]).
    pub ty: Type,
    /// The source type of conversions; equal to `ty` elsewhere.
    pub from: Type,
    /// Arguments; unused places hold [`Value::NONE`].
    pub args: [Value; 4],
    /// Constant, cell, offset, rounding mode, kind or order, depending on the op.
    pub imm: i64,
}

impl Inst {
    /// The type of the value it defines; `Void` if none.
    #[inline]
    pub const fn result(&self) -> Type {
        match self.op.shape() {
            Shape::compare | Shape::fpcmp => Type::I8,
            Shape::crypto => Type::I64,
            Shape::special => match self.op {
                Op::Set | Op::Store | Op::Fence => Type::Void,
                Op::StoreCond => Type::I64,
                _ => self.ty,
            },
            _ => self.ty,
        }
    }

    /// The arguments in use.
    #[inline]
    pub fn args(&self) -> &[Value] {
        &self.args[..self.op.arity()]
    }
}

/// Where a guest instruction begins in a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// Index of the first IR instruction that belongs to it.
    pub inst: u32,
    /// Its guest address.
    pub pc: u64,
    /// Its length in bytes.
    pub len: u8,
}

/// How a block ends. Each terminal has a legal fallback: to leave translated code with the state's pc set to the
/// target and let the dispatcher go on from there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Terminal {
    /// Continues at a known address. Fallback: dispatcher at `target`.
    Jump {
        /// Guest address.
        target: u64,
    },
    /// Calls a known address and expects to return to `ret`. The guest's link register was already written by a
    /// `set`. Fallback: dispatcher at `target`.
    Call {
        /// Guest address of the callee.
        target: u64,
        /// Guest address after the call.
        ret: u64,
    },
    /// Continues at one of two known addresses. Fallback: dispatcher at the chosen one.
    Branch {
        /// An `I8`.
        cond: Value,
        /// Where to if `cond` is not zero.
        taken: u64,
        /// Where to if it is zero.
        not_taken: u64,
    },
    /// Continues at a computed address (`I64`). Fallback: dispatcher at the target.
    Indirect {
        /// An `I64`.
        target: Value,
        /// What the guest most likely does.
        hint: Hint,
    },
    /// A system call by the instruction at `pc`; execution continues at `next`. Always leaves translated code.
    Syscall {
        /// Guest address of the instruction that calls.
        pc: u64,
        /// Guest address of the instruction after it.
        next: u64,
    },
    /// The instruction at `pc` traps. Always leaves translated code.
    Trap {
        /// Guest address of the instruction that traps.
        pc: u64,
        /// Which trap.
        kind: TrapKind,
    },
    /// The instruction at `pc` is for tier 0 only (it reads or writes state that translated code keeps elsewhere).
    /// Always leaves translated code; the dispatcher executes that one instruction and goes on.
    Interpret {
        /// Guest address of the instruction.
        pc: u64,
    },
}

impl Terminal {
    /// The value it uses.
    pub const fn value(&self) -> Option<Value> {
        match *self {
            Terminal::Branch { cond: value, .. } | Terminal::Indirect { target: value, .. } => Some(value),
            _ => None,
        }
    }

    /// The place of the value it uses.
    pub const fn value_mut(&mut self) -> Option<&mut Value> {
        match self {
            Terminal::Branch { cond: value, .. } | Terminal::Indirect { target: value, .. } => Some(value),
            _ => None,
        }
    }
}

/// The IR of one guest basic block.
#[derive(Clone, PartialEq, Debug)]
pub struct Block {
    /// Guest address of its first instruction.
    pub pc: u64,
    /// Guest address after its last instruction.
    pub end: u64,
    /// Instructions in order; a [`Value`] is an index into this list.
    pub insts: Vec<Inst>,
    /// Guest instructions in order; never empty except for blocks that only trap or interpret.
    pub marks: Vec<Mark>,
    /// How it ends.
    pub terminal: Terminal,
}

impl Block {
    /// The guest addresses to which control may flow directly: `(taken or target, not taken)`.
    pub fn successors(&self) -> [Option<u64>; 2] {
        match self.terminal {
            Terminal::Jump { target } => [Some(target), None],
            Terminal::Branch { taken, not_taken, .. } => [Some(taken), Some(not_taken)],
            Terminal::Call { ret, .. } => [Some(ret), None],
            Terminal::Indirect { hint: Hint::Call { ret }, .. } => [Some(ret), None],
            _ => [None, None],
        }
    }
}

/// Several blocks compiled as one host function. The first block is the entry.
#[derive(Clone, PartialEq, Debug)]
pub struct Region {
    /// Blocks with distinct `pc`s; `blocks[0]` is the entry.
    pub blocks: Vec<Block>,
    /// Where indirect jumps were seen to go: (address of the block that jumps, address of a block of the region). Only a
    /// hint for code quality; not part of the text.
    pub predicted: Vec<(u64, u64)>,
    /// Where the file that the code came from would begin in memory. If given, host code holds guest addresses only as
    /// distances from it, so that it is right wherever the file is mapped. Not part of the text.
    pub image_base: Option<u64>,
    /// Under which number the executions of each block are counted; empty if nobody counts. Not part of the text.
    pub counted: Vec<u32>,
}

impl Region {
    /// A region of these blocks, with nothing known about its indirect jumps or its file.
    pub fn new(blocks: Vec<Block>) -> Region {
        Region { blocks, predicted: Vec::new(), image_base: None, counted: Vec::new() }
    }

    /// Guest address of the entry.
    pub fn pc(&self) -> u64 {
        self.blocks[0].pc
    }

    /// Number of guest instructions.
    pub fn guest_insns(&self) -> usize {
        self.blocks.iter().map(|b| b.marks.len()).sum()
    }
}
