//! Executes blocks on concrete bits. It is slow and plain: it defines what the special ops and the terminals do, and
//! is the oracle for passes and compiled code. Everything else an op means is in [`crate::eval`].

use crate::block::{Block, Inst, Terminal};
use crate::build::TrapKind;
use crate::eval;
use crate::ops::Op;
use crate::state::State;
use crate::types::{AtomicKind, Counter, Order, Type};

/// The guest may not make this access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemFault {
    /// Guest address that it may not access: the first one, if the access is to several bytes.
    pub addr: u64,
}

/// Guest memory and counters. Sizes are 1, 2, 4 or 8 bytes; values are little-endian and zero-extended; an access
/// that faults changes nothing. Accesses need not be aligned.
pub trait Memory {
    /// Loads `bytes` bytes.
    fn load(&mut self, addr: u64, bytes: u32) -> Result<u64, MemFault>;

    /// Stores the low `bytes` bytes of `value`.
    fn store(&mut self, addr: u64, bytes: u32, value: u64) -> Result<(), MemFault>;

    /// Atomically replaces what memory holds by `update` of it, unless that is `None`, and gives the old value. Needs
    /// the right to write in any case. The default is atomic enough for a single thread.
    fn update(&mut self, addr: u64, bytes: u32, update: &mut dyn FnMut(u64) -> Option<u64>) -> Result<u64, MemFault> {
        let old = self.load(addr, bytes)?;
        self.store(addr, bytes, update(old).unwrap_or(old))?;
        Ok(old)
    }

    /// Orders memory accesses.
    fn fence(&mut self, order: Order);

    /// Reads a counter.
    fn counter(&mut self, counter: Counter) -> u64;
}

/// How a block was left. The state's pc is where the guest is to continue; for traps and interpreted instructions
/// that is the instruction itself, for system calls the one after.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Control goes on at the state's pc.
    Next,
    /// A system call by the instruction at `pc`.
    Syscall {
        /// Its guest address.
        pc: u64,
    },
    /// The instruction at the state's pc traps.
    Trap(TrapKind),
    /// The instruction at the state's pc is for tier 0.
    Interpret,
}

/// Why a block was left in the middle. The state, its pc included, is the one before the guest instruction at `pc`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A memory access that is not allowed.
    Memory {
        /// Guest address of the instruction.
        pc: u64,
        /// Guest address that it may not access.
        addr: u64,
    },
    /// An atomic access that is not aligned well enough; see [`atomic_aligned`].
    Misaligned {
        /// Guest address of the instruction.
        pc: u64,
        /// Guest address of the access.
        addr: u64,
    },
}

/// Whether an atomic access may be made: it must lie in an aligned granule of 16 bytes (RISC-V Zama16b, and what Arm's
/// LSE2 demands). Checked before anything else an atomic op does, the comparison of a store-conditional included.
#[inline(always)]
pub const fn atomic_aligned(addr: u64, bytes: u32) -> bool {
    (addr & 15) + bytes as u64 <= 16
}

/// What an atomic read-modify-write stores.
#[inline(always)]
pub fn atomic_result(kind: AtomicKind, ty: Type, old: u64, operand: u64) -> u64 {
    let op = match kind {
        AtomicKind::Swap => return operand & ty.mask(),
        AtomicKind::Add => eval::add,
        AtomicKind::And => eval::and,
        AtomicKind::Or => eval::or,
        AtomicKind::Xor => eval::xor,
        AtomicKind::Smin => eval::smin,
        AtomicKind::Smax => eval::smax,
        AtomicKind::Umin => eval::umin,
        AtomicKind::Umax => eval::umax,
    };
    op(ty, old, operand)
}

/// What stops an op before its guest instruction is known.
enum Cause {
    Memory(MemFault),
    Misaligned(u64),
}

impl From<MemFault> for Cause {
    fn from(fault: MemFault) -> Cause {
        Cause::Memory(fault)
    }
}

