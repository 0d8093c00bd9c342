//! The two examples of observers: what they see against QEMU's log, and against each other.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// An example; cargo builds them with the tests.
fn example(name: &str) -> Command {
    let tests = std::env::current_exe().expect("the path of this test");
    let folder = tests.parent().and_then(Path::parent).expect("target/PROFILE/deps");
    Command::new(folder.join("examples").join(name))
}

fn run(mut command: Command, program: &Path) -> Output {
    let output = command.arg(program).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"Hello from a riscv64 program!\n");
    output
}

#[test]
fn opcodes_are_those_of_qemu_and_accesses_those_of_loads_and_stores() {
    let hello = root().join("examples/hello");
    let opcodes = String::from_utf8(run(example("opcodes"), &hello).stderr).expect("text");
    let rows: Vec<(u64, &str)> = (opcodes.lines())
        .map(|line| line.trim().split_once(' ').expect("a count and a name"))
        .map(|(count, name)| (count.parse().expect("a count"), name))
        .collect();

    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join("observers.log");
    let mut qemu = Command::new(root().join("target/guest/qemu/usr/bin/qemu-riscv64"));
    qemu.args(["-one-insn-per-tb", "-d", "exec,nochain", "-D"]).arg(&log);
    run(qemu, &hello);
    let traced = std::fs::read_to_string(log).expect("QEMU wrote its log");
    let traced = traced.lines().filter(|line| line.starts_with("Trace ")).count() as u64;
    assert_eq!(rows.iter().map(|(count, _)| count).sum::<u64>(), traced);

    let plain = |name: &str| name.trim_start_matches("c.").trim_end_matches("sp").to_owned();
    let touches = ["lb", "lbu", "lh", "lhu", "lw", "lwu", "ld", "sb", "sh", "sw", "sd"];
    let expected: u64 = rows.iter().filter(|(_, name)| touches.contains(&plain(name).as_str())).map(|(n, _)| n).sum();
    let cache = String::from_utf8(run(example("cache"), &hello).stderr).expect("text");
    assert!(expected > 0 && cache.starts_with(&format!("{expected} accesses, ")), "{cache}, not {expected}");
}
