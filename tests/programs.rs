//! Debian programs: what the riscv64 one prints under Mynah is what the amd64 one of the same release prints, and the
//! exit statuses are equal. `scripts/fetch-guests` unpacks both.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Program and arguments.
const COMMANDS: &[&[&str]] = &[
    &["busybox", "sh", "-c", "for i in 1 2 3; do echo $((i * i)); done; exit 4"],
    &["bash", "-c", "f() { local n=$1; ((n < 2)) && echo $n || echo $(( $(f $((n - 1))) + $(f $((n - 2))) )); }; f 8"],
    &["perl", "-e", "my %h; $h{$_ % 7} += $_ for 1..20000; print join(q(,), map { \"$_=$h{$_}\" } sort keys %h), qq(\\n)"],
    &["sqlite3", ":memory:", "create table t(a); insert into t values(1),(2),(3.5); select sum(a), avg(a), max(a) from t;"],
    &["sed", "-n", "s/root/ROOT/p", "/etc/passwd"],
];

fn root(arch: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/guest").join(arch)
}

fn program(arch: &str, name: &str) -> PathBuf {
    let found = ["usr/bin", "bin"].iter().map(|dir| root(arch).join(dir).join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{name} for {arch} is missing: run scripts/fetch-guests"))
}

fn run(mut command: Command) -> Output {
    command.env_clear().env("LC_ALL", "C").output().expect("the command starts")
}

fn guest(words: &[&str], options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mynah"));
    command.args(options).arg("-L").arg(root("riscv64")).arg(program("riscv64", words[0])).args(&words[1..]);
    run(command)
}

/// The amd64 program, with the dynamic linker and libraries of its own release.
fn twin(words: &[&str]) -> Output {
    let root = root("amd64");
    let libraries = root.join("usr/lib/x86_64-linux-gnu");
    let mut command = Command::new(libraries.join("ld-linux-x86-64.so.2"));
    command.arg("--library-path").arg(&libraries).arg(program("amd64", words[0])).args(&words[1..]);
    run(command)
}

fn compare(options: &[&str]) {
    for words in COMMANDS {
        let (got, expected) = (guest(words, options), if words[0] == "busybox" { run_static(words) } else { twin(words) });
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&got.stdout), text(&expected.stdout), "{words:?} {options:?}: {}", text(&got.stderr));
        assert_eq!(got.status.code(), expected.status.code(), "{words:?} {options:?}");
    }
}

fn run_static(words: &[&str]) -> Output {
    let mut command = Command::new(program("amd64", words[0]));
    command.args(&words[1..]);
    run(command)
}

#[test]
fn programs_equal_their_amd64_twins() {
    compare(&[]);
}

#[test]
fn programs_equal_their_amd64_twins_in_tier_0() {
    compare(&["--tier", "0"]);
}

#[test]
fn an_example_prints_what_it_should() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/primes");
    let out = Command::new(env!("CARGO_BIN_EXE_mynah")).arg(example).output().expect("the command starts");
    assert_eq!(String::from_utf8_lossy(&out.stdout), "1270607 primes below 20000000\n");
}
