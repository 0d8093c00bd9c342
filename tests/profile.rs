//! `mynah profile`: counts against QEMU and between tiers, trees of processes, every form of output, and bad input.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Loops, calls through pointers, a switch, floating point, and a handler for a fault in the middle of a block.
const SOURCE: &str = r#"
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static sigjmp_buf back;
static void on_fault(int signal) { (void)signal; siglongjmp(back, 1); }
__attribute__((noinline)) static int hot(int n) { int s = 0; for (int i = 0; i < n; i++) s += i & 1 ? i : -i / 3; return s; }
__attribute__((noinline)) static int outer(int n) { return hot(n) + 1; }
static int (*volatile functions[2])(int) = {hot, outer};
__attribute__((noinline)) static double series(int n) { double x = 0; for (int i = 1; i <= n; i++) x += 1.0 / i; return x; }
__attribute__((noinline)) static int faults(volatile int *nowhere, int times) {
    volatile int caught = 0;
    signal(SIGSEGV, on_fault);
    for (int i = 0; i < times; i++) {
        if (sigsetjmp(back, 1)) { caught++; continue; }
        caught += *nowhere * 3 + 1;
    }
    return caught;
}
int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 100, s = 0;
    for (int i = 0; i < n; i++) s += functions[i % 2](i);
    if (argc > 2) s += faults(0, n);
    printf("%d %.6f\n", s, series(n));
    return 0;
}
"#;

fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("profile-{name}"))
}

/// Builds [`SOURCE`], with debug information.
fn program(name: &str) -> PathBuf {
    let (source, program) = (temporary(&format!("{name}.c")), temporary(name));
    fs::write(&source, SOURCE).expect("the source can be written");
    let mut compiler = Command::new("riscv64-linux-gnu-gcc");
    compiler.args(["-static", "-O2", "-g", "-o"]).arg(&program).arg(&source);
    assert!(compiler.status().expect("the cross compiler is installed (scripts/install-deps)").success());
    program
}

