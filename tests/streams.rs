//! Random instruction streams: the same static program of random blocks runs under QEMU and under Mynah with each tier, and
//! every register, `fcsr` and the memory must be equal after each block.
//!
//! A difference is shrunk to the instructions, registers and memory that it needs, and printed as a row for `tests/insn`.
//! `MYNAH_SEED` chooses another seed, `MYNAH_BLOCKS` the number of blocks for each class of instructions.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::program::{CODE, RECORD, program};
use common::stream::{Block, POINTERS, Random, accesses_memory, block, is_atomic, is_float};
use common::{build_folder, row};
use libtest_mimic::{Arguments, Failed, Trial};
use mynah_frontend::riscv64::{Cpu, ROWS, Row, decode, text};

/// Blocks in one program.
const BATCH: usize = 1000;

/// Which rows a class draws from.
type Wanted = fn(&Row) -> bool;

/// Rows that cannot be compared with QEMU 10.0, and why.
const EXCLUDED: &[(&str, &str)] = &[
    // QEMU takes an operand that is not boxed for the half-precision NaN 0x7e00 instead of the bfloat16 NaN 0x7fc0
    // (RISC-V BF16 extensions, Zfbfmin: "treated as if it were the canonical NaN").
    ("fcvt.s.bf16", "QEMU's own difference"),
    ("cbo.inval", "illegal in user mode under Linux"),
    ("cbo.clean", "QEMU's user mode does not enable it, Linux 6.13 does"),
    ("cbo.flush", "QEMU's user mode does not enable it, Linux 6.13 does"),
];

/// Whether a row belongs to one of the families of extensions: only they bring it.
fn is_of(row: &Row, families: &[&str]) -> bool {
    row.needs.extensions().iter().all(|e| families.iter().any(|family| e.name().starts_with(family)))
}

const BIT_MANIPULATION: &[&str] = &["zba", "zbb", "zbc", "zbk", "zbs"];
const CRYPTO: &[&str] = &["zkn", "zks"];

const CLASSES: &[(&str, Wanted)] = &[
    ("integer", |r| {
        r.len == 4 && !is_float(r) && !is_atomic(r) && !is_of(r, BIT_MANIPULATION) && !is_of(r, CRYPTO)
    }),
    ("compressed", |r| r.len == 2),
    ("atomic", |r| is_atomic(r)),
    ("float", |r| is_float(r) && !accesses_memory(r)),
    ("bit_manipulation", |r| is_of(r, BIT_MANIPULATION)),
    ("crypto", |r| is_of(r, CRYPTO)),
    ("memory", |r| accesses_memory(r) && !is_atomic(r)),
    ("all", |_| true),
];

/// The sides that are compared with QEMU, and to how many programs each.
const SIDES: &[(&[&str], usize)] = &[
    (&["--tier", "0"], 1),
    (&["--tier", "1"], 1),
    (&["--tier", "1", "--passes", "none"], 16),
    (&["--tier", "1", "--host-without", "sse4.1"], 16),
];

fn run(mut command: Command, path: &Path) -> Result<Vec<u8>, String> {
    let output = command.arg(path).stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(format!("{:?} {}", output.status, String::from_utf8_lossy(&output.stderr))),
    }
}

fn qemu(path: &Path) -> Result<Vec<u8>, String> {
    let mut command = common::qemu();
    command.args(["-cpu", "max"]);
    run(command, path)
}

fn mynah(options: &[&str], path: &Path) -> Result<Vec<u8>, String> {
    let mut command = common::mynah();
    command.env("MYNAH_CACHE", "off").args(options);
    run(command, path)
}

/// Writes a program. Processes that run the suite at the same time do not share files.
fn write(name: &str, blocks: &[Block], dump: bool) -> PathBuf {
    let path = build_folder("streams").join(format!("{name}-{}", std::process::id()));
    fs::write(&path, program(blocks, dump)).expect("the program can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    path
}

/// The first block whose record differs.
fn first_difference(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len())) / RECORD
}

/// Whether the block alone still differs between QEMU and the side.
fn differs(name: &str, block: &Block, side: &[&str]) -> bool {
    let path = write(name, std::slice::from_ref(block), false);
    qemu(&path).is_ok_and(|expected| mynah(side, &path) != Ok(expected))
}

