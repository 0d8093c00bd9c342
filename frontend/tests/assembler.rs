//! Our text for the extensions that Capstone 5 does not know, read by GNU as: it must give the same bits.

mod common;

use std::fmt::Write as _;
use std::process::Command;

use common::Random;
use mynah_frontend::riscv64::{Class, Cpu, ROWS, Row, decode, text};

const PC: u64 = 0x1000;

/// What binutils 2.40 knows, as its `-march` has it, and with it the names of our extensions. Zicond, Zfa, Zacas, Zabha,
/// Zimop, Zcb, Zcmop, Zfbfmin and Zihintntl are younger; their texts are checked by the rows in `tests/insn`.
const MARCH: &str = "rv64gc_zba_zbb_zbc_zbs_zbkb_zbkc_zbkx_zknd_zkne_zknh_zksed_zksh_zfh_zicbom_zicbop_zicboz_zawrs";
const YOUNGER: [&str; 9] = ["zicond", "zfa", "zacas", "zabha", "zimop", "zcb", "zcmop", "zfbfmin", "zihintntl"];

/// Words of a row in each of which every field is random.
const SAMPLES: usize = 40;

/// Whether the row's text can stand alone: no target relative to the instruction.
fn stands_alone(row: &Row) -> bool {
    row.class.decodes() && row.class != Class::EndsBlock && row.class != Class::Csr && row.name != "auipc"
}

/// Words whose fields cannot be written in assembly: reserved fields that are ignored, and rounding modes of exact
/// conversions.
fn is_canonical(row: &Row, word: u32) -> bool {
    match row.name {
        "fence" => word >> 28 == 0 && word & 0x000f_8f80 == 0,
        "fcvt.d.s" | "fcvt.d.w" | "fcvt.d.wu" | "fcvt.s.h" | "fcvt.d.h" => word >> 12 & 7 == 0,
        _ => true,
    }
}

#[test]
fn gnu_as_reads_our_text_as_the_same_bits() {
    let (cpu, mut random) = (Cpu::default(), Random::new(4));
    let (mut source, mut words) = (String::from(".option norelax\n.option norvc\n"), Vec::new());
    let known = |row: &Row| row.needs.extensions().iter().all(|e| !YOUNGER.contains(&e.name()));
    for row in ROWS.iter().filter(|row| row.len == 4 && known(row) && stands_alone(row)) {
        for _ in 0..SAMPLES {
            let word = random.next() & !row.mask | row.value;
            let Some(insn) = decode(word, PC, &cpu).filter(|_| row.matches(word) && is_canonical(row, word)) else { continue };
            writeln!(source, "{}", text(&insn)).expect("a string takes everything");
            words.push(word);
        }
    }
    assert!(words.len() > 8000, "only {} words", words.len());
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let [input, object, binary] = ["texts.s", "texts.o", "texts.bin"].map(|name| folder.join(name));
    std::fs::write(&input, &source).expect("the source can be written");
    let run = |command: &mut Command| {
        let output = command.output().expect("binutils for riscv64 are installed: scripts/install-deps");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}", errors.lines().take(20).collect::<Vec<_>>().join("\n"));
    };
    run(Command::new("riscv64-linux-gnu-as").arg(format!("-march={MARCH}")).arg("-o").arg(&object).arg(&input));
    run(Command::new("riscv64-linux-gnu-objcopy").args(["-O", "binary", "-j", ".text"]).arg(&object).arg(&binary));
    let bits = std::fs::read(&binary).expect("objcopy wrote it");
    let read: Vec<u32> = bits.chunks_exact(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect();
    assert_eq!(read.len(), words.len());
    let lines = source.lines().skip(2);
    let wrong: Vec<_> = read.iter().zip(&words).zip(lines).filter(|((a, b), _)| a != b).collect();
    assert!(wrong.is_empty(), "{} differ, the first: {:x?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}