fn output(mut command: Command) -> Output {
    command.stdin(Stdio::null()).output().expect("mynah starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a command that must succeed; gives its standard output.
fn succeed(command: Command) -> String {
    let shown = format!("{command:?}");
    let output = output(command);
    assert!(output.status.success(), "{shown}: {:?}: {}", output.status, text(&output.stderr));
    text(&output.stdout)
}

fn mynah(arguments: &[&str]) -> Command {
    let mut command = common::mynah();
    command.args(arguments);
    command
}

/// The report of a run with exact counts.
fn counted(name: &str, options: &[&str], program: &Path, arguments: &[&str]) -> Value {
    let file = temporary(&format!("{name}.json"));
    let mut command = mynah(&["profile", "--counts", "--seed", "1", "--output"]);
    command.arg(format!("json={}", file.display())).args(options).arg(program).args(arguments);
    succeed(command);
    serde_json::from_slice(&fs::read(file).expect("the report was written")).expect("the report is JSON")
}

/// How often the instruction at each guest address was executed. Valid for programs at fixed addresses.
fn by_instruction(report: &Value) -> BTreeMap<u64, u64> {
    let mut counts = BTreeMap::new();
    for block in report["blocks"].as_array().expect("a list of blocks") {
        assert_eq!(block["aborted"], 0, "only for programs without faults");
        let digits = block["code"].as_str().expect("code");
        let byte = |at: usize| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).expect("hexadecimal");
        let (mut at, start) = (0, block["guest"].as_u64().expect("an address"));
        while at < digits.len() / 2 {
            *counts.entry(start + at as u64).or_insert(0) += block["executions"].as_u64().expect("a count");
            at += if byte(at) & 3 == 3 { 4 } else { 2 };
        }
    }
    counts
}

/// The same from QEMU's log of blocks of one instruction each.
fn by_qemu(name: &str, program: &Path, arguments: &[&str]) -> BTreeMap<u64, u64> {
    let log = temporary(&format!("{name}.log"));
    let mut command = common::qemu();
    command.args(["-one-insn-per-tb", "-d", "exec,nochain", "-D"]).arg(&log).arg(program).args(arguments);
    succeed(command);
    let mut counts = BTreeMap::new();
    for line in text(&fs::read(log).expect("QEMU wrote its log")).lines().filter(|line| line.starts_with("Trace ")) {
        let pc = line.split('/').nth(1).and_then(|pc| u64::from_str_radix(pc, 16).ok());
        *counts.entry(pc.unwrap_or_else(|| panic!("no pc in '{line}'"))).or_insert(0) += 1;
    }
    counts
}

#[test]
fn counts_are_those_of_qemu_for_every_instruction() {
    // No libc: its start-up looks at addresses and random bytes.
    let hello = common::root().join("examples/hello");
    let ours = by_instruction(&counted("hello", &[], &hello, &[]));
    assert_eq!(ours, by_qemu("hello", &hello, &[]));
    let source = temporary("spin.s");
    let code = "
        .globl _start
        _start: li s0, 30000
        1:  andi t0, s0, 3
            la t1, table
            slli t0, t0, 3
            add t1, t1, t0
            ld t1, 0(t1)
            jalr t1
            addi s0, s0, -1
            bnez s0, 1b
            li a0, 0
            li a7, 93
            ecall
        f:  addi sp, sp, -16
            sd ra, 8(sp)
            call g
            ld ra, 8(sp)
            addi sp, sp, 16
            ret
        g:  frflags t2
            amoadd.d zero, s0, (sp)
            ret
            .data
            .balign 8
        table: .dword f, g, f, f
    ";
    fs::write(&source, code).expect("the source can be written");
    let spin = temporary("spin");
    let mut compiler = Command::new("riscv64-linux-gnu-gcc");
    compiler.args(["-nostdlib", "-static", "-o"]).arg(&spin).arg(&source);
    assert!(compiler.status().expect("the cross compiler is installed (scripts/install-deps)").success());
    let qemu = by_qemu("spin", &spin, &[]);
    assert!(qemu.values().sum::<u64>() > 400_000);
    for tier in ["0", "1", "both"] {
        assert_eq!(by_instruction(&counted("spin", &["--tier", tier, "--threshold", "50"], &spin, &[])), qemu, "tier {tier}");
    }
}

/// What was executed, without what depends on the tier.
fn executions(report: &Value) -> Vec<(String, u64, u64, u64, u64)> {
    let number = |block: &Value, name: &str| block[name].as_u64().expect("a number");
    let row = |block: &Value| {
        let code = block["code"].as_str().expect("code").to_owned();
        let [at, n, taken, aborted] = ["guest", "executions", "taken", "aborted"].map(|name| number(block, name));
        (code, at, n, taken, aborted)
    };
    let mut rows: Vec<_> = report["blocks"].as_array().expect("a list of blocks").iter().map(row).collect();
    rows.sort();
    rows
}

#[test]
fn counts_are_the_same_in_every_tier() {
    let program = program("tiers");
    let run = |name: &str, options: &[&str]| counted(name, options, &program, &["4000", "faults"]);
    let tier0 = run("tier0", &["--tier", "0"]);
    let total = tier0["totals"]["instructions"].as_u64().expect("a sum");
    assert!(total > 50_000_000, "{total}");
    let aborted: u64 = executions(&tier0).iter().map(|row| row.4).sum();
    assert!(aborted >= 4000, "{aborted} blocks ended with a fault");
    for (name, options) in [("tier1", &["--tier", "1"][..]), ("both", &[]), ("early", &["--threshold", "20"])] {
        let other = run(name, options);
        assert_eq!(other["totals"]["instructions"], total, "{name}");
        assert_eq!(executions(&other), executions(&tier0), "{name}");
        assert!(other["translations"].as_array().is_some_and(|list| !list.is_empty()), "{name} compiled nothing");
    }
}

#[test]
fn functions_have_names_lines_and_counts() {
    let program = program("names");
    let report = counted("names", &[], &program, &["1000"]);
    let functions = report["functions"].as_array().expect("a list of functions");
    let find = |name: &str| functions.iter().find(|f| f["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    // 500 calls from main, and one from each of 500 calls of outer.
    assert_eq!((&find("hot")["calls"], &find("outer")["calls"]), (&1000.into(), &500.into()));
    assert_eq!(functions[0]["name"], "hot", "the heaviest is first");
    assert!(find("hot")["file"].as_str().is_some_and(|file| file.ends_with(".c")) && find("hot")["line"] != 0);
    let sum = |rows: &Value| -> u64 { rows.as_array().expect("rows").iter().filter_map(|row| row[1].as_u64()).sum() };
    let total = report["totals"]["instructions"].as_u64().expect("a sum");
    assert_eq!((sum(&report["classes"]), sum(&report["mnemonics"])), (total, total));
}

#[test]
fn the_whole_tree_is_watched() {
    let busybox = common::fetched("riscv64/usr/bin/busybox");
    let script = "(i=0; while [ $i -lt 50 ]; do i=$((i+1)); done) & $0 true; $0 sh -c 'exit 3'; wait";
    let report = counted("tree", &[], &busybox, &["sh", "-c", script, busybox.to_str().expect("a plain path")]);
    let programs = report["programs"].as_array().expect("a list of programs");
    let sum: u64 = programs.iter().filter_map(|program| program["instructions"].as_u64()).sum();
    assert_eq!(report["totals"]["instructions"], sum);
    // The shell, the child that it forks for the loop, and the two programs that it executes.
    assert!(programs.len() >= 4 && programs.iter().any(|program| program["parent"] != 0), "{programs:?}");
    assert!(programs.iter().all(|program| program["end_ns"] != 0), "{programs:?}");
    assert_eq!(report["missing"], Value::Array(Vec::new()));
    assert!(report["system_calls"].as_array().expect("calls").iter().any(|call| call["name"] == "execve"));
}

#[test]
fn samples_find_the_hot_function_and_its_callers() {
    let program = program("samples");
    let mut command = mynah(&["profile", "--output", "folded=-"]);
    command.arg(&program).arg("60000");
    let folded = succeed(command);
    let (mut hot, mut all) = (0, 0);
    for line in folded.lines().filter(|line| !line.ends_with(char::is_alphabetic)) {
        let Some((stack, count)) = line.rsplit_once(' ') else { continue };
        let Ok(count) = count.parse::<u64>() else { continue };
        all += count;
        if stack.contains("main") && stack.split(';').next_back() == Some("hot") {
            hot += count;
        }
    }
    assert!(all > 50 && hot * 10 > all * 8, "{hot} of {all} samples in hot below main:\n{folded}");
}

#[test]
fn a_guest_that_waits_and_handles_signals_is_not_disturbed_by_samples() {
    // Programs that ask what the kernel answers when signals interrupt calls.
    for name in ["interrupted", "polling", "futexes"] {
        let source = common::root().join(format!("tests/guest/syscall/{name}.c"));
        let program = temporary(name);
        let mut compiler = Command::new("riscv64-linux-gnu-gcc");
        compiler.args(["-static", "-O2", "-pthread", "-D_GNU_SOURCE", "-w", "-o"]).arg(&program).arg(&source);
        assert!(compiler.status().expect("the cross compiler is installed (scripts/install-deps)").success());
        let plain = succeed(mynah(&[program.to_str().expect("a plain path")]));
        let mut command = mynah(&["profile", "--frequency", "10000"]);
        command.arg(&program);
        assert_eq!(succeed(command), plain, "{name}");
    }
}

#[test]
fn every_form_is_what_its_readers_expect() {
    let (program, file) = (program("forms"), temporary("forms"));
    let raw = file.with_extension("raw");
    let mut command = mynah(&["--counts", "--profile", raw.to_str().expect("a plain path")]);
    command.arg(&program).arg("500");
    succeed(command);
    let form = |name: &str| {
        let file = file.with_extension(name);
        let mut command = mynah(&["profile", "report", "--output"]);
        command.arg(format!("{name}={}", file.display())).arg(&raw);
        succeed(command);
        fs::read(file).expect("the file was written")
    };
    let json: Value = serde_json::from_slice(&form("json")).expect("JSON");
    let total = json["totals"]["instructions"].as_u64().expect("a sum");
    let column = |table: &[u8], n: usize| -> u64 {
        text(table).lines().skip(1).map(|line| line.split(',').nth(n).expect("a column").parse::<u64>().expect("a count")).sum()
    };
    assert_eq!((column(&form("csv"), 7), column(&form("functions"), 3)), (total, total));
    assert_eq!(
        text(&form("folded")).lines().map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum::<u64>(),
        total
    );
    let callgrind = text(&form("callgrind"));
    let costs = callgrind.lines().filter(|line| line.starts_with("0x")).map(|line| line.split(' ').nth(2).unwrap());
    assert_eq!(costs.map(|cost| cost.parse::<u64>().unwrap()).sum::<u64>(), total);
    assert!(callgrind.contains(&format!("totals: {total}\n")) && callgrind.contains("fn=hot\n"));
    let lcov = text(&form("lcov"));
    assert!(lcov.contains("FNDA:500,hot\n") && lcov.contains("SF:") && lcov.ends_with("end_of_record\n"), "{lcov}");
    let drcov = form("drcov");
    assert!(drcov.starts_with(b"DRCOV VERSION: 2\n"));
    let at = drcov.windows(10).position(|window| window == b"BB Table: ").expect("a table of blocks");
    let line = text(drcov[at..].split(|&byte| byte == b'\n').next().unwrap_or_default());
    let blocks: usize = line.trim_start_matches("BB Table: ").trim_end_matches(" bbs").parse().expect("a count");
    assert_eq!(drcov.len(), at + line.len() + 1 + blocks * 8);
    assert_eq!(form("pprof")[..2], [0x1f, 0x8b], "pprof profiles are compressed");
    let firefox: Value = serde_json::from_slice(&form("firefox")).expect("JSON");
    let weights = firefox["threads"][0]["samples"]["weight"].as_array().expect("weights");
    assert_eq!(weights.iter().filter_map(Value::as_u64).sum::<u64>(), total);
    let html = text(&form("html"));
    assert!(html.starts_with("<!doctype html>") && !html.contains("http://") || html.matches("http://www.w3.org/2000/svg").count() == html.matches("http").count());
    assert_eq!(html.matches("</script>").count(), 1);
    // The report itself is a profile too.
    let again = succeed(mynah(&["profile", "report", file.with_extension("json").to_str().expect("a plain path")]));
    assert!(again.contains(&total.to_string()) && again.contains("hot"), "{again}");
}

#[test]
fn differences_and_their_exit_status() {
    let program = program("diff");
    let take = |name: &str, n: &str| {
        let file = temporary(name);
        let mut command = mynah(&["--seed", "1", "--counts", "--profile", file.to_str().expect("a plain path")]);
        command.arg(&program).arg(n);
        succeed(command);
        file
    };
    let (a, same, b) = (take("diff-a", "500"), take("diff-same", "500"), take("diff-b", "900"));
    let diff = |limit: &str, a: &Path, b: &Path| {
        let mut command = mynah(&["profile", "diff", "--fail-over", limit]);
        command.args([a, b]);
        let output = output(command);
        (output.status.code(), text(&output.stdout))
    };
    let (status, out) = diff("0%", &a, &same);
    assert_eq!((status, out.contains("no function differs")), (Some(0), true), "{out}");
    let (status, out) = diff("5%", &a, &b);
    assert_eq!((status, out.contains(" hot (")), (Some(1), true), "{out}");
    assert_eq!(diff("1000%", &a, &b).0, Some(0));
    assert_eq!(diff("5", &b, &a).0, Some(0), "less is no failure");
}

#[test]
fn bad_files() {
    let hello = common::root().join("examples/hello");
    let run = |arguments: &[&str]| {
        let mut command = mynah(arguments);
        command.arg(&hello);
        output(command)
    };
    let unwritable = run(&["--profile", "/nonexistent/profile"]);
    assert_eq!(unwritable.status.code(), Some(2));
    assert_eq!(text(&unwritable.stderr), "mynah: cannot write the profile '/nonexistent/profile': No such file or directory\n");
    let full = run(&["--profile", "/dev/full"]);
    assert_eq!((full.status.code(), full.stdout.is_empty()), (Some(2), true), "told before the guest begins");
    // A guest goes on when the profile's file is lost meanwhile, and so do the programs it starts.
    let folder = temporary("gone");
    fs::create_dir_all(&folder).expect("a folder");
    let busybox = common::fetched("riscv64/usr/bin/busybox");
    let mut command = mynah(&["--profile", folder.join("file").to_str().expect("a plain path")]);
    command.arg(&busybox).args(["sh", "-c", "rm -r $1; $0 echo on", busybox.to_str().expect("a plain path")]).arg(&folder);
    let output = output(command);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "on\n".to_owned()), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("mynah: error: cannot write the profile"));
    // No profile, and one with damaged lines.
    let file = temporary("damaged");
    let report = |file: &Path| self::output(mynah(&["profile", "report", file.to_str().expect("a plain path")]));
    fs::write(&file, "nonsense\n").expect("written");
    assert!(text(&report(&file).stderr).contains("is no profile"));
    let begin = r#"{"record":"begin","version":1,"id":{"pid":1,"since":1},"parent":null,"exe":"/x","argv":["x"],"at_ns":1,"frequency":1,"counts":false}"#;
    fs::write(&file, format!("{begin}\n{{\"record\":\"end\",\"id\"\n{begin}")).expect("written");
    let damaged = report(&file);
    assert!(damaged.status.success());
    assert!(text(&damaged.stdout).contains("1 lines of the profile are damaged"), "{}", text(&damaged.stdout));
    fs::write(&file, begin.replace("\"version\":1", "\"version\":9")).expect("written");
    assert!(text(&report(&file).stderr).contains("its version is 9"));
}

#[test]
fn symbols_that_lie() {
    // Overlapping, without a size, beyond the file; and debug information that is cut off.
    let source = temporary("lies.s");
    let code = "
        .globl _start, over, huge, zero
        _start: li s0, 1000
        over: addi s0, s0, -1
        zero: bnez s0, over
        huge: li a0, 0
            li a7, 93
            ecall
            .size _start, 0x7fffffff
            .type _start, @function
            .size over, 100
            .type over, @function
            .type zero, @function
            .type huge, @function
            .size huge, 0x7fffffffffffffff
            .section .debug_info
            .4byte 0xffffff00
            .byte 1, 2, 3
            .section .debug_line
            .ascii \"nonsense\"
            .section .debug_abbrev
            .byte 0xff, 0xff
            .section .eh_frame, \"a\"
            .4byte 0x7fffffff, 0, 0xdeadbeef
    ";
    fs::write(&source, code).expect("the source can be written");
    let program = temporary("lies");
    let mut compiler = Command::new("riscv64-linux-gnu-gcc");
    compiler.args(["-nostdlib", "-static", "-o"]).arg(&program).arg(&source);
    assert!(compiler.output().expect("the cross compiler is installed (scripts/install-deps)").status.success());
    let report = counted("lies", &[], &program, &[]);
    assert_eq!(report["totals"]["instructions"], 1 + 2000 + 3);
    let names: Vec<_> = report["functions"].as_array().expect("functions").iter().map(|f| f["name"].clone()).collect();
    assert!(names.contains(&"over".into()) && names.contains(&"_start".into()), "{names:?}");
    let mut sampled = mynah(&["profile", "--frequency", "10000"]);
    sampled.arg(&program);
    succeed(sampled);
}

#[test]
fn basic_block_vectors_add_up() {
    let (hello, file) = (common::root().join("examples/hello"), temporary("bbv"));
    let mut command = mynah(&["--interval", "50", "--bbv", file.to_str().expect("a plain path")]);
    command.arg(&hello);
    succeed(command);
    let vectors = text(&fs::read(&file).expect("the file was written"));
    let sums: Vec<u64> = (vectors.lines())
        .map(|line| {
            assert!(line.starts_with("T:"), "{line}");
            line[1..].split_whitespace().map(|entry| entry.rsplit(':').next().unwrap().parse::<u64>().unwrap()).sum()
        })
        .collect();
    let total = counted("bbv", &[], &hello, &[])["totals"]["instructions"].as_u64();
    assert_eq!(Some(sums.iter().sum()), total);
    assert!(sums.len() > 2 && sums[..sums.len() - 1].iter().all(|sum| *sum >= 50), "{sums:?}");
}

#[test]
fn a_program_that_is_killed_is_in_the_profile_all_the_same() {
    let busybox = common::fetched("riscv64/usr/bin/busybox");
    let file = temporary("killed.json");
    let mut command = mynah(&["profile", "--counts", "--output", &format!("json={}", file.display())]);
    command.arg(busybox).args(["sh", "-c", "kill -TERM $$"]);
    let output = output(command);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(libc::SIGTERM));
    let report: Value = serde_json::from_slice(&fs::read(file).expect("the report was written")).expect("JSON");
    assert_eq!(report["missing"], Value::Array(Vec::new()));
    assert!(report["totals"]["instructions"].as_u64() > Some(1000));
}

