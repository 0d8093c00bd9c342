//! An observer in thirty lines: which instructions a program executes, most frequent first.
//!
//!     cargo run --release -p mynah-runtime --example opcodes -- examples/hello
//!
//! Programs that the guest executes run under this example too, if it understands what it is given then: `--argv0 NAME` in
//! front of the program.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::Mutex;

use mynah_frontend::riscv64::{self, Insn};
use mynah_runtime::observe::{Observer, Totals, Wants};
use mynah_runtime::{Options, Process, Vcpu, start};

#[derive(Default)]
struct Opcodes(Mutex<HashMap<u16, u64>>);

impl Observer for Opcodes {
    fn wants(&self) -> Wants {
        Wants { instructions: true, ..Wants::default() }
    }

    fn instruction(&self, _: &Vcpu, insn: &Insn) {
        *self.0.lock().expect("no thread panics").entry(insn.op).or_default() += 1;
    }

    fn settle(&self, _: &Process, _: &Totals) {
        let counts = std::mem::take(&mut *self.0.lock().expect("no thread panics"));
        let mut rows: Vec<(u64, &str)> =
            counts.into_iter().map(|(op, count)| (count, riscv64::row(op).map_or("?", |row| row.name))).collect();
        rows.sort_unstable_by(|a, b| b.cmp(a));
        for (count, name) in rows {
            eprintln!("{count:>12} {name}");
        }
    }
}

fn main() {
    let mut words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let argv0 = (words.first().is_some_and(|word| word == "--argv0") && words.len() > 2).then(|| words.remove(1));
    if argv0.is_some() {
        words.remove(0);
    }
    let Some(program) = words.first().cloned() else {
        eprintln!("usage: opcodes PROGRAM [ARGUMENT]...");
        std::process::exit(2);
    };
    words[0] = argv0.unwrap_or_else(|| program.clone());
    let env = std::env::vars_os().map(|(name, value)| [name, "=".into(), value].into_iter().collect()).collect();
    let options = Options { program: program.into(), argv: words, env, ..Options::default() };
    match start::run_observed(options, vec![Box::new(Opcodes::default())]) {
        Ok(status) => std::process::exit(status),
        Err(error) => {
            eprintln!("opcodes: {error}");
            std::process::exit(error.exit_code());
        }
    }
}
