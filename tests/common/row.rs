//! Rows of `tests/insn`, written from blocks that ran.

use std::collections::BTreeMap;

use mynah_frontend::riscv64::{Cpu, F_NAMES, X_NAMES, decode, text};

use super::program::{CODE, DATA, RECORD, SCRATCH, code};
use super::stream::Block;

/// Registers and memory by name, with values.
pub type Changes = BTreeMap<String, u64>;

/// What a block changed, from the output of its program with the memory dumped.
pub fn changes(block: &Block, output: &[u8]) -> Changes {
    let value = |at: usize| u64::from_le_bytes(output[at..at + 8].try_into().expect("eight bytes"));
    let mut changed = Changes::new();
    for n in 1..30 {
        if value(8 * n) != block.x[n] {
            changed.insert(X_NAMES[n].to_owned(), value(8 * n));
        }
    }
    for n in 0..32 {
        if value(256 + 8 * n) != block.f[n] {
            changed.insert(F_NAMES[n].to_owned(), value(256 + 8 * n));
        }
    }
    let (was, is) = (block.fcsr, value(512));
    for (name, was, is) in [("fflags", was & 31, is & 31), ("frm", was >> 5, is >> 5)] {
        if was != is {
            changed.insert(name.to_owned(), is);
        }
    }
    for i in 0..SCRATCH / 8 {
        let now = value(RECORD + 8 * i);
        if now != block.fill.wrapping_mul(i as u64 + 1) {
            changed.insert(format!("[{:#x}]", DATA + 8 * i as u64), now);
        }
    }
    changed
}

/// What is not zero before a block: registers, flags and rounding mode, and the memory that it may touch.
pub fn before(block: &Block, cpu: &Cpu) -> Vec<(String, u64)> {
    let x = (1..30).map(|n| (X_NAMES[n].to_owned(), block.x[n]));
    let f = (0..32).map(|n| (F_NAMES[n].to_owned(), block.f[n]));
    let control = [("frm".to_owned(), block.fcsr >> 5), ("fflags".to_owned(), block.fcsr & 31)];
    let memory = block.touched(cpu).into_iter().map(|(at, value)| (format!("[{at:#x}]"), value));
    x.chain(f).chain(control).chain(memory).filter(|(_, value)| *value != 0).collect()
}

/// The bytes of instructions.
pub fn bytes(words: &[u32]) -> Vec<u8> {
    let len = |word: u32| if word & 3 == 3 { 4 } else { 2 };
    code(words).into_iter().flat_map(|word| word.to_le_bytes().into_iter().take(len(word))).collect()
}

/// The texts of instructions, `illegal` for those that are.
pub fn texts(words: &[u32], cpu: &Cpu) -> String {
    let line = |word: &u32| decode(*word, CODE, cpu).map_or("illegal".to_owned(), |insn| text(&insn));
    words.iter().map(line).collect::<Vec<_>>().join("; ")
}

/// The line of a row.
pub fn line(words: &[u32], before: &[(String, u64)], after: &Changes, cpu: &Cpu) -> String {
    let list = |items: &mut dyn Iterator<Item = (&String, &u64)>| {
        items.map(|(name, value)| format!("{name}={value:#x}")).collect::<Vec<_>>().join(" ")
    };
    let hex: String = bytes(words).iter().map(|b| format!("{b:02x}")).collect();
    let (before, after) = (list(&mut before.iter().map(|(n, v)| (n, v))), list(&mut after.iter()));
    format!("{hex} | {} | {before} => {after}", texts(&code(words), cpu)).trim_end().to_owned()
}
