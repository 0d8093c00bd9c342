//! `mynah dump`: prints what a block becomes at any stage of the pipeline.

use std::ffi::OsString;
use std::fmt::Write;

use capstone::prelude::*;
use mynah_frontend::riscv64;
use mynah_ir::Region;
use mynah_runtime::translate::{self, TranslateOptions, Translator};
use mynah_runtime::memory::GuestAddr;
use mynah_runtime::{Vcpu, start};
use object::{Object, ObjectSymbol};

use crate::args::{self, Refusal, Usage};
use crate::options::Scope;

/// How the command is used.
pub static USAGE: Usage = Usage {
    name: "mynah dump",
    scope: Scope::Dump,
    about: "Prints what a block of a riscv64 program becomes, at any stage of translation.",
    operands: "PROGRAM",
    after: "\
Examples:
  mynah dump --stage guest --symbol main ./a.out
  mynah dump --stage host --pc 0x10430 ./a.out",
};

/// A stage of the pipeline.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Stage {
    /// Guest instructions.
    #[default]
    Guest,
    /// The IR as lifted.
    Ir,
    /// The IR after the passes.
    Opt,
    /// Cranelift's IR.
    Clif,
    /// Host instructions, with the guest instruction that each belongs to.
    Host,
}

impl Stage {
    /// The stage of this name.
    pub fn parse(name: &str) -> Result<Stage, String> {
        Ok(match name {
            "guest" => Stage::Guest,
            "ir" => Stage::Ir,
            "opt" => Stage::Opt,
            "clif" => Stage::Clif,
            "host" => Stage::Host,
            _ => return Err(format!("there is no stage '{name}'; there are guest, ir, opt, clif and host")),
        })
    }
}

/// Where the block begins.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Place {
    /// The program's entry.
    #[default]
    Entry,
    /// A guest address.
    Address(u64),
    /// A symbol of the program.
    Symbol(String),
}

/// What to print.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// Which stage.
    pub stage: Stage,
    /// Which block.
    pub place: Place,
    /// How many blocks of its region at most.
    pub blocks: usize,
}

impl Default for Request {
    fn default() -> Request {
        Request { stage: Stage::default(), place: Place::default(), blocks: 1 }
    }
}

/// Runs the command.
pub fn command(words: &[OsString]) -> Result<i32, Refusal> {
    let choices = args::parse(&USAGE, words, &|name| std::env::var_os(name))?;
    let vcpu = match start::load(choices.run) {
        Ok(vcpu) => vcpu,
        Err(error) => {
            eprintln!("mynah: {error}");
            return Ok(error.exit_code());
        }
    };
    let text = dump(&vcpu, &choices.dump).map_err(Refusal::Wrong)?;
    Err(Refusal::Show(text))
}

fn dump(vcpu: &Vcpu, request: &Request) -> Result<String, String> {
    let process = vcpu.process;
    let pc = find(vcpu, &request.place)?;
    let mut fetch = |addr| process.memory.fetch16(GuestAddr(addr));
    if fetch(pc).is_none() {
        return Err(format!("there is no code at {pc:#x}"));
    }
    let mut region = translate::form_region(pc, &mut fetch, &process.options.cpu, &|_| true, &|_| Vec::new());
    region.blocks.truncate(request.blocks);
    let options = TranslateOptions {
        add_guest_base: process.memory.guest_base() != 0,
        passes: process.options.passes,
        verify: true,
    };
    let mut translator = Translator::new(options).map_err(|e| e.to_string())?;
    if request.stage > Stage::Ir {
        translator.optimise(&mut region).map_err(|e| e.to_string())?;
    }
    Ok(match request.stage {
        Stage::Guest => guest_text(vcpu, &region),
        Stage::Ir | Stage::Opt => region.to_string(),
        Stage::Clif => translator.clif(&region),
        Stage::Host => host_text(vcpu, &mut translator, &mut region)?,
    })
}

fn find(vcpu: &Vcpu, place: &Place) -> Result<u64, String> {
    let image = &vcpu.process.image;
    match place {
        Place::Entry => Ok(image.program_entry),
        Place::Address(pc) => Ok(*pc),
        Place::Symbol(name) => {
            let bytes = std::fs::read(&vcpu.process.options.program).map_err(|e| e.to_string())?;
            let elf = object::File::parse(&*bytes).map_err(|e| e.to_string())?;
            let symbol = elf.symbols().find(|s| s.is_definition() && s.name() == Ok(name));
            let symbol = symbol.ok_or_else(|| format!("the program has no symbol '{name}'"))?;
            Ok(symbol.address().wrapping_add(image.load_bias))
        }
    }
}

fn insn_text(vcpu: &Vcpu, pc: u64) -> String {
    let process = vcpu.process;
    match riscv64::fetch_insn(pc, &mut |addr| process.memory.fetch16(GuestAddr(addr)), &process.options.cpu) {
        Ok(insn) => riscv64::text(&insn),
        Err(error) => format!("{error:?}"),
    }
}

fn guest_text(vcpu: &Vcpu, region: &Region) -> String {
    let marks = region.blocks.iter().flat_map(|block| &block.marks);
    marks.map(|mark| format!("{:#x}: {}\n", mark.pc, insn_text(vcpu, mark.pc))).collect()
}

/// Host instructions through Capstone, each beside its guest instruction where that changes.
fn host_text(vcpu: &Vcpu, translator: &mut Translator, region: &mut Region) -> Result<String, String> {
    let compiled = translator.translate(region).map_err(|e| e.to_string())?;
    let capstone = Capstone::new().x86().mode(arch::x86::ArchMode::Mode64).build().map_err(|e| e.to_string())?;
    let insns = capstone.disasm_all(&compiled.code, 0).map_err(|e| e.to_string())?;
    let (mut text, mut last) = (String::new(), None);
    for insn in insns.iter() {
        let pc = compiled.faults.guest_pc(insn.address() as u32);
        let guest = pc.filter(|_| pc != last).map(|pc| format!("; {pc:#x}: {}", insn_text(vcpu, pc))).unwrap_or_default();
        last = pc.or(last);
        let host = format!("{} {}", insn.mnemonic().unwrap_or("?"), insn.op_str().unwrap_or(""));
        let _ = writeln!(text, "{:6x}: {host:<48} {guest}", insn.address());
    }
    Ok(text)
}
