//! From guest memory to a block of IR, and to single instructions for tier 0.

use mynah_ir::{Block, BlockBuilder, Terminal, TrapKind};

use super::cpu::Cpu;
use super::csr;
use super::decode::decode;
use super::format::Format;
use super::insn::Insn;
use super::row::Class;
use super::table::{body, row};

/// Why there is no instruction at an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FetchError {
    /// The halfword at this guest address cannot be fetched.
    Unmapped(u64),
    /// The encoding is not one of this CPU.
    Illegal {
        /// The word, or the halfword of a 16-bit encoding.
        word: u32,
        /// Its length in bytes: 2 or 4.
        len: u8,
    },
}

/// Reads the halfword of guest memory at an address, if it can be executed.
pub type Fetch<'a> = &'a mut dyn FnMut(u64) -> Option<u16>;

/// Fetches and decodes the instruction at `pc`.
pub fn fetch_insn(pc: u64, fetch: Fetch, cpu: &Cpu) -> Result<Insn, FetchError> {
    let mut half = |addr| fetch(addr).map(u32::from).ok_or(FetchError::Unmapped(addr));
    let low = half(pc)?;
    let (word, len) = if low & 3 == 3 { (half(pc.wrapping_add(2))? << 16 | low, 4) } else { (low, 2) };
    decode(word, pc, cpu).ok_or(FetchError::Illegal { word, len })
}

/// Whether only tier 0 executes the instruction.
pub fn is_tier0(insn: &Insn) -> bool {
    match row(insn.op).map(|r| r.class) {
        Some(Class::Tier0) => true,
        Some(Class::Csr) => csr::is_tier0(insn),
        _ => false,
    }
}

/// Whether the instruction must be a block of its own.
pub fn is_barrier(insn: &Insn) -> bool {
    row(insn.op).is_some_and(|r| matches!(r.class, Class::Csr)) && csr::is_barrier(insn)
}

/// Whether the instruction's body calls a terminal.
pub fn ends_block(insn: &Insn) -> bool {
    row(insn.op).is_some_and(|r| r.class == Class::EndsBlock)
}

/// Whether the instruction jumps to an address in a register, and neither calls nor returns: `rd` and `rs1` are no link
/// registers (unprivileged manual, table of return-address stack hints).
pub fn is_indirect_jump(insn: &Insn) -> bool {
    let jalr = row(insn.op).is_some_and(|r| matches!(r.format, Format::Jalr | Format::CJR));
    jalr && ends_block(insn) && insn.rd == 0 && !matches!(insn.rs1, 1 | 5)
}

/// Lifts the block at `pc`. It ends with the first terminal, after `max_insns` instructions, or before an instruction
/// that translated code cannot execute:
///
/// - one that is tier 0's: `Interpret` at its address;
/// - one that cannot be fetched: `Jump` to its address, or `Interpret` if it is the first, so that tier 0 raises the
///   fault;
/// - one that is illegal: `Trap`.
///
/// None of the three gets a mark. A barrier ([`is_barrier`]) ends the block before it and is a block of its own.
pub fn lift(pc: u64, fetch: Fetch, cpu: &Cpu, max_insns: usize) -> Block {
    let mut b = BlockBuilder::new(pc);
    while !b.is_done() && b.guest_insns() < max_insns {
        let at = b.end();
        match fetch_insn(at, fetch, cpu) {
            Ok(insn) if is_tier0(&insn) => b.end_with(Terminal::Interpret { pc: at }),
            Ok(insn) if is_barrier(&insn) => {
                if at == pc {
                    lift_insn(&mut b, &insn);
                }
                break;
            }
            Ok(insn) => lift_insn(&mut b, &insn),
            Err(FetchError::Illegal { .. }) => b.end_with(Terminal::Trap { pc: at, kind: TrapKind::Illegal }),
            Err(FetchError::Unmapped(_)) if at == pc => b.end_with(Terminal::Interpret { pc }),
            Err(FetchError::Unmapped(_)) => b.end_with(Terminal::Jump { target: at }),
        }
    }
    b.finish()
}

fn lift_insn(b: &mut BlockBuilder, insn: &Insn) {
    b.mark(insn.pc, insn.len);
    if body(insn.op)(b, insn).is_err() {
        // The block builder never fails; if a body ever does, the instruction is tier 0's.
        b.end_with(Terminal::Interpret { pc: insn.pc });
    }
}
