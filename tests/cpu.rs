//! What a choice of CPU hides: instructions that are off are illegal in every tier, and nobody is told of them. Every model,
//! and every extension switched off alone.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;

use common::program::program;
use common::stream::{Block, Random, block, candidate};
use common::{build_folder, root, run};
use libtest_mimic::{Arguments, Failed, Trial};
use mynah_frontend::riscv64::{Class, Cpu, Extension, ROWS};

/// Extensions that the program around the instructions is made of.
const BASE: [&str; 7] = ["i", "m", "f", "d", "zicsr", "zalrsc", "zifencei"];

/// Bits of `riscv_hwprobe`'s key IMA_EXT_0, with the extensions that all must be there (Linux,
/// `arch/riscv/include/uapi/asm/hwprobe.h`).
const HWPROBE: &[(u32, &[&str])] = &[
    (0, &["f", "d"]),
    (1, &["zca", "zcd"]),
    (3, &["zba"]),
    (4, &["zbb"]),
    (5, &["zbs"]),
    (6, &["zicboz"]),
    (7, &["zbc"]),
    (8, &["zbkb"]),
    (9, &["zbkc"]),
    (10, &["zbkx"]),
    (11, &["zknd"]),
    (12, &["zkne"]),
    (13, &["zknh"]),
    (14, &["zksed"]),
    (15, &["zksh"]),
    (27, &["zfh"]),
    (28, &["zfhmin"]),
    (29, &["zihintntl"]),
    (32, &["zfa"]),
    (34, &["zacas"]),
    (35, &["zicond"]),
    (36, &["zihintpause"]),
    (42, &["zimop"]),
    (43, &["zca"]),
    (44, &["zcb"]),
    (45, &["zcd"]),
    (47, &["zcmop"]),
    (48, &["zawrs"]),
    (50, &["zicntr"]),
    (51, &["zihpm"]),
    (52, &["zfbfmin"]),
    (55, &["zicbom"]),
    (56, &["zaamo"]),
    (57, &["zalrsc"]),
    (58, &["zabha"]),
];

fn mynah(cpu: &str) -> Command {
    let mut command = common::mynah();
    command.env("MYNAH_CACHE", "off").args(["--cpu", cpu]);
    command
}

