//! Our text against Capstone's, for every 16-bit encoding and millions of 32-bit ones.
//!
//! Capstone 5 knows RV64GC and little else, so that rows of newer extensions are checked elsewhere. What both decode
//! must read the same, except for the differences that [`same`] lists with the manual's word on each.

mod common;

use capstone::Capstone;
use capstone::arch::riscv::{ArchExtraMode, ArchMode};
use capstone::arch::{BuildsCapstone, BuildsCapstoneExtraMode};
use common::{Random, scale, words};
use mynah_frontend::riscv64::{Cpu, Row, decode, row, text};

const PC: u64 = 0x1000;

/// Capstone's text, or nothing where it decodes nothing.
fn theirs(capstone: &Capstone, word: u32) -> Option<String> {
    let bytes = word.to_le_bytes();
    let len = if word & 3 == 3 { 4 } else { 2 };
    let found = capstone.disasm_count(&bytes[..len], PC, 1).expect("Capstone disassembles");
    let insn = found.iter().next()?;
    Some(format!("{} {}", insn.mnemonic()?, insn.op_str()?).trim_end().to_string())
}

fn capstone() -> Capstone {
    let mode = Capstone::new().riscv().mode(ArchMode::RiscV64).extra_mode([ArchExtraMode::RiscVC].into_iter());
    mode.build().expect("Capstone knows riscv64")
}

/// Extensions that Capstone 5 knows.
fn known_to_capstone(row: &Row) -> bool {
    const KNOWN: [&str; 10] = ["i", "m", "f", "d", "zicsr", "zifencei", "zalrsc", "zaamo", "zca", "zcd"];
    row.needs.extensions().iter().all(|e| KNOWN.contains(&e.name()))
}

/// Whether two texts say the same.
fn same(ours: &str, theirs: &str) -> bool {
    ours == theirs || ours == theirs.replace("unknown", "0") || is_li(ours, theirs) || is_hint(ours, theirs)
}

/// `li`, which Capstone 5 shows as `addi` from zero ("RISC-V Assembly Programmer's Handbook", pseudoinstructions).
fn is_li(ours: &str, theirs: &str) -> bool {
    let Some((rd, imm)) = ours.strip_prefix("li ").and_then(|rest| rest.split_once(", ")) else {
        return false;
    };
    theirs == format!("addi {rd}, zero, {imm}") || (imm == "0" && theirs == format!("mv {rd}, zero"))
}

/// Hints that Capstone 5 shows as the instruction that they are encoded in ("Zihintntl", "Zihintpause", "Zicbop").
fn is_hint(ours: &str, theirs: &str) -> bool {
    const HINTS: [(&str, &str); 4] = [
        ("ntl.", "add zero, zero"),
        ("c.ntl.", "c.add zero"),
        ("pause", "fence w, unknown"),
        ("prefetch.", "ori zero"),
    ];
    HINTS.iter().any(|(hint, base)| ours.starts_with(hint) && theirs.starts_with(base))
}

/// Words of rows that Capstone 5 knows but does not decode, with the manual's reason why we do.
fn capstone_is_stricter(row: &Row, word: u32) -> bool {
    let rd = word >> 7 & 31;
    match row.name {
        // HINTs: "C" chapter, table of HINT instructions.
        "c.nop" | "c.li" | "c.lui" | "c.mv" | "c.add" | "c.slli" => true,
        // "Memory Ordering Instructions": rs1, rd and reserved modes are ignored.
        "fence" => word >> 28 != 0 || word & 0x000f_8f80 != 0,
        // "Zifencei": imm, rs1 and rd are ignored.
        "fence.i" => word >> 15 != 0 || rd != 0,
        // "F" and "D": exact conversions still have a rounding mode, which Capstone 5 wants to be 0.
        "fcvt.d.s" | "fcvt.d.w" | "fcvt.d.wu" => word >> 12 & 7 != 0,
        _ => false,
    }
}

/// Words that Capstone decodes and we reject.
fn capstone_is_laxer(word: u32, theirs: &str) -> bool {
    let name = theirs.split(' ').next().unwrap_or_default();
    match name {
        // CSRs out of user mode's reach, and writes to read-only ones ("CSR Listing"). `c0001073` is GNU's `unimp`.
        _ if word & 0x7f == 0x73 && word >> 12 & 7 != 0 => true,
        // Privileged.
        "uret" | "sret" | "mret" | "wfi" | "sfence.vma" | "dret" => true,
        // All zeros is defined to be illegal.
        "c.unimp" => true,
        // "C.LUI": an immediate of 0 is reserved.
        "c.lui" => theirs.ends_with(", 0"),
        _ => false,
    }
}

/// Compares one word; gives what is wrong.
fn compare(capstone: &Capstone, cpu: &Cpu, word: u32) -> Result<bool, String> {
    let ours = decode(word, PC, cpu);
    let theirs = theirs(capstone, word);
    match (ours, theirs) {
        (None, None) => Ok(false),
        (Some(insn), theirs) => {
            let row = row(insn.op).expect("decoded instructions have a row");
            let ours = text(&insn);
            match theirs {
                _ if !known_to_capstone(row) => Ok(false),
                Some(theirs) if same(&ours, &theirs) => Ok(true),
                None if capstone_is_stricter(row, word) => Ok(false),
                theirs => Err(format!("{word:08x}: ours {ours:?}, Capstone's {theirs:?}")),
            }
        }
        (None, Some(theirs)) if capstone_is_laxer(word, &theirs) => Ok(false),
        (None, Some(theirs)) => Err(format!("{word:08x}: illegal for us, Capstone's {theirs:?}")),
    }
}

/// Compares all words and wants at least `least` of them to read the same.
fn compare_all(words: impl Iterator<Item = u32>, least: usize) {
    let (capstone, cpu) = (capstone(), Cpu::default());
    let results: Vec<_> = words.map(|word| compare(&capstone, &cpu, word)).collect();
    let wrong: Vec<_> = results.iter().filter_map(|r| r.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{} differences, the first: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
    let equal = results.iter().filter(|r| matches!(r, Ok(true))).count();
    assert!(equal >= least, "only {equal} words were compared");
}

#[test]
fn every_16_bit_encoding_reads_as_in_capstone() {
    compare_all((0..=0xffff).filter(|w| w & 3 != 3), 40_000);
}

#[test]
fn sampled_32_bit_encodings_read_as_in_capstone() {
    for seed in 1..=scale() {
        compare_all(words(&mut Random::new(seed), 2_000_000), 500_000);
    }
}