/// Drops every instruction, clears every register and the memory that the difference does not need.
fn shrink(name: &str, block: &Block, side: &[&str]) -> Block {
    let mut small = block.clone();
    let keep = |small: &mut Block, change: &dyn Fn(&mut Block)| {
        let mut less = small.clone();
        change(&mut less);
        let kept = differs(name, &less, side);
        if kept {
            *small = less;
        }
        kept
    };
    let mut i = 0;
    while i < small.words.len() {
        if !keep(&mut small, &|b| _ = b.words.remove(i)) {
            i += 1;
        }
    }
    keep(&mut small, &|b| b.fill = 0);
    keep(&mut small, &|b| b.fcsr &= !31);
    keep(&mut small, &|b| b.fcsr &= 31);
    for n in 0..32 {
        keep(&mut small, &|b| b.f[n] = 0);
        if !POINTERS.contains(&(n as u8)) {
            keep(&mut small, &|b| b.x[n] = 0);
        }
    }
    small
}

/// The block as a row, with what QEMU and the side make of it.
fn describe(name: &str, block: &Block, side: &[&str], cpu: &Cpu) -> String {
    let path = write(name, std::slice::from_ref(block), true);
    match (qemu(&path), mynah(side, &path)) {
        (Ok(theirs), Ok(ours)) => {
            let (theirs, ours) = (row::changes(block, &theirs), row::changes(block, &ours));
            let row = row::line(&block.words, &row::before(block, cpu), &theirs, cpu);
            format!("{row}\n  QEMU  {theirs:x?}\n  Mynah {ours:x?}")
        }
        (theirs, ours) => {
            let row = row::line(&block.words, &row::before(block, cpu), &Default::default(), cpu);
            format!("{row}\n  QEMU {:?}, Mynah {:?}", theirs.err(), ours.err())
        }
    }
}

/// Names the instructions that QEMU does not take.
fn refused(class: &str, blocks: &[Block], error: &str, cpu: &Cpu) -> String {
    let mut culprits = Vec::new();
    for word in blocks.iter().flat_map(|b| &b.words) {
        let alone = Block { words: vec![*word], ..blocks[0].clone() };
        if qemu(&write(class, &[alone], false)).is_err() {
            culprits.extend(decode(*word, CODE, cpu).map(|insn| text(&insn)));
        }
    }
    format!("QEMU: {error}, at {culprits:?}")
}

/// The rows of a class for one program.
fn rows(wanted: Wanted, r: &mut Random) -> Vec<&'static Row> {
    // Whether `sc` succeeds on a reservation of another width is left open by the manual: one width for a program.
    let other = r.pick(&[".w", ".d"]);
    let reserves = |row: &Row| row.name.starts_with("lr") || row.name.starts_with("sc");
    let comparable = |row: &Row| {
        !(reserves(row) && row.name.ends_with(other)) && EXCLUDED.iter().all(|(name, _)| *name != row.name)
    };
    ROWS.iter().filter(|row| row.class.decodes() && wanted(row) && comparable(row)).collect()
}

/// Runs one program everywhere.
fn compare(class: &str, blocks: &[Block], sides: &[&[&str]], cpu: &Cpu) -> Result<(), String> {
    let path = write(class, blocks, false);
    let expected = qemu(&path).map_err(|e| refused(class, blocks, &e, cpu))?;
    for side in sides {
        let got = mynah(side, &path);
        let at = match &got {
            Ok(got) if *got == expected => continue,
            Ok(got) => first_difference(got, &expected).min(blocks.len() - 1),
            Err(_) => blocks.iter().position(|b| differs(class, b, side)).unwrap_or(0),
        };
        let small = shrink(class, &blocks[at], side);
        return Err(format!("{side:?}, block {at} of its program:\n{}", describe(class, &small, side, cpu)));
    }
    Ok(())
}

fn check(class: &str, wanted: Wanted, seed: u64, count: usize) -> Result<(), Failed> {
    let cpu = Cpu::default();
    let mut r = Random(seed);
    let mut done = 0;
    for batch in 0.. {
        if done >= count {
            break;
        }
        let rows = rows(wanted, &mut r);
        let blocks: Vec<Block> = (0..BATCH.min(count - done)).map(|_| block(&mut r, &rows, &cpu)).collect();
        let sides: Vec<&[&str]> = SIDES.iter().filter(|(_, each)| batch % each == 0).map(|(side, _)| *side).collect();
        compare(class, &blocks, &sides, &cpu).map_err(|why| format!("seed {seed}, {class}, program {batch}, {why}"))?;
        done += blocks.len();
    }
    let _ = fs::remove_file(write(class, &[], false));
    Ok(())
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn main() {
    let (seed, count) = (variable("MYNAH_SEED", 20_261_125), variable("MYNAH_BLOCKS", 3000) as usize);
    println!("seed {seed}, {count} blocks of each class");
    let trials = CLASSES.iter().enumerate().map(|(i, (class, wanted))| {
        Trial::test(*class, move || check(class, *wanted, seed.wrapping_add(i as u64 * 7919), count))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}
