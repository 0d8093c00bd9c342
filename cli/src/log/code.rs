//! The items of the log about code: what is translated into what, and what is executed. An observer.
//!
//! Each executed block is told, as QEMU does with `nochain`: with `exec` and `cpu` the guest runs in tier 0 alone.

use std::ffi::OsStr;
use std::fmt::Write;
use std::ops::RangeInclusive;

use capstone::{Capstone, arch::BuildsCapstone, arch::x86};
use mynah_backend::Compiled;
use mynah_frontend::riscv64::{self, F_NAMES, X_NAMES};
use mynah_ir::Region;
use mynah_runtime::host::log;
use mynah_runtime::host::signal::SigInfo;
use mynah_runtime::observe::{BlockInfo, Observer, Wants};
use mynah_runtime::{Process, Vcpu};

/// Which of them are logged.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Items {
    pub in_asm: bool,
    pub op: bool,
    pub op_opt: bool,
    pub out_asm: bool,
    pub int: bool,
    pub exec: bool,
    pub cpu: bool,
    pub page: bool,
    pub guest_errors: bool,
    /// Addresses to which the items about code are limited; all if empty.
    pub filter: Vec<RangeInclusive<u64>>,
}

impl Items {
    /// The place of the item of this name. `nochain` needs none: every executed block is logged anyway.
    pub fn switch(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "in_asm" => &mut self.in_asm,
            "op" => &mut self.op,
            "op_opt" => &mut self.op_opt,
            "out_asm" => &mut self.out_asm,
            "int" => &mut self.int,
            "exec" => &mut self.exec,
            "cpu" => &mut self.cpu,
            "page" => &mut self.page,
            "guest_errors" => &mut self.guest_errors,
            _ => return None,
        })
    }

    /// Whether any is logged.
    pub fn any(&self) -> bool {
        let code = self.in_asm || self.op || self.op_opt || self.out_asm;
        code || self.int || self.exec || self.cpu || self.page || self.guest_errors
    }

    fn wanted(&self, pc: u64) -> bool {
        self.filter.is_empty() || self.filter.iter().any(|range| range.contains(&pc))
    }
}

/// Reads ranges as QEMU's `-dfilter` takes them: `start..end`, `start+length`, `start-length`, separated by commas.
pub fn ranges(text: &OsStr) -> Result<Vec<RangeInclusive<u64>>, String> {
    let text = text.to_str().ok_or("the value is not UTF-8")?;
    text.split(',').map(range).collect()
}

fn range(text: &str) -> Result<RangeInclusive<u64>, String> {
    let wrong = || format!("'{text}' is not a range: start..end, start+length or start-length");
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).map_err(|_| wrong()),
        None => text.parse().map_err(|_| wrong()),
    };
    let (from, to) = if let Some((start, end)) = text.split_once("..") {
        (number(start)?, number(end)?)
    } else if let Some((start, length)) = text.split_once('+') {
        let (start, length) = (number(start)?, number(length)?);
        (start, start.saturating_add(length.max(1) - 1))
    } else {
        let (end, length) = text.split_once('-').ok_or_else(wrong)?;
        let (end, length) = (number(end)?, number(length)?);
        (end.saturating_sub(length.max(1) - 1), end)
    };
    if from <= to { Ok(from..=to) } else { Err(wrong()) }
}

/// The observer.
pub struct Code(pub Items);

impl Code {
    fn regions(&self, process: &Process, region: &Region, title: &str) {
        let names: Vec<&str> = X_NAMES.iter().chain(&F_NAMES).copied().collect();
        let symbol = symbol(process, region.pc());
        log::write(format!("{title}{symbol}\n{}\n", region.text(&names)).as_bytes());
    }
}

/// The name of the function at `pc`, in front of a blank; empty if it has none.
fn symbol(process: &Process, pc: u64) -> String {
    process.image.symbol(&process.memory, pc).map_or_else(String::new, |symbol| format!(" {}", symbol.name))
}

impl Observer for Code {
    fn wants(&self) -> Wants {
        Wants {
            counts: self.0.in_asm,
            blocks: self.0.exec || self.0.cpu,
            stages: self.0.op || self.0.op_opt || self.0.out_asm,
            ..Wants::default()
        }
    }