#[test]
fn the_log_of_code() {
    let (program, log) = (program("log"), temporary("log.txt"));
    let items = |items: &str, more: &[&str]| {
        let mut command = mynah(&["-d", items, "-D", log.to_str().expect("a plain path")]);
        command.args(more).arg(&program).arg("200");
        assert_eq!(succeed(command).lines().count(), 1);
        text(&fs::read(&log).expect("the log was written"))
    };
    let all = items("in_asm,op,op_opt,out_asm", &["--tier", "1"]);
    for part in ["IN: hot\n", "OP: hot\n", "OP after optimization: hot\n", "OUT: [size=", "  -- guest addr 0x"] {
        assert!(all.contains(part), "no '{part}'");
    }
    let exec = items("exec,cpu,nochain", &[]);
    assert!(exec.contains("] hot\n") && exec.contains(" x10/a0   "), "{}", &exec[..exec.len().min(2000)]);
    let lines = |log: &str| log.lines().filter(|line| line.starts_with("Trace")).count();
    let mut addresses = Command::new("riscv64-linux-gnu-nm");
    addresses.arg("-S").arg(&program);
    let symbols = succeed(addresses);
    let hot: Vec<&str> = symbols.lines().find(|line| line.ends_with(" hot")).expect("a symbol").split(' ').collect();
    let filter = format!("0x{}+0x{}", hot[0], hot[1]);
    let filtered = items("exec", &["-dfilter", &filter]);
    assert!(lines(&filtered) > 100 && lines(&filtered) < lines(&exec));
    assert!(filtered.lines().filter(|line| line.starts_with("Trace")).all(|line| line.ends_with("] hot")), "{filtered}");
    assert!(items("page", &[]).contains("page layout"));
    let mut crash = mynah(&["-d", "int,strace"]);
    crash.arg(&program).args(["3", "faults"]);
    let said = text(&output(crash).stderr);
    assert!(said.contains("signal 11: code 1, address 0x0") && said.contains("write(1, "), "{said}");
}

