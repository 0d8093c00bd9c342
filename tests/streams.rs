//! Random instruction streams: the same static program of random blocks runs under QEMU and under Mynah with each tier, and
//! every register, `fcsr` and the memory that was touched must be equal after each block.
//!
//! A difference is shrunk to the instructions that it needs and printed. `MYNAH_SEED` chooses another seed,
//! `MYNAH_BLOCKS` the number of blocks for each class of instructions.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::stream::{Block, CODE, RECORD, Random, SCRATCH, block, is_atomic, is_float, program};
use libtest_mimic::{Arguments, Failed, Trial};
use mynah_frontend::riscv64::{Cpu, ROWS, Row, decode, text};

/// Blocks in one program.
const BATCH: usize = 200;

/// Which rows a class draws from.
type Wanted = fn(&Row) -> bool;

/// Rows that cannot be compared with QEMU 10.0, and why.
const EXCLUDED: &[(&str, &str)] = &[
    // QEMU takes an operand that is not boxed for the half-precision NaN 0x7e00 instead of the bfloat16 NaN 0x7fc0
    // (RISC-V BF16 extensions, Zfbfmin: "treated as if it were the canonical NaN").
    ("fcvt.s.bf16", "QEMU's own difference"),
    // QEMU drops the instruction, and with it the flags, when its result is overwritten unread.
    ("froundnx.s", "QEMU's own difference"),
    ("froundnx.d", "QEMU's own difference"),
    ("froundnx.h", "QEMU's own difference"),
    ("cbo.inval", "illegal in user mode under Linux"),
    ("cbo.clean", "QEMU's user mode does not enable it, Linux 6.13 does"),
    ("cbo.flush", "QEMU's user mode does not enable it, Linux 6.13 does"),
];

const CLASSES: &[(&str, Wanted)] = &[
    ("integer", |r| r.len == 4 && !is_float(r) && !is_atomic(r)),
    ("compressed", |r| r.len == 2),
    ("atomic", |r| is_atomic(r)),
    ("float", is_float),
    ("all", |_| true),
];

/// The sides that are compared with QEMU.
const SIDES: &[&[&str]] = &[&["--tier", "0"], &["--tier", "1"]];

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
    command.args(options);
    run(command, path)
}

fn write(name: &str, blocks: &[Block]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("streams");
    fs::create_dir_all(&folder).expect("the folder can be made");
    let path = folder.join(name);
    let mut scratch = [0; SCRATCH];
    for (i, byte) in scratch.iter_mut().enumerate() {
        *byte = (i * 37 + i / 256) as u8;
    }
    fs::write(&path, program(blocks, &scratch)).expect("the program can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    path
}

/// The first block whose output differs; the number of blocks if only memory does.
fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    if a.len() != b.len() {
        return Some(0);
    }
    a.iter().zip(b).position(|(a, b)| a != b).map(|at| at / RECORD)
}

/// Whether the block alone still differs between QEMU and the side.
fn differs(name: &str, block: &Block, side: &[&str]) -> bool {
    let path = write(name, std::slice::from_ref(block));
    qemu(&path).is_ok_and(|expected| mynah(side, &path) != Ok(expected))
}

/// Drops every instruction that the difference does not need.
fn shrink(name: &str, block: &Block, side: &[&str]) -> Block {
    let mut small = block.clone();
    let mut i = 0;
    while i < small.words.len() {
        let mut fewer = small.clone();
        fewer.words.remove(i);
        if differs(name, &fewer, side) { small = fewer } else { i += 1 }
    }
    small
}