    fn begins(&self, process: &Process) {
        if !self.0.page {
            return;
        }
        let mut text = String::from("page layout changed following the start of the program\n");
        let _ = writeln!(text, "guest_base  {:#x}\nstart            end              size             prot", process.memory.guest_base());
        for area in process.memory.areas() {
            let right = |bit, letter| if area.prot.0 & bit != 0 { letter } else { '-' };
            let prot = [right(libc::PROT_READ, 'r'), right(libc::PROT_WRITE, 'w'), right(libc::PROT_EXEC, 'x')];
            let prot: String = prot.iter().collect();
            let _ = writeln!(text, "{:016x}-{:016x} {:016x} {prot}", area.start, area.end, area.end - area.start);
        }
        let image = &process.image;
        let _ = writeln!(text, "start_brk   {:#018x}\nentry       {:#018x}", image.brk_start.0, image.entry);
        log::write(text.as_bytes());
    }

    fn block_known(&self, process: &Process, _: u32, block: &BlockInfo) {
        if !self.0.in_asm || !self.0.wanted(block.pc) {
            return;
        }
        let mut text = format!("----------------\nIN:{}\n", symbol(process, block.pc));
        let mut at = block.pc;
        while at < block.end {
            let byte = |n: u64| block.bytes.get((at - block.pc + n) as usize).copied().map_or(0, u32::from);
            let len = if byte(0) & 3 == 3 { 4 } else { 2 };
            let word = (0..len).rev().fold(0, |word, n| word << 8 | byte(n));
            let insn = riscv64::decode(word, at, &process.options.cpu);
            let insn = insn.map_or_else(|| "illegal".to_owned(), |insn| riscv64::text(&insn));
            let _ = writeln!(text, "{at:#010x}:  {word:0width$x}{:pad$}  {insn}", "", width = len as usize * 2, pad = 16 - len as usize * 2);
            at += len;
        }
        log::write((text + "\n").as_bytes());
    }

    fn stages(&self, process: &Process, before: &Region, after: &Region, compiled: &Compiled) {
        if !self.0.wanted(before.pc()) {
            return;
        }
        if self.0.op {
            self.regions(process, before, "OP:");
        }
        if self.0.op_opt {
            self.regions(process, after, "OP after optimization:");
        }
        if self.0.out_asm {
            let mut text = format!("OUT: [size={}]{}\n", compiled.code.len(), symbol(process, compiled.pc));
            let capstone = Capstone::new().x86().mode(x86::ArchMode::Mode64).build();
            if let Ok(capstone) = &capstone
                && let Ok(insns) = capstone.disasm_all(&compiled.code, 0)
            {
                let mut last = None;
                for insn in insns.iter() {
                    let pc = compiled.faults.guest_pc(insn.address() as u32);
                    if pc.is_some() && pc != last {
                        last = pc;
                        let _ = writeln!(text, "  -- guest addr {:#018x}", pc.unwrap_or(0));
                    }
                    let host = format!("{} {}", insn.mnemonic().unwrap_or("?"), insn.op_str().unwrap_or(""));
                    let _ = writeln!(text, "{:#06x}:  {}", insn.address(), host.trim_end());
                }
            }
            log::write((text + "\n").as_bytes());
        }
    }

    fn block_executed(&self, vcpu: &Vcpu, pc: u64, _: usize) {
        if !self.0.wanted(pc) {
            return;
        }
        let mut text = String::new();
        if self.0.exec {
            let _ = writeln!(text, "Trace {}: 0x0 [00000000/{pc:016x}/00000000/00000000]{}", vcpu.tid, symbol(vcpu.process, pc));
        }
        if self.0.cpu {
            let _ = writeln!(text, " pc       {pc:016x}");
            for row in (0..32).collect::<Vec<u8>>().chunks(4) {
                for n in row {
                    let _ = write!(text, " {:<8} {:016x}", format!("x{n}/{}", X_NAMES[usize::from(*n)]), vcpu.x(*n));
                }
                text.push('\n');
            }
        }
        log::write(text.as_bytes());
    }

    fn signal(&self, vcpu: &Vcpu, info: &SigInfo) {
        let (signal, code, pc) = (info.signo, info.code, vcpu.pc());
        if self.0.int {
            let symbol = symbol(vcpu.process, pc);
            let text = format!("signal {signal}: code {code}, address {:#x}, pc {pc:#x}{symbol}\n", info.addr());
            log::write(text.as_bytes());
        }
        if self.0.guest_errors && signal == libc::SIGILL && code > 0 {
            log::write(format!("guest error: illegal instruction at {pc:#x}\n").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        let parse = |text: &str| ranges(OsStr::new(text));
        assert_eq!(parse("0x8000..0x8fff,0x1000+0x10,0x2000-16"), Ok(vec![0x8000..=0x8fff, 0x1000..=0x100f, 0x1ff1..=0x2000]));
        assert!(parse("5").is_err() && parse("9..1").is_err() && parse("x+1").is_err());
    }
}