#[test]
fn a_crash_shows_registers_and_calls() {
    let source = temporary("crash.c");
    let code = "
        __attribute__((noinline)) int inner(volatile int *p) { return *p + 1; }
        __attribute__((noinline)) int outer(volatile int *p) { return inner(p) * 3; }
        int main(void) { return outer((volatile int *)16) + 2; }
    ";
    fs::write(&source, code).expect("the source can be written");
    for (name, flags) in [("cfi", &["-O2", "-g"][..]), ("fp", &["-O1", "-fno-omit-frame-pointer", "-fno-asynchronous-unwind-tables"])] {
        let program = temporary(&format!("crash-{name}"));
        let mut compiler = Command::new("riscv64-linux-gnu-gcc");
        compiler.args(["-static", "-o"]).arg(&program).args(flags).arg(&source);
        assert!(compiler.status().expect("the cross compiler is installed (scripts/install-deps)").success());
        let mut command = mynah(&[]);
        command.arg(&program);
        let output = output(command);
        let said = text(&output.stderr);
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(libc::SIGSEGV));
        let (mut at, file) = (0, format!(" in profile-crash-{name}\n"));
        for part in ["guest killed by SIGSEGV at 0x", "a0 0000000000000010", "#0 ", "inner+0x", "#1 ", "outer+0x", "#2 ", "main+0x", &file] {
            at += said[at..].find(part).unwrap_or_else(|| panic!("no '{part}' (in order) in {name}:\n{said}"));
        }
    }
}

#[test]
fn perf_is_told_about_translated_code() {
    let program = program("perf");
    let folder = temporary("perf-folder");
    fs::create_dir_all(&folder).expect("a folder");
    let mut command = mynah(&["-perfmap", "-jitdump", "--tier", "1"]);
    command.arg(&program).arg("500").current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.spawn().expect("mynah starts");
    let pid = child.id();
    assert!(child.wait().expect("mynah ends").success());
    let map = PathBuf::from(format!("/tmp/perf-{pid}.map"));
    let lines = fs::read_to_string(&map).expect("the map was written");
    assert!(lines.lines().any(|line| line.ends_with(" hot+0x0") && line.split(' ').count() == 3), "{lines}");
    let dump = folder.join(format!("jit-{pid}.dump"));
    let bytes = fs::read(&dump).expect("the dump was written");
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!((word(0), word(4), word(8)), (0x4a69_5444, 1, 40));
    let (mut at, mut records) = (40, 0);
    while at < bytes.len() {
        at += word(at + 4);
        records += 1;
    }
    assert_eq!((at, records), (bytes.len(), lines.lines().count()));
    fs::remove_file(map).and_then(|()| fs::remove_file(dump)).expect("they were there");
}
