//! What instruction bodies are generic over.
//!
//! A guest instruction has one body, generic over [`Build`]. With [`BlockBuilder`] its values are IR values and the
//! body lifts; with the runtime's tier 0 executor its values are plain bits and the body executes.

use crate::block::{Block, Inst, Mark, Terminal, Value};
use crate::for_each_op;
use crate::ops::Op;
use crate::state::Slot;
use crate::types::{AtomicKind, Counter, Order, Rm, Type};

/// What the guest most likely does with an indirect jump.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Hint {
    /// A call that will return to `ret`.
    Call {
        /// Guest address after the call.
        ret: u64,
    },
    /// A return.
    Return,
    /// Anything else: switch, tail call, coroutine.
    Other,
}

/// A synchronous trap that is not a memory fault.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum TrapKind {
    /// Not an instruction, or not one of this CPU.
    Illegal = 0,
    /// A breakpoint instruction.
    Breakpoint = 1,
    /// An atomic access that is not aligned as the ISA demands.
    Misaligned = 2,
    /// Instruction memory was written: everything translated from it is stale (`fence.i`).
    CodeChanged = 3,
}

impl TrapKind {
    /// Every trap, in the order of the discriminants.
    pub const ALL: [TrapKind; 4] =
        [TrapKind::Illegal, TrapKind::Breakpoint, TrapKind::Misaligned, TrapKind::CodeChanged];

    /// The name in IR text.
    pub const fn name(self) -> &'static str {
        match self {
            TrapKind::Illegal => "illegal",
            TrapKind::Breakpoint => "breakpoint",
            TrapKind::Misaligned => "misaligned",
            TrapKind::CodeChanged => "code_changed",
        }
    }
}

/// Why tier 0 stops in the middle of, or after, an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// A memory access faulted; the state is that before the instruction.
    Fault,
    /// The instruction traps; the state is that before the instruction.
    Trap(TrapKind),
    /// The instruction is a system call; pc is already after it.
    Syscall,
}

/// The result of everything that can stop an instruction. The block builder never returns an error.
pub type Flow<T = ()> = Result<T, Stop>;

