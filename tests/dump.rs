//! `mynah dump`: every stage of a block's translation, on programs that are built here so that their code is known.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use mynah_ir::parser::parse_region_with;
use mynah_ir::{Region, Terminal};

/// A loop over memory, with addresses that the linker cannot change and without compressed instructions.
const SOURCE: &str = "
    .globl _start
    .option norvc
    .option norelax
_start:
    blez a1, done
    li a0, 0
loop:
    ld a4, 0(a5)
    add a0, a0, a4
    addi a5, a5, 8
    bne a5, a3, loop
done:
    li a7, 93
    ecall
    .globl odd
odd:
    .word 0xffffffff
";

const GUEST: &str = "\
0x20000 <_start>:
  0x20000: 00b05c63  blez a1, 0x18
  ; goes on at 0x20018 <done>, else at 0x20004
0x20004 <_start+0x4>:
  0x20004: 00000513  li a0, 0
  0x20008: 0007b703  ld a4, 0(a5)
  0x2000c: 00e50533  add a0, a0, a4
  0x20010: 00878793  addi a5, a5, 8
  0x20014: fed79ae3  bne a5, a3, -0xc
  ; goes on at 0x20008 <loop>, else at 0x20018
";

/// Assembles and links [`SOURCE`], with more flags; gives the program.
fn build(name: &str, flags: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (folder.join(format!("{name}.s")), folder.join(name));
    fs::write(&source, SOURCE).expect("the source can be written");
    let mut compiler = Command::new("riscv64-linux-gnu-gcc");
    compiler.args(["-nostdlib", "-Wl,--build-id=none"]).args(flags).arg("-o").arg(&program).arg(&source);
    assert!(compiler.status().expect("the cross compiler is installed (scripts/install-deps)").success());
    program
}

/// The program at fixed addresses.
fn program(name: &str) -> PathBuf {
    build(name, &["-static", "-Wl,-Ttext=0x20000"])
}

fn run(arguments: &[&str], program: &Path) -> Output {
    common::mynah().arg("dump").args(arguments).arg(program).stdin(Stdio::null()).output().expect("mynah starts")
}

/// What a dump that succeeds prints.
fn dump(arguments: &[&str], program: &Path) -> String {
    let output = run(arguments, program);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("dumps are UTF-8")
}

/// The message of a dump that fails with `status`.
fn refusal(arguments: &[&str], program: &Path, status: i32) -> String {
    let output = run(arguments, program);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    String::from_utf8(output.stderr).expect("messages are UTF-8").trim_end().to_owned()
}

