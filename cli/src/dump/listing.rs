//! The stages of a dump as text for people.

use std::fmt::Write;

use capstone::{Capstone, arch::BuildsCapstone, arch::x86};
use mynah_backend::{Compiled, lower};
use mynah_frontend::riscv64::{self, FetchError, state};
use mynah_ir::{Hint, Region, Terminal};
use mynah_runtime::Vcpu;
use mynah_runtime::memory::GuestAddr;

/// Width of the guest's column in a listing of host code.
const GUEST_COLUMN: usize = 38;

/// Guest instructions, block by block, with encodings and where each block leads.
pub fn guest(vcpu: &Vcpu, region: &Region) -> String {
    let mut text = String::new();
    for block in &region.blocks {
        let _ = writeln!(text, "{}", head(vcpu, block.pc));
        let pcs = block.marks.iter().map(|mark| mark.pc).chain(unmarked(&block.terminal));
        for pc in pcs {
            let _ = writeln!(text, "  {pc:#x}: {:<9} {}", encoding(vcpu, pc), instruction(vcpu, pc));
        }
        let _ = writeln!(text, "  ; {}", onward(vcpu, &block.terminal));
    }
    text
}

/// The IR with the guest's names for cells. Each guest instruction stands as a comment beside its mark, so that the text
/// can be parsed again.
pub fn ir(vcpu: &Vcpu, region: &Region) -> String {
    let mut text = String::new();
    for line in region.text(&names()).to_string().lines() {
        let mark = line.strip_prefix("@0x").and_then(|rest| rest.split_whitespace().next());
        match mark.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
            Some(pc) => writeln!(text, "{line:<16} ; {}", instruction(vcpu, pc)),
            None => writeln!(text, "{line}"),
        }
        .expect("a string takes any text");
    }
    text
}

/// Host instructions, beside the guest instruction that each belongs to where that changes.
pub fn host(vcpu: &Vcpu, compiled: &Compiled) -> Result<String, String> {
    let capstone = Capstone::new().x86().mode(x86::ArchMode::Mode64).build().map_err(|error| error.to_string())?;
    let insns = capstone.disasm_all(&compiled.code, 0).map_err(|error| error.to_string())?;
    let mut text = format!(
        "{}\n{} guest instructions in {} blocks, {} host bytes\n",
        head(vcpu, compiled.pc),
        compiled.guest_insns,
        compiled.guest.len(),
        compiled.code.len()
    );
    let mut last = None;
    for insn in insns.iter() {
        let (start, end) = (insn.address() as u32, insn.address() as u32 + insn.len() as u32);
        let pc = compiled.faults.guest_pc(start);
        let shown = pc.filter(|_| pc != last).map(|pc| format!("{pc:#x}: {}", instruction(vcpu, pc)));
        last = pc.or(last);
        let host = format!("{} {}", insn.mnemonic().unwrap_or("?"), insn.op_str().unwrap_or(""));
        let link = compiled.relocs.iter().find(|reloc| (start..end).contains(&reloc.offset));
        let link = link.and_then(|reloc| compiled.links.get(reloc.link as usize));
        let note = link.map(|target| format!(" ; {}", link_text(vcpu, *target))).unwrap_or_default();
        let line = format!("{:<GUEST_COLUMN$} | {start:5x}: {}{note}", shown.unwrap_or_default(), host.trim_end());
        let _ = writeln!(text, "{line}");
    }
    Ok(text)
}

/// The guest's name for each cell of the state.
fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = riscv64::X_NAMES.iter().chain(&riscv64::F_NAMES).copied().collect();
    let others = [
        (state::PC, "pc"),
        (state::FFLAGS, "fflags"),
        (state::FRM, "frm"),
        (state::RES_ADDR, "reservation"),
        (state::RES_VALUE, "reserved_value"),
    ];
    for (slot, name) in others {
        let cell = usize::from(slot.cell);
        names.resize(names.len().max(cell + 1), "");
        names[cell] = name;
    }
    names
}