fn write(name: &str, blocks: &[Block]) -> PathBuf {
    let path = build_folder("cpu").join(name);
    fs::write(&path, program(blocks, false)).expect("the program can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    path
}

/// A block of one instruction for each row that can stand in line, with the row's number.
fn samples() -> Vec<(u16, Block)> {
    let (cpu, mut r) = (Cpu::default(), Random(7));
    let in_line = |row: &&(usize, &mynah_frontend::riscv64::Row)| {
        row.1.class.decodes() && row.1.class != Class::EndsBlock && row.1.name != "cbo.inval" && row.1.class != Class::Csr
    };
    let rows: Vec<_> = ROWS.iter().enumerate().collect();
    let sample = |(op, row): &(usize, &'static mynah_frontend::riscv64::Row)| {
        let word = candidate(&mut r, row, &cpu, 20_000);
        let mut block = block(&mut r, &[], &cpu);
        block.words = vec![word];
        block.fcsr = 0;
        (*op as u16, block)
    };
    rows.iter().filter(in_line).map(sample).collect()
}

/// Runs the instructions that the CPU has in one program, and each that it has not in one of its own, if `about` says so.
fn check_instructions(name: &str, about: impl Fn(u16) -> bool) -> Result<(), String> {
    let cpu = Cpu::parse(name)?;
    let (has, lacks): (Vec<_>, Vec<_>) = samples().into_iter().filter(|s| about(s.0)).partition(|s| cpu.has_row(s.0));
    let file = name.replace([',', '='], "-");
    let legal: Vec<Block> = has.into_iter().map(|s| s.1).collect();
    for tier in ["0", "1"] {
        let status = |blocks: &[Block]| {
            let mut command = mynah(name);
            command.args(["--tier", tier]).arg(write(&file, blocks));
            run(command, b"").map(|outcome| outcome.status)
        };
        let ended = status(&legal)?;
        if !legal.is_empty() && !ended.success() {
            return Err(format!("tier {tier}: instructions of the CPU end with {ended:?}"));
        }
        for (op, block) in &lacks {
            let ended = status(std::slice::from_ref(block))?;
            if ended.signal() != Some(4) {
                return Err(format!("tier {tier}: {} is off, and ends with {ended:?}", ROWS[*op as usize].name));
            }
        }
    }
    Ok(())
}

/// Compares what the guest is told with what the CPU has.
fn check_told(name: &str) -> Result<(), String> {
    let cpu = Cpu::parse(name)?;
    let has = |name: &str| Extension::ALL.iter().any(|e| e.name() == name && cpu.has(*e));
    let mut command = mynah(name);
    command.arg(build_folder("cpu").join("tell"));
    let told = String::from_utf8_lossy(&run(command, b"")?.stdout).into_owned();
    let (numbers, isa) = told.split_once('\n').ok_or("the program says nothing")?;
    let numbers: Vec<u64> = numbers.split(' ').filter_map(|n| u64::from_str_radix(n, 16).ok()).collect();
    let letters = |letter: char| match letter {
        'a' => has("zaamo") && has("zalrsc"),
        'c' => has("zca") && has("zcd"),
        other => has(&other.to_string()),
    };
    let hwcap: u64 = "imafdcv".chars().filter(|l| letters(*l)).map(|l| 1 << (l as u32 - 'a' as u32)).sum();
    let probe: u64 = HWPROBE.iter().filter(|(_, all)| all.iter().all(|e| has(e))).map(|(bit, _)| 1 << bit).sum();
    if numbers != [hwcap, 0, probe] {
        return Err(format!("told {numbers:x?} instead of {hwcap:x} 0 {probe:x}"));
    }
    let isa: BTreeSet<&str> = isa.trim_end().split('_').skip(1).collect();
    let want: BTreeSet<&str> =
        Extension::ALL.iter().filter(|e| cpu.has(**e)).map(|e| e.name()).filter(|name| name.len() > 1).collect();
    if isa != want { Err(format!("/proc/cpuinfo says {isa:?} instead of {want:?}")) } else { Ok(()) }
}

fn build_tell() -> Result<(), String> {
    let mut command = Command::new("riscv64-linux-gnu-gcc");
    command.args(["-static", "-O2", "-D_GNU_SOURCE", "-o"]).arg(build_folder("cpu").join("tell"));
    command.arg(root().join("tests/cpu/tell.c"));
    let built = run(command, b"")?;
    if built.status.success() { Ok(()) } else { Err(common::excerpt(&built.stderr)) }
}

fn main() {
    build_tell().expect("the guest program builds");
    let full = Cpu::default();
    let mut trials = Vec::new();
    for (model, _) in Cpu::models() {
        trials.push(Trial::test(format!("{model}/instructions"), move || {
            check_instructions(model, |_| true).map_err(Failed::from)
        }));
        trials.push(Trial::test(format!("{model}/told"), move || check_told(model).map_err(Failed::from)));
    }
    for extension in full.extensions().iter().map(Extension::name).filter(|name| !BASE.contains(name)) {
        let name = format!("max,{extension}=off");
        let less = Cpu::parse(&name).expect("an extension that can be off");
        let told = name.clone();
        trials.push(Trial::test(format!("{name}/instructions"), move || {
            check_instructions(&name, |op| !less.has_row(op)).map_err(Failed::from)
        }));
        // The C library of the program that tells is compressed and atomic.
        if !["zca", "zcd", "zaamo"].contains(&extension) {
            trials.push(Trial::test(format!("{told}/told"), move || check_told(&told).map_err(Failed::from)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
