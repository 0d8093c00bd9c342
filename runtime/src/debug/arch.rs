//! riscv64 as gdb knows it: registers in the order of the target description, and numbers of signals.

use std::num::NonZeroUsize;

use gdbstub::arch::{Arch, RegId, Registers};
use gdbstub::common::Signal;

/// The guest's architecture.
pub enum Riscv64 {}

/// Registers: `x0` to `x31`, pc, `f0` to `f31`, fflags, frm, fcsr.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Regs {
    /// Integer registers.
    pub x: [u64; 32],
    /// Program counter.
    pub pc: u64,
    /// Floating-point registers.
    pub f: [u64; 32],
    /// Accrued exceptions and rounding mode.
    pub fcsr: u32,
}

impl Default for Regs {
    fn default() -> Regs {
        Regs { x: [0; 32], pc: 0, f: [0; 32], fcsr: 0 }
    }
}

impl Registers for Regs {
    type ProgramCounter = u64;

    fn pc(&self) -> u64 {
        self.pc
    }

    fn gdb_serialize(&self, mut write_byte: impl FnMut(Option<u8>)) {
        let wide = self.x.iter().chain([&self.pc]).chain(&self.f);
        wide.flat_map(|value| value.to_le_bytes()).for_each(|byte| write_byte(Some(byte)));
        let narrow = [self.fcsr & 31, self.fcsr >> 5 & 7, self.fcsr & 255];
        narrow.iter().flat_map(|value| value.to_le_bytes()).for_each(|byte| write_byte(Some(byte)));
    }

    fn gdb_deserialize(&mut self, bytes: &[u8]) -> Result<(), ()> {
        let (wide, narrow) = bytes.split_at_checked(65 * 8).ok_or(())?;
        let mut wide = wide.chunks_exact(8).map(|chunk| chunk.try_into().map_or(0, u64::from_le_bytes));
        let mut take = |places: &mut [u64]| places.iter_mut().zip(&mut wide).for_each(|(place, value)| *place = value);
        take(&mut self.x);
        let mut pc = [0];
        take(&mut pc);
        self.pc = pc[0];
        take(&mut self.f);
        self.fcsr = narrow.get(8..12).and_then(|bytes| bytes.try_into().ok()).map_or(self.fcsr, u32::from_le_bytes) & 255;
        Ok(())
    }
}

/// A register by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reg {
    /// `x<n>`.
    X(usize),
    /// The program counter.
    Pc,
    /// `f<n>`.
    F(usize),
    /// fflags, frm, fcsr.
    Csr(usize),
}

impl RegId for Reg {
    fn from_raw_id(id: usize) -> Option<(Reg, Option<NonZeroUsize>)> {
        let (reg, size) = match id {
            0..32 => (Reg::X(id), 8),
            32 => (Reg::Pc, 8),
            33..65 => (Reg::F(id - 33), 8),
            65..68 => (Reg::Csr(id - 65), 4),
            _ => return None,
        };
        Some((reg, NonZeroUsize::new(size)))
    }
}

impl Arch for Riscv64 {
    type Usize = u64;
    type Registers = Regs;
    type BreakpointKind = usize;
    type RegId = Reg;
}

/// The target description: gdb's manual, "RISC-V Features".
pub fn description() -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">\
         <architecture>riscv:rv64</architecture><osabi>GNU/Linux</osabi><feature name=\"org.gnu.gdb.riscv.cpu\">",
    );
    for name in mynah_frontend::riscv64::X_NAMES {
        let (name, kind) = match name {
            "ra" => (name, "code_ptr"),
            "s0" => ("fp", "data_ptr"),
            "sp" | "gp" | "tp" => (name, "data_ptr"),
            _ => (name, "int"),
        };
        xml += &format!("<reg name=\"{name}\" bitsize=\"64\" type=\"{kind}\"/>");
    }
    xml += "<reg name=\"pc\" bitsize=\"64\" type=\"code_ptr\"/></feature><feature name=\"org.gnu.gdb.riscv.fpu\">\
            <union id=\"riscv_double\"><field name=\"float\" type=\"ieee_single\"/><field name=\"double\" type=\"ieee_double\"/></union>";
    for name in mynah_frontend::riscv64::F_NAMES {
        xml += &format!("<reg name=\"{name}\" bitsize=\"64\" type=\"riscv_double\"/>");
    }
    for name in ["fflags", "frm", "fcsr"] {
        xml += &format!("<reg name=\"{name}\" bitsize=\"32\" type=\"int\"/>");
    }
    xml + "</feature></target>"
}

/// Linux's numbers up to 31 and gdb's (gdb's `include/gdb/signals.def`).
const SIGNALS: [(i32, u8); 31] = [
    (libc::SIGHUP, 1),
    (libc::SIGINT, 2),
    (libc::SIGQUIT, 3),
    (libc::SIGILL, 4),
    (libc::SIGTRAP, 5),
    (libc::SIGABRT, 6),
    (libc::SIGFPE, 8),
    (libc::SIGKILL, 9),
    (libc::SIGBUS, 10),
    (libc::SIGSEGV, 11),
    (libc::SIGSYS, 12),
    (libc::SIGPIPE, 13),
    (libc::SIGALRM, 14),
    (libc::SIGTERM, 15),
    (libc::SIGURG, 16),
    (libc::SIGSTOP, 17),
    (libc::SIGTSTP, 18),
    (libc::SIGCONT, 19),
    (libc::SIGCHLD, 20),
    (libc::SIGTTIN, 21),
    (libc::SIGTTOU, 22),
    (libc::SIGIO, 23),
    (libc::SIGXCPU, 24),
    (libc::SIGXFSZ, 25),
    (libc::SIGVTALRM, 26),
    (libc::SIGPROF, 27),
    (libc::SIGWINCH, 28),
    (libc::SIGUSR1, 30),
    (libc::SIGUSR2, 31),
    (libc::SIGPWR, 32),
    (libc::SIGSTKFLT, 143),
];

/// gdb's number of a signal of Linux's.
pub fn to_gdb(signal: i32) -> Signal {
    match signal {
        32 => Signal(77),
        33..64 => Signal((signal - 33 + 45) as u8),
        64 => Signal(78),
        _ => Signal(SIGNALS.iter().find(|(linux, _)| *linux == signal).map_or(143, |(_, gdb)| *gdb)),
    }
}

/// Linux's number of a signal of gdb's; `None` if Linux has none.
pub fn from_gdb(signal: Signal) -> Option<i32> {
    match signal.0 {
        77 => Some(32),
        78 => Some(64),
        45..=75 => Some(i32::from(signal.0) - 45 + 33),
        number => SIGNALS.iter().find(|(_, gdb)| *gdb == number).map(|(linux, _)| *linux),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_go_both_ways() {
        for signal in 1..=64 {
            assert_eq!(from_gdb(to_gdb(signal)), Some(signal));
        }
        assert_eq!((to_gdb(libc::SIGUSR1).0, from_gdb(Signal(0))), (30, None));
    }

    #[test]
    fn registers_go_both_ways() {
        let regs = Regs { x: std::array::from_fn(|n| n as u64 * 3), pc: 77, f: [1 << 60; 32], fcsr: 0xe5 };
        let mut bytes = Vec::new();
        regs.gdb_serialize(|byte| bytes.extend(byte));
        let mut back = Regs::default();
        assert_eq!((back.gdb_deserialize(&bytes), &back), (Ok(()), &regs));
        assert!(Regs::default().gdb_deserialize(&bytes[..100]).is_err());
        assert_eq!(bytes.len(), 65 * 8 + 12);
    }
}
