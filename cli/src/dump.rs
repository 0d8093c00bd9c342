//! `mynah dump`: prints what a block becomes at any stage of the pipeline.

mod listing;

use std::ffi::OsString;

use mynah_ir::Region;
use mynah_runtime::memory::GuestAddr;
use mynah_runtime::options::Options;
use mynah_runtime::translate::{self, TranslateOptions, Translator};
use mynah_runtime::{Vcpu, start};
use object::{Object, ObjectSymbol};

use crate::args::{self, Refusal, Usage};
use crate::log;
use crate::options::Scope;

/// How the command is used.
pub static USAGE: Usage = Usage {
    name: "mynah dump",
    scope: Scope::Dump,
    about: "Prints what a block of a riscv64 program becomes, at any stage of translation. Nothing is executed.",
    operands: "PROGRAM",
    after: "\
The stages, in order:
  guest   the guest's instructions, with their encodings and where the block leads
  ir      Mynah's IR as lifted, each guest instruction as a comment
  opt     the IR after the passes that --passes chooses
  clif    Cranelift's IR for the blocks as one function
  host    host instructions beside the guest instruction that each belongs to
  all     all of them

Code that Cranelift moves or shares between guest instructions belongs to none; it stands beside a blank.

Examples:
  mynah dump ./a.out                              the block at the entry
  mynah dump --symbol main --blocks 9 ./a.out     main's first blocks
  mynah dump --stage host --pc 0x10430 ./a.out    what runs for the block at that address
  mynah dump --stage opt --passes all,-cse ./a.out
                                                  the IR without one of the passes",
};

/// What is printed: one stage of the pipeline, or all of them.
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
    /// Host instructions, beside the guest instruction that each belongs to.
    Host,
    /// One after the other.
    All,
}

/// The names of the stages, in order.
const STAGES: [(&str, Stage); 6] = [
    ("guest", Stage::Guest),
    ("ir", Stage::Ir),
    ("opt", Stage::Opt),
    ("clif", Stage::Clif),
    ("host", Stage::Host),
    ("all", Stage::All),
];

impl Stage {
    /// The stage of this name.
    pub fn parse(name: &str) -> Result<Stage, String> {
        let found = STAGES.iter().find(|(known, _)| *known == name).map(|(_, stage)| *stage);
        found.ok_or_else(|| {
            format!("there is no stage '{name}'; there are {}", STAGES.map(|(known, _)| known).join(", "))
        })
    }
}

/// Where the block begins.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Place {
    /// The program's entry.
    #[default]
    Entry,
    /// An address, as the program's file counts.
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
    log::install(&choices.log).map_err(Refusal::Wrong)?;
    // A fixed seed: a program that can be moved lies at the same address in each dump.
    let vcpu = match start::load(Options { seed: Some(0), ..choices.run }) {
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
    let region = form(vcpu, find(vcpu, &request.place)?, request.blocks)?;
    if request.stage != Stage::All {
        return text(vcpu, request.stage, region);
    }
    let mut all = String::new();
    for (name, stage) in STAGES.into_iter().filter(|(_, stage)| *stage != Stage::All) {
        all.push_str(&format!("---- {name} ----\n{}\n", text(vcpu, stage, region.clone())?));
    }
    Ok(all)
}

/// The guest address of a place.
fn find(vcpu: &Vcpu, place: &Place) -> Result<u64, String> {
    let image = &vcpu.process.image;
    match place {
        Place::Entry => Ok(image.program_entry),
        Place::Address(address) => Ok(address.wrapping_add(image.load_bias)),
        Place::Symbol(name) => Ok(symbol(vcpu, name)?.wrapping_add(image.load_bias)),
    }
}

/// The address of a symbol, as the program's file counts.
fn symbol(vcpu: &Vcpu, name: &str) -> Result<u64, String> {
    let path = vcpu.process.sysroot.resolve_path(vcpu.process.exe());
    let bytes = std::fs::read(&path).map_err(|error| format!("cannot read '{}': {error}", path.display()))?;
    let elf = object::File::parse(&*bytes).map_err(|error| format!("'{}': {error}", path.display()))?;
    let found = elf.symbols().chain(elf.dynamic_symbols()).find(|s| s.is_definition() && s.name() == Ok(name));
    let found = found.ok_or_else(|| match elf.symbols().next() {
        Some(_) => format!("the program has no symbol '{name}'"),
        None => format!("the program is stripped: it has no symbol '{name}'; --pc takes an address"),
    })?;
    Ok(found.address())
}

/// The first `blocks` blocks of the region that would be formed at `pc` if all of its blocks had run.
fn form(vcpu: &Vcpu, pc: u64, blocks: usize) -> Result<Region, String> {
    let process = vcpu.process;
    let mut fetch = |addr| process.memory.fetch16(GuestAddr(addr));
    if pc % 2 != 0 {
        return Err(format!("{pc:#x} is odd: no instruction begins there"));
    }
    if fetch(pc).is_none() {
        return Err(format!("there is no code at {pc:#x}"));
    }
    let mut region = translate::form_region(pc, &mut fetch, &process.options.cpu, &|_| true, &|_| Vec::new());
    region.blocks.truncate(blocks);
    Ok(region)
}

/// The region at a stage.
fn text(vcpu: &Vcpu, stage: Stage, mut region: Region) -> Result<String, String> {
    let options = TranslateOptions {
        add_guest_base: vcpu.process.memory.guest_base() != 0,
        host: vcpu.process.options.host,
        passes: vcpu.process.options.passes,
        verify: true,
    };
    let mut translator = Translator::new(options).map_err(|error| error.to_string())?;
    if matches!(stage, Stage::Opt | Stage::Clif) {
        translator.optimise(&mut region).map_err(|error| error.to_string())?;
    }
    match stage {
        Stage::Guest => Ok(listing::guest(vcpu, &region)),
        Stage::Ir | Stage::Opt => Ok(listing::ir(vcpu, &region)),
        Stage::Clif => Ok(translator.clif(&region)),
        Stage::Host | Stage::All => {
            let compiled = translator.translate(&mut region).map_err(|error| error.to_string())?;
            listing::host(vcpu, &compiled)
        }
    }
}
