//! The control and status registers that user mode can reach.

use super::cpu::Cpu;
use super::extension::Extension;
use super::insn::Insn;
use super::table::row;

/// Accrued exceptions.
pub const FFLAGS: i32 = 0x001;
/// Dynamic rounding mode.
pub const FRM: i32 = 0x002;
/// Both.
pub const FCSR: i32 = 0x003;
/// Cycle counter.
pub const CYCLE: i32 = 0xc00;
/// Wall-clock time.
pub const TIME: i32 = 0xc01;
/// Retired instructions.
pub const INSTRET: i32 = 0xc02;
/// First of the programmable counters.
pub const HPMCOUNTER3: i32 = 0xc03;
/// Last of the programmable counters.
pub const HPMCOUNTER31: i32 = 0xc1f;

/// The extension that brings a CSR; `None` if there is no such CSR in user mode.
pub fn extension(csr: i32) -> Option<Extension> {
    match csr {
        FFLAGS | FRM | FCSR => Some(Extension::F),
        CYCLE | TIME | INSTRET => Some(Extension::Zicntr),
        HPMCOUNTER3..=HPMCOUNTER31 => Some(Extension::Zihpm),
        _ => None,
    }
}

/// The name of a CSR in text.
pub fn name(csr: i32) -> Option<&'static str> {
    const HPM: [&str; 29] = [
        "hpmcounter3",
        "hpmcounter4",
        "hpmcounter5",
        "hpmcounter6",
        "hpmcounter7",
        "hpmcounter8",
        "hpmcounter9",
        "hpmcounter10",
        "hpmcounter11",
        "hpmcounter12",
        "hpmcounter13",
        "hpmcounter14",
        "hpmcounter15",
        "hpmcounter16",
        "hpmcounter17",
        "hpmcounter18",
        "hpmcounter19",
        "hpmcounter20",
        "hpmcounter21",
        "hpmcounter22",
        "hpmcounter23",
        "hpmcounter24",
        "hpmcounter25",
        "hpmcounter26",
        "hpmcounter27",
        "hpmcounter28",
        "hpmcounter29",
        "hpmcounter30",
        "hpmcounter31",
    ];
    Some(match csr {
        FFLAGS => "fflags",
        FRM => "frm",
        FCSR => "fcsr",
        CYCLE => "cycle",
        TIME => "time",
        INSTRET => "instret",
        HPMCOUNTER3..=HPMCOUNTER31 => HPM[(csr - HPMCOUNTER3) as usize],
        _ => return None,
    })
}

/// Whether a CSR instruction writes. `csrrs`, `csrrc` and their immediate forms do not if the source is x0 or 0
/// (Zicsr, "CSR Instructions", table of side effects).
fn writes(insn: &Insn) -> bool {
    let replaces = row(insn.op).is_some_and(|r| matches!(r.name, "csrrw" | "csrrwi"));
    replaces || insn.rs1 != 0
}

/// Whether a CSR instruction is legal on `cpu`: the register exists, and it is not written if its number says that it
/// is read-only (bits 11 and 10 set).
pub(super) fn is_legal(insn: &Insn, cpu: &Cpu) -> bool {
    extension(insn.imm).is_some_and(|e| cpu.has(e)) && !(insn.imm >> 10 == 3 && writes(insn))
}

/// Whether a CSR instruction is for tier 0 only. Translated code relies on the rounding mode that it was entered with;
/// reading `frm` or a counter is plain.
pub(super) fn is_tier0(insn: &Insn) -> bool {
    insn.imm == FCSR || (insn.imm == FRM && writes(insn))
}

/// Whether a CSR instruction reads or writes the accrued flags. Translated code keeps them in the host's own register,
/// where earlier operations must have left their flags by then and later ones not yet: it is a block of its own.
pub(super) fn is_barrier(insn: &Insn) -> bool {
    insn.imm == FFLAGS
}
