//! The example guests do what their sources say: the programs that stand beside the sources, and ones built afresh.

mod common;

use std::path::Path;
use std::process::Command;

use common::Outcome;

/// A run of an example: name, arguments, standard input, standard output, status.
struct Case(&'static str, &'static [&'static str], &'static [u8], &'static str, i32);

const CASES: &[Case] = &[
    Case("hello", &[], b"", "Hello from a riscv64 program!\n", 0),
    Case("hello", &["Mynah"], b"", "Hello from a riscv64 program to Mynah!\n", 0),
    Case("primes", &[], b"", "1270607 primes below 20000000\n", 0),
    Case("primes", &["100"], b"", "25 primes below 100\n", 0),
    Case("primes", &["1"], b"", "0 primes below 1\n", 0),
    Case("primes", &["many"], b"", "primes: the limit is a number from 1 to 50000000\n", 2),
    Case("wordcount", &[], b"", "0 0 0\n", 0),
    Case("wordcount", &[], b"one two\n three\tfour\nfive", "2 5 24\n", 0),
    Case(
        "signals",
        &[],
        b"",
        "reading address 8\n  caught SIGSEGV at address 8, not mapped\n\
         reading address 16\n  caught SIGSEGV at address 16, not mapped\n\
         reading address 24\n  caught SIGSEGV at address 24, not mapped\n\
         three faults, and still running\n",
        0,
    ),
];

fn run(program: &Path, case: &Case, options: &[&str]) -> Outcome {
    let mut command = common::mynah();
    command.args(options).arg(program).args(case.1);
    common::run(command, case.2).unwrap_or_else(|error| panic!("{error}"))
}

fn check(program: &Path, case: &Case, options: &[&str]) {
    let outcome = run(program, case, options);
    let what = format!("{} {:?} with {options:?}", program.display(), case.1);
    assert_eq!(String::from_utf8_lossy(&outcome.stdout), case.3, "{what}");
    assert_eq!(outcome.ending(), format!("status {}", case.4), "{what}");
    assert!(outcome.stderr.is_empty(), "{what}: {}", String::from_utf8_lossy(&outcome.stderr));
}

#[test]
fn in_every_tier() {
    for case in CASES {
        let program = common::root().join("examples").join(case.0);
        for options in [&[][..], &["--tier", "1"], &["--threshold", "20", "--verify"]] {
            check(&program, case, options);
        }
        // Twenty million steps in tier 0 alone would take as long as all the rest.
        if case.0 != "primes" || !case.1.is_empty() {
            check(&program, case, &["--tier", "0"]);
        }
    }
}

#[test]
fn built_afresh() {
    let folder = common::build_folder("examples");
    for file in ["build", "tiny.h", "hello.c", "primes.c", "wordcount.c", "signals.c"] {
        std::fs::copy(common::root().join("examples").join(file), folder.join(file)).expect("the examples are there");
    }
    let status = Command::new(folder.join("build")).status().expect("examples/build runs");
    assert!(status.success(), "examples/build failed; scripts/install-deps installs the cross compiler");
    CASES.iter().for_each(|case| check(&folder.join(case.0), case, &[]));
}

#[test]
fn each_source_has_its_program_and_its_case() {
    let sources = common::files(&common::root().join("examples"), ".c");
    assert!(!sources.is_empty());
    for program in sources.iter().map(|source| source.with_extension("")) {
        assert!(program.exists(), "{} is missing: run examples/build", program.display());
        let known = CASES.iter().any(|case| program.file_name() == Some(case.0.as_ref()));
        assert!(known, "{} has no case", program.display());
    }
}
