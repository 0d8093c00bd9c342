//! Code quality: how many host instructions typical guest sequences become, as pinned in `tests/quality/riscv64.txt`, so
//! that a change shows in review. `MYNAH_BLESS=1` writes the numbers anew.
//!
//! Which instructions Cranelift chooses depends on the host's features; the file tells for which its numbers are. On a host
//! that lacks one of them, or has more, the number of a case may be up to half higher: that still finds code that went bad.

mod common;

use std::fmt::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The line that names the host's features.
const FEATURES: &str = "# host: ";
/// What stands before a case's numbers.
const COST: &str = "-- ";

struct Case<'a> {
    name: &'a str,
    code: String,
    /// The pinned numbers, as written.
    pinned: &'a str,
}

/// What a case costs.
struct Cost {
    host: usize,
    memory: usize,
    guest: usize,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} host instructions, {} of them on memory, for {} of the guest", self.host, self.memory, self.guest)
    }
}

fn golden() -> PathBuf {
    common::root().join("tests/quality/riscv64.txt")
}

fn cases(text: &str) -> Vec<Case<'_>> {
    let pieces = text.split("\n== ").skip(1);
    let case = |piece| -> Option<Case> {
        let (head, rest): (&str, &str) = str::split_once(piece, '\n')?;
        let (code, pinned) = rest.split_once(COST)?;
        Some(Case { name: head.split_once(':')?.0, code: code.to_owned(), pinned: pinned.lines().next()? })
    };
    pieces.map(|piece| case(piece).unwrap_or_else(|| panic!("not a case:\n{piece}"))).collect()
}

/// A case's symbol.
fn symbol(name: &str) -> String {
    name.replace('-', "_")
}

/// Assembles all cases into one program, at a fixed address and unrelaxed: the code is what the file says.
fn assemble(cases: &[Case]) -> PathBuf {
    let folder = common::build_folder("quality");
    let (source, program) = (folder.join("cases.s"), folder.join("cases"));
    let mut text = ".option norelax\n.globl _start\n_start:\n".to_owned();
    for case in cases {
        let _ = write!(text, ".globl {0}\n{0}:\n{1}", symbol(case.name), case.code);
    }
    std::fs::write(&source, text).expect("the source can be written");
    let mut compiler = Command::new("riscv64-linux-gnu-gcc");
    compiler.args(["-nostdlib", "-static", "-Wl,--build-id=none,--no-relax,-Ttext=0x20000"]);
    let status = compiler.arg("-o").arg(&program).arg(&source).status();
    assert!(status.expect("the cross compiler is installed (scripts/install-deps)").success());
    program
}

/// The host code of a case, as `mynah dump` prints it.
fn listing(program: &Path, name: &str) -> String {
    let mut command = common::mynah();
    command.args(["dump", "--stage", "host", "--blocks", "99", "--symbol", &symbol(name)]).arg(program);
    let outcome = common::run(command, b"").expect("the dump ends");
    assert!(outcome.status.success(), "{name}: {}", common::excerpt(&outcome.stderr));
    String::from_utf8(outcome.stdout).expect("a dump is text")
}

fn cost(listing: &str) -> Cost {
    let hosts = || listing.lines().filter_map(|line| Some(line.split_once(" | ")?.1.split_once(": ")?.1));
    let guest = listing.lines().find_map(|line| line.split_once(" guest instructions")?.0.parse().ok());
    Cost {
        host: hosts().count(),
        memory: hosts().filter(|insn| insn.contains("ptr [") && !insn.starts_with("lea ")).count(),
        guest: guest.expect("the dump says how many guest instructions there are"),
    }
}

/// The number of host instructions in a pinned line.
fn pinned(line: &str) -> usize {
    line.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[test]
fn typical_sequences_cost_what_is_pinned() {
    let text = std::fs::read_to_string(golden()).expect("the golden file is there");
    let cases = cases(&text);
    assert!(cases.len() >= 30, "only {} cases", cases.len());
    let program = assemble(&cases);
    let listings: Vec<String> = cases.iter().map(|case| listing(&program, case.name)).collect();
    let features = mynah_backend::compiler::host_features();
    if std::env::var("MYNAH_BLESS").is_ok_and(|value| value == "1") {
        return bless(&text, &listings, &features);
    }
    let known = text.lines().find_map(|line| line.strip_prefix(FEATURES)).expect("the file tells the host's features");
    let mut failures = String::new();
    for (case, listing) in cases.iter().zip(&listings) {
        let cost = cost(listing);
        let good =
            if known == features { case.pinned == cost.to_string() } else { 2 * cost.host <= 3 * pinned(case.pinned) };
        if !good {
            let _ = writeln!(failures, "{}: pinned: {}\n  now: {cost}\n{listing}", case.name, case.pinned);
        }
    }
    assert!(
        failures.is_empty(),
        "{failures}If the new numbers are right, set MYNAH_BLESS=1 to write them to the file."
    );
}

/// Writes the numbers and the host's features to the golden file.
fn bless(text: &str, listings: &[String], features: &str) {
    let mut listings = listings.iter();
    let line = |line: &str| match line {
        line if line.starts_with(COST) => format!("{COST}{}\n", cost(listings.next().expect("one for each case"))),
        line if line.starts_with(FEATURES) => format!("{FEATURES}{features}\n"),
        line => format!("{line}\n"),
    };
    let new: String = text.lines().map(line).collect();
    std::fs::write(golden(), new).expect("the golden file can be written");
}