macro_rules! define_build {
    (@method special $variant:ident $name:ident $(#[$doc:meta])*) => {};
    (@method unary $variant:ident $name:ident $(#[$doc:meta])*) => {
        $(#[$doc])* fn $name(&mut self, ty: Type, a: Self::V) -> Self::V;
    };
    (@method binary $variant:ident $name:ident $(#[$doc:meta])*) => {
        $(#[$doc])* fn $name(&mut self, ty: Type, a: Self::V, b: Self::V) -> Self::V;
    };
    (@method compare $variant:ident $name:ident $(#[$doc:meta])*) => {
        $(#[$doc])* fn $name(&mut self, ty: Type, a: Self::V, b: Self::V) -> Self::V;
    };
    (@method convert $variant:ident $name:ident $(#[$doc:meta])*) => {
        $(#[$doc])* fn $name(&mut self, to: Type, from: Type, a: Self::V) -> Self::V;
    };
    (@method crypto $variant:ident $name:ident $(#[$doc:meta])*) => {
        $(#[$doc])* fn $name(&mut self, a: Self::V, b: Self::V, imm: u8) -> Self::V;
    };
    (@method fp1 $variant:ident $name:ident $(#[$doc:meta])*) => {
        $(#[$doc])* fn $name(&mut self, ty: Type, rm: Rm, a: Self::V) -> Self::V;
    };
    (@method fp2 $variant:ident $name:ident $(#[$doc:meta])*) => {
        $(#[$doc])* fn $name(&mut self, ty: Type, rm: Rm, a: Self::V, b: Self::V) -> Self::V;
    };
    (@method fp3 $variant:ident $name:ident $(#[$doc:meta])*) => {
        $(#[$doc])* fn $name(&mut self, ty: Type, rm: Rm, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    };
    (@method fpcmp $variant:ident $name:ident $(#[$doc:meta])*) => {
        $(#[$doc])* fn $name(&mut self, ty: Type, a: Self::V, b: Self::V) -> Self::V;
    };
    (@method fpcvt $variant:ident $name:ident $(#[$doc:meta])*) => {
        $(#[$doc])* fn $name(&mut self, to: Type, from: Type, rm: Rm, a: Self::V) -> Self::V;
    };
    ($($(#[$doc:meta])* $shape:ident $variant:ident $name:ident;)*) => {
        /// Builds or executes IR ops. One method for each row of the ops table, and the terminals.
        ///
        /// A terminal method is the last thing that a body calls.
        pub trait Build {
            /// A value: an IR value or plain bits.
            type V: Copy;

            /// Whether reading the cell of a register that always holds 0 is as good as the constant.
            const READS_ZERO: bool = false;

            /// A constant of an integer type (or the bit pattern of a float).
            fn iconst(&mut self, ty: Type, value: u64) -> Self::V;
            /// A guest address known at translation time.
            fn gaddr(&mut self, addr: u64) -> Self::V;
            /// Reads a slot of the state.
            fn get(&mut self, slot: Slot) -> Self::V;
            /// Writes a slot of the state.
            fn set(&mut self, slot: Slot, value: Self::V);
            /// Loads a `ty` from `addr + offset`.
            fn load(&mut self, ty: Type, addr: Self::V, offset: i64) -> Flow<Self::V>;
            /// Stores a `ty` to `addr + offset`.
            fn store(&mut self, ty: Type, addr: Self::V, offset: i64, value: Self::V) -> Flow;
            /// Atomic read-modify-write; gives the old value.
            fn atomic_rmw(&mut self, kind: AtomicKind, ty: Type, addr: Self::V, value: Self::V) -> Flow<Self::V>;
            /// Atomic compare-and-swap; gives the old value.
            fn atomic_cas(&mut self, ty: Type, addr: Self::V, expected: Self::V, new: Self::V) -> Flow<Self::V>;
            /// Atomic compare-and-swap of 16 bytes, low half first. Tier 0 only.
            fn atomic_cas128(&mut self, addr: Self::V, expected: [Self::V; 2], new: [Self::V; 2]) -> Flow<[Self::V; 2]>;
            /// Loads a `ty` from `addr`, which must be a multiple of its size.
            fn load_reserved(&mut self, ty: Type, addr: Self::V) -> Flow<Self::V>;
            /// Store-conditional; 0 for success, 1 for failure, as `I64`.
            fn store_cond(&mut self, ty: Type, addr: Self::V, reserved: Self::V, expected: Self::V, new: Self::V) -> Flow<Self::V>;
            /// Memory fence.
            fn fence(&mut self, order: Order);
            /// Reads a counter as `I64`.
            fn read_counter(&mut self, counter: Counter) -> Self::V;
            /// `cond != 0 ? a : b`; `cond` is `I8`.
            fn select(&mut self, ty: Type, cond: Self::V, a: Self::V, b: Self::V) -> Self::V;
            /// Checks that ops with mode `rm` are legal now. Translated code only runs while the dynamic mode is one
            /// of the host's, so only tier 0 has something to check.
            fn check_rm(&mut self, rm: Rm) -> Flow;

            $(define_build!(@method $shape $variant $name $(#[$doc])*);)*

            /// Continues at `target`.
            fn jump(&mut self, target: u64) -> Flow;
            /// Calls `target`, which is expected to return to `ret`.
            fn call(&mut self, target: u64, ret: u64) -> Flow;
            /// Continues at `taken` if `cond` (`I8`) is not zero, else at `not_taken`.
            fn branch(&mut self, cond: Self::V, taken: u64, not_taken: u64) -> Flow;
            /// Continues at a computed address.
            fn indirect(&mut self, target: Self::V, hint: Hint) -> Flow;
            /// Makes a system call; execution goes on at `next`.
            fn syscall(&mut self, next: u64) -> Flow;
            /// Traps.
            fn trap(&mut self, kind: TrapKind) -> Flow;
        }
    };
}
for_each_op!(define_build);

/// Builds a [`Block`], one guest instruction after the other.
#[derive(Debug)]
pub struct BlockBuilder {
    block: Block,
    current: u64,
    done: bool,
}

impl BlockBuilder {
    /// Starts a block at `pc`.
    pub fn new(pc: u64) -> BlockBuilder {
        let terminal = Terminal::Jump { target: pc };
        BlockBuilder { block: Block { pc, end: pc, insts: Vec::new(), marks: Vec::new(), terminal }, current: pc, done: false }
    }

    /// Begins the guest instruction at `pc`, `len` bytes long.
    pub fn mark(&mut self, pc: u64, len: u8) {
        self.current = pc;
        self.block.marks.push(Mark { inst: self.block.insts.len() as u32, pc, len });
        self.block.end = pc.wrapping_add(len as u64);
    }

    /// Whether a terminal has been built.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Number of guest instructions so far.
    pub fn guest_insns(&self) -> usize {
        self.block.marks.len()
    }

    /// Guest address after the last instruction begun.
    pub fn end(&self) -> u64 {
        self.block.end
    }

    /// Ends the block with an explicit terminal.
    pub fn end_with(&mut self, terminal: Terminal) {
        self.block.terminal = terminal;
        self.done = true;
    }

    /// Gives the block; one without a terminal continues at its end.
    pub fn finish(mut self) -> Block {
        if !self.done {
            self.block.terminal = Terminal::Jump { target: self.block.end };
        }
        self.block
    }

    /// Appends an instruction and gives its value.
    pub fn push(&mut self, op: Op, ty: Type, from: Type, args: &[Value], imm: i64) -> Value {
        let mut all = [Value::NONE; 4];
        all[..args.len()].copy_from_slice(args);
        let value = Value(self.block.insts.len() as u32);
        self.block.insts.push(Inst { op, ty, from, args: all, imm });
        value
    }
}

macro_rules! impl_block_builder {
    (@method special $variant:ident $name:ident) => {};
    (@method unary $variant:ident $name:ident) => {
        fn $name(&mut self, ty: Type, a: Value) -> Value { self.push(Op::$variant, ty, ty, &[a], 0) }
    };
    (@method binary $variant:ident $name:ident) => {
        fn $name(&mut self, ty: Type, a: Value, b: Value) -> Value { self.push(Op::$variant, ty, ty, &[a, b], 0) }
    };
    (@method compare $variant:ident $name:ident) => {
        fn $name(&mut self, ty: Type, a: Value, b: Value) -> Value { self.push(Op::$variant, ty, ty, &[a, b], 0) }
    };
    (@method convert $variant:ident $name:ident) => {
        fn $name(&mut self, to: Type, from: Type, a: Value) -> Value { self.push(Op::$variant, to, from, &[a], 0) }
    };
    (@method crypto $variant:ident $name:ident) => {
        fn $name(&mut self, a: Value, b: Value, imm: u8) -> Value { self.push(Op::$variant, Type::I64, Type::I64, &[a, b], imm as i64) }
    };
    (@method fp1 $variant:ident $name:ident) => {
        fn $name(&mut self, ty: Type, rm: Rm, a: Value) -> Value { self.push(Op::$variant, ty, ty, &[a], rm as i64) }
    };
    (@method fp2 $variant:ident $name:ident) => {
        fn $name(&mut self, ty: Type, rm: Rm, a: Value, b: Value) -> Value { self.push(Op::$variant, ty, ty, &[a, b], rm as i64) }
    };
    (@method fp3 $variant:ident $name:ident) => {
        fn $name(&mut self, ty: Type, rm: Rm, a: Value, b: Value, c: Value) -> Value {
            self.push(Op::$variant, ty, ty, &[a, b, c], rm as i64)
        }
    };
    (@method fpcmp $variant:ident $name:ident) => {
        fn $name(&mut self, ty: Type, a: Value, b: Value) -> Value { self.push(Op::$variant, ty, ty, &[a, b], 0) }
    };
    (@method fpcvt $variant:ident $name:ident) => {
        fn $name(&mut self, to: Type, from: Type, rm: Rm, a: Value) -> Value { self.push(Op::$variant, to, from, &[a], rm as i64) }
    };
    ($($(#[$doc:meta])* $shape:ident $variant:ident $name:ident;)*) => {
        impl Build for BlockBuilder {
            type V = Value;

            fn iconst(&mut self, ty: Type, value: u64) -> Value {
                self.push(Op::Iconst, ty, ty, &[], (value & ty.mask()) as i64)
            }
            fn gaddr(&mut self, addr: u64) -> Value {
                self.push(Op::Gaddr, Type::I64, Type::I64, &[], addr as i64)
            }
            fn get(&mut self, slot: Slot) -> Value {
                self.push(Op::Get, slot.ty, slot.ty, &[], slot.cell as i64)
            }
            fn set(&mut self, slot: Slot, value: Value) {
                self.push(Op::Set, slot.ty, slot.ty, &[value], slot.cell as i64);
            }
            fn load(&mut self, ty: Type, addr: Value, offset: i64) -> Flow<Value> {
                Ok(self.push(Op::Load, ty, ty, &[addr], offset))
            }
            fn store(&mut self, ty: Type, addr: Value, offset: i64, value: Value) -> Flow {
                self.push(Op::Store, ty, ty, &[addr, value], offset);
                Ok(())
            }
            fn atomic_rmw(&mut self, kind: AtomicKind, ty: Type, addr: Value, value: Value) -> Flow<Value> {
                Ok(self.push(Op::AtomicRmw, ty, ty, &[addr, value], kind as i64))
            }
            fn atomic_cas(&mut self, ty: Type, addr: Value, expected: Value, new: Value) -> Flow<Value> {
                Ok(self.push(Op::AtomicCas, ty, ty, &[addr, expected, new], 0))
            }
            fn atomic_cas128(&mut self, _addr: Value, expected: [Value; 2], _new: [Value; 2]) -> Flow<[Value; 2]> {
                // Reached only if a row that needs it is not marked as tier 0's: the legal fallback is tier 0.
                self.end_with(Terminal::Interpret { pc: self.current });
                Ok(expected)
            }
            fn load_reserved(&mut self, ty: Type, addr: Value) -> Flow<Value> {
                Ok(self.push(Op::LoadReserved, ty, ty, &[addr], 0))
            }
            fn store_cond(&mut self, ty: Type, addr: Value, reserved: Value, expected: Value, new: Value) -> Flow<Value> {
                Ok(self.push(Op::StoreCond, ty, ty, &[addr, reserved, expected, new], 0))
            }
            fn fence(&mut self, order: Order) {
                self.push(Op::Fence, Type::Void, Type::Void, &[], order as i64);
            }
            fn read_counter(&mut self, counter: Counter) -> Value {
                self.push(Op::ReadCounter, Type::I64, Type::I64, &[], counter as i64)
            }
            fn select(&mut self, ty: Type, cond: Value, a: Value, b: Value) -> Value {
                self.push(Op::Select, ty, ty, &[cond, a, b], 0)
            }
            fn check_rm(&mut self, _rm: Rm) -> Flow {
                Ok(())
            }

            $(impl_block_builder!(@method $shape $variant $name);)*

            fn jump(&mut self, target: u64) -> Flow {
                self.end_with(Terminal::Jump { target });
                Ok(())
            }
            fn call(&mut self, target: u64, ret: u64) -> Flow {
                self.end_with(Terminal::Call { target, ret });
                Ok(())
            }
            fn branch(&mut self, cond: Value, taken: u64, not_taken: u64) -> Flow {
                self.end_with(Terminal::Branch { cond, taken, not_taken });
                Ok(())
            }
            fn indirect(&mut self, target: Value, hint: Hint) -> Flow {
                self.end_with(Terminal::Indirect { target, hint });
                Ok(())
            }
            fn syscall(&mut self, next: u64) -> Flow {
                self.end_with(Terminal::Syscall { pc: self.current, next });
                Ok(())
            }
            fn trap(&mut self, kind: TrapKind) -> Flow {
                self.end_with(Terminal::Trap { pc: self.current, kind });
                Ok(())
            }
        }
    };
}
for_each_op!(impl_block_builder);