/// The address of the instruction that a terminal stands for without a mark.
fn unmarked(terminal: &Terminal) -> Option<u64> {
    match terminal {
        Terminal::Interpret { pc } => Some(*pc),
        Terminal::Trap { pc, kind: mynah_ir::TrapKind::Illegal } => Some(*pc),
        _ => None,
    }
}

/// An address with its symbol, if it has one: `0x10632 <sum+0x4>`.
fn place(vcpu: &Vcpu, pc: u64) -> String {
    match vcpu.process.image.symbol(&vcpu.process.memory, pc) {
        Some(symbol) if symbol.offset == 0 => format!("{pc:#x} <{}>", symbol.name),
        Some(symbol) => format!("{pc:#x} <{symbol}>"),
        None => format!("{pc:#x}"),
    }
}

/// The line above a block; it tells where the file has it if the program was moved.
fn head(vcpu: &Vcpu, pc: u64) -> String {
    match vcpu.process.image.load_bias {
        0 => format!("{}:", place(vcpu, pc)),
        bias => format!("{}: ({:#x} in the file)", place(vcpu, pc), pc.wrapping_sub(bias)),
    }
}

fn fetch(vcpu: &Vcpu, pc: u64) -> Result<riscv64::Insn, FetchError> {
    let process = vcpu.process;
    riscv64::fetch_insn(pc, &mut |addr| process.memory.fetch16(GuestAddr(addr)), &process.options.cpu)
}

/// The instruction at `pc`, in Capstone's syntax, or what is there instead.
fn instruction(vcpu: &Vcpu, pc: u64) -> String {
    match fetch(vcpu, pc) {
        Ok(insn) => riscv64::text(&insn),
        Err(FetchError::Illegal { .. }) => "not an instruction of this CPU".to_owned(),
        Err(FetchError::Unmapped(addr)) => format!("nothing that can be executed at {addr:#x}"),
    }
}

/// The bytes of the instruction at `pc` as one number: 4 or 8 digits.
fn encoding(vcpu: &Vcpu, pc: u64) -> String {
    let half = |at: u64| vcpu.process.memory.fetch16(GuestAddr(pc.wrapping_add(at)));
    match (half(0), half(2)) {
        (Some(low), Some(high)) if low & 3 == 3 => format!("{high:04x}{low:04x}"),
        (Some(low), _) => format!("{low:04x}"),
        (None, _) => String::new(),
    }
}

/// Where a block leads, in words.
fn onward(vcpu: &Vcpu, terminal: &Terminal) -> String {
    let place = |pc: u64| place(vcpu, pc);
    match *terminal {
        Terminal::Jump { target } => format!("goes on at {}", place(target)),
        Terminal::Call { target, ret } => format!("calls {}, to return to {ret:#x}", place(target)),
        Terminal::Branch { taken, not_taken, .. } => format!("goes on at {}, else at {not_taken:#x}", place(taken)),
        Terminal::Indirect { hint: Hint::Return, .. } => "returns".to_owned(),
        Terminal::Indirect { hint: Hint::Call { ret }, .. } => {
            format!("calls a computed address, to return to {ret:#x}")
        }
        Terminal::Indirect { .. } => "goes on at a computed address".to_owned(),
        Terminal::Syscall { next, .. } => format!("calls the kernel, then goes on at {next:#x}"),
        Terminal::Trap { kind, .. } => format!("traps: {kind:?}"),
        Terminal::Interpret { .. } => "the last instruction is executed by tier 0 only".to_owned(),
    }
}

/// What a link is for. An odd target marks the empty cache of an indirect jump.
fn link_text(vcpu: &Vcpu, target: lower::LinkTarget) -> String {
    if target == lower::EMPTY_CACHE { "inline cache".to_owned() } else { format!("link to {}", place(vcpu, target)) }
}
