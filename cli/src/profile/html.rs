//! The report as one page: it asks no network for anything.

use capstone::{Capstone, arch::BuildsCapstone, arch::x86};
use mynah_frontend::riscv64::{self, Cpu};
use mynah_ir::Region;
use mynah_ir::passes::Passes;
use mynah_runtime::translate::{TranslateOptions, Translator};
use serde::Serialize;

use super::merge::{lift, unhex};
use super::model::{Block, Report};

const PAGE: &str = include_str!("report.html");
/// Where the page wants its data.
const DATA: &str = "/*DATA*/null";
/// Blocks whose IR and host code are on the page; the rest have their guest code.
const WITH_CODE: usize = 300;
/// Blocks on the page at most.
const MOST_BLOCKS: usize = 20_000;

/// A block's code at each stage.
#[derive(Serialize)]
struct Code {
    /// Address and text of each guest instruction.
    guest: Vec<(u64, String)>,
    ir: String,
    host: String,
}

#[derive(Serialize)]
struct Data<'a> {
    report: &'a Report,
    code: Vec<Code>,
    version: &'static str,
}

/// Makes the page.
pub fn page(report: &Report) -> Result<Vec<u8>, String> {
    let mut shown = report.clone();
    if shown.blocks.len() > MOST_BLOCKS {
        shown.missing.push(format!("{} rare blocks are not on this page", shown.blocks.len() - MOST_BLOCKS));
        shown.blocks.truncate(MOST_BLOCKS);
    }
    let options = TranslateOptions {
        add_guest_base: false,
        host: mynah_runtime::Options::default().host,
        passes: Passes::ALL,
        verify: false,
    };
    let mut translator = Translator::new(options).map_err(|error| error.to_string())?;
    let capstone = Capstone::new().x86().mode(x86::ArchMode::Mode64).build().map_err(|error| error.to_string())?;
    let cpu = Cpu::default();
    let code = shown.blocks.iter().enumerate();
    let code = code.map(|(n, block)| stages(block, &cpu, (n < WITH_CODE).then_some((&mut translator, &capstone))));
    let data = Data { report: &shown, code: code.collect(), version: env!("CARGO_PKG_VERSION") };
    let json = serde_json::to_string(&data).map_err(|error| error.to_string())?;
    // Inside a script element, nothing may look like its end.
    Ok(PAGE.replace(DATA, &json.replace("</", "<\\/").replace("<!--", "<\\!--")).into_bytes())
}

fn stages(block: &Block, cpu: &Cpu, tools: Option<(&mut Translator, &Capstone)>) -> Code {
    let lifted = lift(block.guest, &block.code, cpu);
    let guest = guest(block, cpu);
    let Some((translator, capstone)) = tools else { return Code { guest, ir: String::new(), host: String::new() } };
    let mut region = Region::new(vec![lifted]);
    let compiled = translator.translate(&mut region);
    let names: Vec<&str> = riscv64::X_NAMES.iter().chain(&riscv64::F_NAMES).copied().collect();
    let ir = region.text(&names).to_string();
    let host = match compiled {
        Ok(compiled) => host(&compiled, capstone),
        Err(error) => error.to_string(),
    };
    Code { guest, ir, host }
}

fn guest(block: &Block, cpu: &Cpu) -> Vec<(u64, String)> {
    let bytes = unhex(&block.code);
    let (mut at, mut lines) = (0, Vec::new());
    while let Some(low) = bytes.get(at) {
        let len = if low & 3 == 3 { 4 } else { 2 };
        let Some(word) = bytes.get(at..at + len) else { break };
        let word = word.iter().rev().fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        let insn = riscv64::decode(word, block.guest + at as u64, cpu);
        let text = insn.map_or_else(|| "not an instruction of this CPU".to_owned(), |insn| riscv64::text(&insn));
        lines.push((block.address + at as u64, text));
        at += len;
    }
    lines
}

fn host(compiled: &mynah_backend::Compiled, capstone: &Capstone) -> String {
    let Ok(insns) = capstone.disasm_all(&compiled.code, 0) else { return String::new() };
    let line = |insn: &capstone::Insn| {
        format!("{:4x}: {} {}\n", insn.address(), insn.mnemonic().unwrap_or("?"), insn.op_str().unwrap_or(""))
    };
    insns.iter().map(line).collect()
}
