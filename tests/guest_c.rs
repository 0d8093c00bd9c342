//! Runs each `tests/guest/**/*.c` and `*.cc` under Mynah and compares output and exit status with its oracles.
//!
//! A program is plain C (or C++) and asks one question. It is built for riscv64 with `-static -O2 -pthread`. Lines at its top,
//! `/// key: value`, say what is special about it:
//!
//! | key | meaning |
//! |---|---|
//! | `native` | `yes`: it is also built for this machine, whose kernel is a further oracle |
//! | `qemu` | `no, REASON`: QEMU does this wrong; another oracle is then needed |
//! | `args` | arguments, separated by spaces |
//! | `stdin` | a line of standard input |
//! | `options` | options for Mynah, separated by spaces; it is run once for each such line |
//! | `flags` | more flags for the compiler |
//! | `arch` | flags for the riscv64 compiler only |
//!
//! A file of the same name that ends in `.ref` holds the expected standard output; the exit status is then 0.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Outcome, build_folder, compare, excerpt, files, mynah, qemu, root, run};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let folder = root().join("tests/guest");
    let sources = [".c", ".cc"].iter().flat_map(|suffix| files(&folder, suffix));
    let trials = sources.map(|source| {
        let name = source.strip_prefix(&folder).expect("found below the folder").with_extension("");
        Trial::test(name.to_string_lossy().into_owned(), move || check(&source).map_err(Failed::from))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

/// A program and what its head says.
struct Program {
    source: PathBuf,
    head: Vec<(String, String)>,
}

impl Program {
    fn read(source: &Path) -> Result<Program, String> {
        let known = ["native", "qemu", "args", "stdin", "options", "flags", "arch"];
        let text = std::fs::read_to_string(source).map_err(|error| error.to_string())?;
        let mut head = Vec::new();
        for line in text.lines().map_while(|line| line.strip_prefix("///")) {
            let (key, value) = line.split_once(':').ok_or_else(|| format!("'{line}' is not `/// key: value`"))?;
            let (key, value) = (key.trim(), value.trim());
            if !known.contains(&key) {
                return Err(format!("there is no key '{key}'"));
            }
            head.push((key.to_owned(), value.to_owned()));
        }
        Ok(Program { source: source.to_owned(), head })
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.head.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn words(&self, key: &str) -> Vec<&str> {
        self.get(key).unwrap_or_default().split_whitespace().collect()
    }

    /// The options of each run of Mynah.
    fn ways(&self) -> Vec<&str> {
        let given: Vec<&str> = self.head.iter().filter(|(name, _)| name == "options").map(|(_, v)| v.as_str()).collect();
        if given.is_empty() { vec![""] } else { given }
    }

    /// Builds it with `compiler`; gives the path of the program.
    fn build(&self, compiler: &str, extra: &[&str]) -> Result<PathBuf, String> {
        let plus_plus = self.source.extension().is_some_and(|suffix| suffix == "cc");
        let compiler = &if plus_plus { compiler.replace("gcc", "g++") } else { compiler.to_owned() };
        let name = self.source.strip_prefix(root()).unwrap_or(&self.source).to_string_lossy().replace('/', "-");
        let out = build_folder("guest_c").join(format!("{name}.{compiler}"));
        let mut command = Command::new(compiler);
        command.args(["-static", "-O2", "-pthread", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-o"]).arg(&out);
        command.arg(&self.source).args(self.words("flags")).args(extra).arg("-lm");
        let built = run(command, b"")?;
        if built.status.success() { Ok(out) } else { Err(format!("{compiler}:\n{}", excerpt(&built.stderr))) }
    }

    /// Runs `command`, which already names the program, with its arguments and input.
    fn run(&self, mut command: Command) -> Result<Outcome, String> {
        command.args(self.words("args"));
        let input = self.get("stdin").map(|line| format!("{line}\n")).unwrap_or_default();
        run(command, input.as_bytes())
    }

    /// What each oracle says.
    fn oracles(&self, guest: &Path) -> Result<Vec<(&'static str, Outcome)>, String> {
        let mut oracles = Vec::new();
        if self.get("native") == Some("yes") {
            let native = self.build("gcc", &[])?;
            oracles.push(("the native program", self.run(common::clean(Command::new(native)))?));
        }
        match self.get("qemu").unwrap_or("yes").split_once(',') {
            Some(("no", reason)) if !reason.trim().is_empty() => {}
            None => {
                let mut command = qemu();
                command.arg(guest);
                oracles.push(("QEMU", self.run(command)?));
            }
            _ => return Err("`qemu` is `no, REASON`".to_owned()),
        }
        Ok(oracles)
    }
}

fn check(source: &Path) -> Result<(), String> {
    let program = Program::read(source)?;
    let guest = program.build("riscv64-linux-gnu-gcc", &program.words("arch"))?;
    let reference = std::fs::read(source.with_extension("ref")).ok();
    let oracles = program.oracles(&guest)?;
    if oracles.is_empty() && reference.is_none() {
        return Err("has no oracle: neither .ref nor native nor QEMU".to_owned());
    }
    let written = reference.map(|stdout| Outcome { stdout, stderr: Vec::new(), status: Default::default() });
    let oracles: Vec<_> = oracles.into_iter().chain(written.map(|outcome| ("the .ref file", outcome))).collect();
    for options in program.ways() {
        let mut command = mynah();
        command.args(options.split_whitespace()).arg(&guest);
        let ours = program.run(command)?;
        let compared = oracles.iter().try_for_each(|(name, theirs)| compare(name, theirs, &ours));
        compared.map_err(|why| format!("with options '{options}': {why}"))?;
    }
    Ok(())
}