fn describe(name: &str, block: &Block, side: &[&str], cpu: &Cpu) -> String {
    let path = write(name, std::slice::from_ref(block));
    let mut out = String::new();
    for word in &block.words {
        let line = decode(*word, CODE, cpu).map(|insn| {
            let used = format!(
                "rd={} x[rs1]={:#x} x[rs2]={:#x} f[rs1]={:#x} f[rs2]={:#x} f[rs3]={:#x}",
                insn.rd,
                block.x[insn.rs1 as usize],
                block.x[insn.rs2 as usize],
                block.f[insn.rs1 as usize],
                block.f[insn.rs2 as usize],
                block.f[insn.rs3 as usize]
            );
            format!("  {word:08x}  {}   ; {used}\n", text(&insn))
        });
        out += &line.unwrap_or_default();
    }
    out += &format!("  fcsr before: {:#x}\n", block.fcsr);
    match (qemu(&path), mynah(side, &path)) {
        (Ok(a), Ok(b)) => {
            for at in (0..a.len().min(b.len())).step_by(8).filter(|at| a[*at..at + 8] != b[*at..at + 8]) {
                let value = |v: &[u8]| u64::from_le_bytes(v[at..at + 8].try_into().expect("eight bytes"));
                let place = match at {
                    0..256 => format!("x{}", at / 8),
                    256..512 => format!("f{}", (at - 256) / 8),
                    512..1024 => "fcsr".to_owned(),
                    _ => format!("memory {:#x}", at - RECORD),
                };
                out += &format!("  {place}: QEMU {:#x}, Mynah {:#x}\n", value(&a), value(&b));
            }
        }
        (a, b) => out += &format!("  QEMU {:?}, Mynah {:?}\n", a.err(), b.err()),
    }
    out
}

/// Names the instructions that QEMU does not take.
fn refused(class: &str, blocks: &[Block], error: &str, cpu: &Cpu) -> String {
    let mut culprits = Vec::new();
    for word in blocks.iter().flat_map(|b| &b.words) {
        let alone = Block { words: vec![*word], ..blocks[0].clone() };
        if qemu(&write(class, &[alone])).is_err() {
            culprits.extend(decode(*word, CODE, cpu).map(|insn| text(&insn)));
        }
    }
    format!("QEMU: {error}, at {culprits:?}")
}

fn check(class: &str, wanted: Wanted, seed: u64, count: usize) -> Result<(), Failed> {
    let cpu = Cpu::default();
    let mut r = Random(seed);
    let mut done = 0;
    while done < count {
        // Whether `sc` succeeds on a reservation of another width is left open by the manual: one width for a program.
        let other = r.pick(&[".w", ".d"]);
        let reserves = |row: &Row| row.name.starts_with("lr") || row.name.starts_with("sc");
        let comparable = |row: &Row| {
            !(reserves(row) && row.name.ends_with(other)) && EXCLUDED.iter().all(|(name, _)| *name != row.name)
        };
        let rows: Vec<&'static Row> = ROWS.iter().filter(|r| r.class.decodes() && wanted(r) && comparable(r)).collect();
        let blocks: Vec<Block> = (0..BATCH.min(count - done)).map(|_| block(&mut r, &rows, &cpu)).collect();
        let path = write(class, &blocks);
        let expected = qemu(&path).map_err(|e| refused(class, &blocks, &e, &cpu))?;
        for side in SIDES {
            let got = mynah(side, &path);
            let at = match &got {
                Ok(got) if *got == expected => continue,
                Ok(got) => first_difference(got, &expected).unwrap_or(0).min(blocks.len() - 1),
                Err(_) => blocks.iter().position(|b| differs(class, b, side)).unwrap_or(0),
            };
            let small = shrink(class, &blocks[at], side);
            let what = describe(class, &small, side, &cpu);
            return Err(format!("seed {seed}, {class}, {side:?}, block {} of {count}:\n{what}", done + at).into());
        }
        done += blocks.len();
    }
    Ok(())
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn main() {
    let (seed, count) = (variable("MYNAH_SEED", 20_261_125), variable("MYNAH_BLOCKS", 2000) as usize);
    println!("seed {seed}, {count} blocks of each class");
    let trials = CLASSES.iter().enumerate().map(|(i, (class, wanted))| {
        Trial::test(*class, move || check(class, *wanted, seed.wrapping_add(i as u64 * 7919), count))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}