/// Reads IR back from a dump.
fn region(text: &str) -> Region {
    let names: Vec<&str> =
        mynah_frontend::riscv64::X_NAMES.iter().chain(&mynah_frontend::riscv64::F_NAMES).copied().collect();
    parse_region_with(text, &names).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

#[test]
fn guest_instructions_with_encodings_and_ways_on() {
    let program = program("dump-guest");
    assert_eq!(dump(&["--blocks", "2"], &program), GUEST);
    assert_eq!(dump(&["--stage", "guest", "--pc", "0x20000", "--blocks", "2"], &program), GUEST);
    assert_eq!(dump(&["--stage", "guest", "--symbol", "_start", "--blocks", "2"], &program), GUEST);
    let done = "0x20018 <done>:\n  0x20018: 05d00893  li a7, 0x5d\n  0x2001c: 00000073  ecall\n  \
                ; calls the kernel, then goes on at 0x20020\n";
    assert_eq!(dump(&["--symbol", "done"], &program), done);
    let odd = "0x20020 <odd>:\n  0x20020: ffffffff  not an instruction of this CPU\n  ; traps: Illegal\n";
    assert_eq!(dump(&["--symbol", "odd"], &program), odd);
}

#[test]
fn ir_can_be_read_back_and_passes_shorten_it() {
    let program = program("dump-ir");
    let lifted = dump(&["--stage", "ir", "--symbol", "loop"], &program);
    assert!(lifted.contains("@0x20008 +4      ; ld a4, 0(a5)\n"), "{lifted}");
    let block = &region(&lifted).blocks[0];
    assert_eq!((block.pc, block.end, block.marks.len()), (0x20008, 0x20018, 4));
    assert!(matches!(block.terminal, Terminal::Branch { taken: 0x20008, not_taken: 0x20018, .. }));

    let optimised = dump(&["--stage", "opt", "--symbol", "loop"], &program);
    assert!(region(&optimised).blocks[0].insts.len() < block.insts.len(), "{optimised}");
    assert_eq!(dump(&["--stage", "opt", "--passes", "none", "--symbol", "loop"], &program), lifted);
}

#[test]
fn cranelifts_ir_is_one_function() {
    let clif = dump(&["--stage", "clif", "--symbol", "loop"], &program("dump-clif"));
    assert_eq!(clif.matches("function ").count(), 1, "{clif}");
    for part in ["iadd", "load.i64", "brif"] {
        assert!(clif.contains(part), "no {part} in:\n{clif}");
    }
}

#[test]
fn host_code_stands_beside_the_guest_instruction_it_belongs_to() {
    let host = dump(&["--stage", "host", "--blocks", "9"], &program("dump-host"));
    let rows: Vec<(&str, &str)> = host.lines().filter_map(|line| line.split_once(" | ")).collect();
    // Every host byte is there: each offset follows the one before, from 0.
    let offset = |row: &(&str, &str)| {
        let (digits, _) = row.1.split_once(':').unwrap_or_else(|| panic!("no offset in '{}'", row.1));
        u32::from_str_radix(digits.trim(), 16).expect("the offset is hexadecimal")
    };
    let offsets: Vec<u32> = rows.iter().map(offset).collect();
    assert!(offsets[0] == 0 && offsets.is_sorted() && rows.len() > 20, "{host}");

    let guests: BTreeSet<&str> = rows.iter().map(|row| row.0.trim()).filter(|guest| !guest.is_empty()).collect();
    let known = dump(&["--blocks", "9"], &program("dump-host-guest"));
    let known: BTreeSet<&str> =
        known.lines().filter_map(|line| line.trim().split_once(": ")).map(|(pc, _)| pc).collect();
    for guest in &guests {
        let (pc, _) = guest.split_once(": ").unwrap_or_else(|| panic!("'{guest}' names no instruction"));
        assert!(known.contains(pc), "'{guest}' is no instruction of the region:\n{host}");
    }
    // The frame belongs to no instruction; the load is there, and it loads.
    assert!(rows[0].0.trim().is_empty() && rows[0].1.contains("push rbp"), "{host}");
    let load = rows.iter().skip_while(|row| !row.0.starts_with("0x20008: ld a4, 0(a5)"));
    let mut load = load.take_while(|row| row.0.trim().is_empty() || row.0.starts_with("0x20008"));
    assert!(load.any(|row| row.1.contains("mov r") && row.1.contains("qword ptr [r")), "{host}");
}

#[test]
fn all_stages_in_order() {
    let program = program("dump-all");
    let all = dump(&["--stage", "all"], &program);
    let mut expected = String::new();
    for stage in ["guest", "ir", "opt", "clif", "host"] {
        expected += &format!("---- {stage} ----\n{}\n", dump(&["--stage", stage], &program));
    }
    assert_eq!(all, expected);
}

#[test]
fn a_program_that_can_be_moved_is_addressed_as_its_file_counts() {
    let program = build("dump-moved", &["-static-pie", "-Wl,--no-dynamic-linker,-Ttext=0x1000"]);
    let by_name = dump(&["--symbol", "loop"], &program);
    assert!(by_name.contains(" <loop>: (0x1008 in the file)\n"), "{by_name}");
    assert_eq!(dump(&["--pc", "0x1008"], &program), by_name, "dumps do not depend on chance");
}

#[test]
fn what_cannot_be_dumped() {
    let program = program("dump-wrong");
    let start = |arguments: &[&str], says: &str| {
        let message = refusal(arguments, &program, 2);
        assert!(message.starts_with(&format!("mynah: {says}")), "{arguments:?}: {message}");
    };
    start(&["--symbol", "nowhere"], "the program has no symbol 'nowhere'");
    start(&["--pc", "0x10"], "there is no code at 0x10");
    start(&["--pc", "0x20001"], "0x20001 is odd: no instruction begins there");
    start(&["--stage", "nonsense"], "option '--stage': there is no stage 'nonsense'; there are guest, ir, opt");
    start(&["--blocks", "0"], "option '--blocks': 0 is not between 1 and");
    start(&["--strace"], "unexpected argument '--strace'");

    let stripped = build("dump-stripped", &["-static", "-s"]);
    assert!(refusal(&["--symbol", "loop"], &stripped, 2).contains("stripped"));
    let missing = refusal(&[], Path::new("/nonexistent/program"), 127);
    assert_eq!(missing, "mynah: cannot load '/nonexistent/program': no such file");
}

#[test]
fn help_names_every_stage() {
    let help = dump(&["--help"], Path::new("ignored"));
    for stage in ["guest", "ir", "opt", "clif", "host", "all"] {
        assert!(help.contains(&format!("\n  {stage:<7} ")), "no {stage} in:\n{help}");
    }
}