/// Executes a legal block ([`crate::verify`]). Floating-point ops take the rounding mode from the state and accrue
/// their flags into it.
pub fn run(block: &Block, state: &mut State, memory: &mut dyn Memory) -> Result<Exit, Fault> {
    let mut values = Vec::with_capacity(block.insts.len());
    for (index, inst) in block.insts.iter().enumerate() {
        match step(inst, &values, state, memory) {
            Ok(value) => values.push(value),
            Err(cause) => {
                let pc = guest_pc(block, index);
                state.set_pc(pc);
                return Err(match cause {
                    Cause::Memory(MemFault { addr }) => Fault::Memory { pc, addr },
                    Cause::Misaligned(addr) => Fault::Misaligned { pc, addr },
                });
            }
        }
    }
    Ok(finish(block.terminal, &values, state))
}

/// Guest address of the instruction that an IR instruction belongs to.
fn guest_pc(block: &Block, index: usize) -> u64 {
    let after = block.marks.partition_point(|mark| mark.inst as usize <= index);
    block.marks[..after].last().map_or(block.pc, |mark| mark.pc)
}

/// Executes one instruction; the value of one that has none is 0.
fn step(inst: &Inst, values: &[u64], state: &mut State, memory: &mut dyn Memory) -> Result<u64, Cause> {
    let Inst { op, ty, imm, .. } = *inst;
    let arg = |i: usize| values[inst.args[i].index()];
    let bytes = ty.bytes();
    Ok(match op {
        Op::Iconst | Op::Gaddr => imm as u64,
        Op::Get => state.get(imm as u16),
        Op::Set => {
            state.set(imm as u16, arg(0));
            0
        }
        Op::Load => memory.load(arg(0).wrapping_add_signed(imm), bytes)?,
        Op::Store => {
            memory.store(arg(0).wrapping_add_signed(imm), bytes, arg(1))?;
            0
        }
        Op::AtomicRmw => {
            let kind = AtomicKind::from_bits(imm as u8).unwrap_or(AtomicKind::Swap);
            memory.update(aligned(arg(0), bytes)?, bytes, &mut |old| Some(atomic_result(kind, ty, old, arg(1))))?
        }
        Op::AtomicCas => memory.update(aligned(arg(0), bytes)?, bytes, &mut |old| (old == arg(1)).then(|| arg(2)))?,
        Op::LoadReserved => memory.load(naturally_aligned(arg(0), bytes)?, bytes)?,
        Op::StoreCond => {
            let addr = naturally_aligned(arg(0), bytes)?;
            if addr != arg(1) {
                return Ok(1);
            }
            let old = memory.update(addr, bytes, &mut |old| (old == arg(2)).then(|| arg(3)))?;
            (old != arg(2)) as u64
        }
        Op::Fence => {
            memory.fence(Order::from_bits(imm as u8).unwrap_or(Order::Full));
            0
        }
        Op::ReadCounter => memory.counter(Counter::from_bits(imm as u8).unwrap_or(Counter::Time)),
        Op::Select => arg(if arg(0) != 0 { 1 } else { 2 }),
        _ => {
            let mut args = [0; 3];
            args.iter_mut().zip(inst.args()).for_each(|(place, value)| *place = values[value.index()]);
            let mut env = state.fp_env();
            let value = eval::eval_inst(inst, args, &mut env).unwrap_or(0);
            state.accrue(env);
            value
        }
    })
}

fn aligned(addr: u64, bytes: u32) -> Result<u64, Cause> {
    if atomic_aligned(addr, bytes) { Ok(addr) } else { Err(Cause::Misaligned(addr)) }
}

fn naturally_aligned(addr: u64, bytes: u32) -> Result<u64, Cause> {
    if addr.is_multiple_of(bytes as u64) { Ok(addr) } else { Err(Cause::Misaligned(addr)) }
}

/// Carries out the terminal: sets the state's pc and says how the block was left.
fn finish(terminal: Terminal, values: &[u64], state: &mut State) -> Exit {
    let (pc, exit) = match terminal {
        Terminal::Jump { target } | Terminal::Call { target, .. } => (target, Exit::Next),
        Terminal::Branch { cond, taken, not_taken } => {
            (if values[cond.index()] != 0 { taken } else { not_taken }, Exit::Next)
        }
        Terminal::Indirect { target, .. } => (values[target.index()], Exit::Next),
        Terminal::Syscall { pc, next } => (next, Exit::Syscall { pc }),
        Terminal::Trap { pc, kind } => (pc, Exit::Trap(kind)),
        Terminal::Interpret { pc } => (pc, Exit::Interpret),
    };
    state.set_pc(pc);
    exit
}
