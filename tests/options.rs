//! What the options do, seen from the guest, and where they come from: QEMU's variables, Mynah's, the command line.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Busybox of Debian, static.
fn busybox() -> PathBuf {
    common::fetched("riscv64/usr/bin/busybox")
}

fn output(mut command: Command) -> Output {
    command.stdin(Stdio::null()).output().expect("mynah starts")
}

/// What busybox prints with options, variables and arguments; it must succeed and say nothing else.
fn busybox_says(options: &[&str], variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let mut command = common::mynah();
    command.envs(variables.iter().copied()).args(options).arg(busybox()).args(arguments);
    let output = output(command);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{options:?} {arguments:?}: {:?}: {stderr}", output.status);
    String::from_utf8(output.stdout).expect("plain text").trim_end().to_owned()
}

#[test]
fn the_guests_environment() {
    let value =
        |options: &[&str], variables: &[(&str, &str)]| busybox_says(options, variables, &["sh", "-c", "echo $A/$B/$C"]);
    assert_eq!(value(&[], &[("A", "host")]), "host//");
    assert_eq!(value(&["-E", "A=1,B=2"], &[("A", "host")]), "1/2/");
    assert_eq!(value(&["--env", "A=x,y", "--env=C=3"], &[]), "x,y//3");
    assert_eq!(value(&["-U", "A,C"], &[("A", "1"), ("B", "2"), ("C", "3")]), "/2/");
    assert_eq!(value(&[], &[("QEMU_SET_ENV", "A=1"), ("MYNAH_ENV", "B=2")]), "1/2/");
}

#[test]
fn the_command_line_overrides_mynahs_variables_and_those_qemus() {
    let release = |options: &[&str], variables: &[(&str, &str)]| busybox_says(options, variables, &["uname", "-r"]);
    assert_eq!(release(&["-r", "4.4.4"], &[]), "4.4.4");
    assert_eq!(release(&[], &[("QEMU_UNAME", "5.5.5")]), "5.5.5");
    assert_eq!(release(&[], &[("QEMU_UNAME", "5.5.5"), ("MYNAH_UNAME", "6.6.6")]), "6.6.6");
    assert_eq!(release(&["--uname=7.7.7"], &[("QEMU_UNAME", "5.5.5"), ("MYNAH_UNAME", "6.6.6")]), "7.7.7");
    assert_eq!(release(&["-r", "1", "-r", "2"], &[]), "2");
    // Programs that the guest executes get them too.
    let again = busybox();
    let again = again.to_str().expect("a plain path");
    assert_eq!(busybox_says(&["-r", "8.8.8"], &[], &["env", again, "uname", "-r"]), "8.8.8");
}

#[test]
fn the_guests_name_and_the_end_of_options() {
    assert_eq!(busybox_says(&["-0", "echo"], &[], &["from", "echo"]), "from echo");
    assert_eq!(busybox_says(&["--argv0=basename"], &[], &["/a/b"]), "b");
    assert_eq!(busybox_says(&["--"], &[], &["echo", "--stats"]), "--stats");
    assert_eq!(busybox_says(&[], &[], &["echo", "-strace", "--help"]), "-strace --help");
}

#[test]
fn a_seed_repeats_the_layout() {
    let maps = |seed: &str| busybox_says(&["-seed", seed], &[], &["cat", "/proc/self/maps"]);
    assert_eq!(maps("1"), maps("1"));
    assert_ne!(maps("1"), maps("2"));
}

#[test]
fn the_stack_has_the_size_that_was_asked_for() {
    let maps = busybox_says(&["-s", "2M"], &[], &["cat", "/proc/self/maps"]);
    let stack = maps.lines().find(|line| line.ends_with("[stack]")).unwrap_or_else(|| panic!("no stack in\n{maps}"));
    let (start, end) = stack.split_whitespace().next().and_then(|range| range.split_once('-')).expect("a range");
    let address = |digits| u64::from_str_radix(digits, 16).expect("an address");
    assert_eq!(address(end) - address(start), 2 << 20, "{stack}");
}

#[test]
fn every_way_to_translate_gives_the_same_output() {
    let run = |options: &[&str]| {
        busybox_says(options, &[], &["sh", "-c", "i=0; while [ $i -lt 300 ]; do i=$((i+1)); done; echo $i"])
    };
    for options in [
        &["--tier", "0"][..],
        &["--tier", "1"],
        &["--threshold", "1"],
        &["--passes", "none", "--tier", "1"],
        &["--verify", "--threshold", "20"],
        &["--tb-size", "1", "--tier", "1"],
        &["--guest-base", "0x200000000000"],
    ] {
        assert_eq!(run(options), "300", "{options:?}");
    }
}

#[test]
fn the_summary_and_the_system_calls_go_to_standard_error() {
    let stderr = |options: &[&str]| {
        let mut command = common::mynah();
        command.args(options).arg(common::root().join("examples/hello"));
        let output = output(command);
        assert_eq!(output.stdout, b"Hello from a riscv64 program!\n", "{options:?}");
        String::from_utf8(output.stderr).expect("plain text")
    };
    assert_eq!(stderr(&[]), "");
    let summary = stderr(&["--stats"]);
    assert!(summary.lines().count() >= 5 && summary.lines().all(|line| line.starts_with("mynah: ")), "{summary}");
    for options in [&["--strace"][..], &["-strace"], &["-d", "strace"]] {
        let calls = stderr(options);
        assert!(calls.contains("write(1,") && calls.contains("exit"), "{options:?}: {calls}");
    }
}

/// A program that makes a system call with a number that no kernel has.
fn unknown_call() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (folder.join("unknown_call.s"), folder.join("unknown_call"));
    fs::write(&source, ".globl _start\n_start: li a7, 1000\necall\nneg a0, a0\nli a7, 93\necall\n").expect("written");
    let mut compiler = Command::new("riscv64-linux-gnu-gcc");
    compiler.args(["-nostdlib", "-static", "-o"]).arg(&program).arg(&source);
    assert!(compiler.status().expect("the cross compiler is installed (scripts/install-deps)").success());
    program
}

#[test]
fn what_is_not_implemented_is_logged_on_demand() {
    let program = unknown_call();
    for (options, variables, expected) in [
        (&[][..], &[][..], ""),
        (&["-d", "unimp"], &[], "mynah: not implemented: system call 1000 has no row in the table\n"),
        (&[], &[("MYNAH_LOG", "off,unimp")], "mynah: not implemented: system call 1000 has no row in the table\n"),
        (&["--log", "debug"], &[("QEMU_LOG", "off")], ""),
    ] {
        let mut command = common::mynah();
        command.envs(variables.iter().copied()).args(options).arg(&program);
        let output = output(command);
        assert_eq!(output.status.code(), Some(libc::ENOSYS), "{options:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected, "{options:?} {variables:?}");
    }
}

#[test]
fn help_and_version() {
    let says = |arguments: &[&str]| {
        let mut command = common::mynah();
        command.args(arguments);
        let output = output(command);
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}");
        String::from_utf8(output.stdout).expect("plain text")
    };
    assert_eq!(says(&["--version"]), format!("mynah {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(says(&["-version"]), says(&["--version"]));
    let help = says(&["--help"]);
    assert_eq!(says(&["-h"]), help);
    for part in ["--sysroot", "[-L, QEMU_LD_PREFIX]", "--log", "Examples:", "mynah dump"] {
        assert!(help.contains(part), "no '{part}' in:\n{help}");
    }
    assert!(says(&["--cpu", "help"]).contains("zba"));
}
