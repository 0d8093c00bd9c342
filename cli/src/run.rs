//! Running a guest program: what `mynah program` does.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::args::{self, Refusal, Usage};
use crate::log;
use crate::options::{Choices, Scope};

/// How the command is used.
pub static USAGE: Usage = Usage {
    name: "mynah",
    scope: Scope::Run,
    about: "Runs a Linux program that was built for riscv64.",
    operands: "PROGRAM [ARGUMENT]...",
    after: "\
Everything after PROGRAM belongs to it. Each option has a variable MYNAH_NAME too (MYNAH_SYSROOT, MYNAH_STATS=1);
QEMU's spellings and variables, in brackets, work as well. Options come from QEMU's variables, then Mynah's, then
the command line.

Examples:
  mynah ./hello                        run a static program
  mynah --sysroot /usr/riscv64-linux-gnu ./a.out
                                       run a dynamic one with its libraries under that directory
  mynah --stats ./a.out                how much was translated, and how long it took
  mynah --strace ./a.out               what it asks the kernel for
  mynah dump --stage ir ./a.out        what its first block becomes; `mynah dump --help` tells more
  mynah binfmt install                 let the kernel run riscv64 programs with it

The exit status is the program's. Mynah's own are 2 for a mistake on the command line, 127 if the program does not
exist, 126 if it cannot be run.",
};

/// Runs a guest; gives its exit status.
pub fn command(words: &[OsString]) -> Result<i32, Refusal> {
    run(args::parse(&USAGE, words, &variable)?)
}

/// Runs the guest that the kernel started Mynah for; all words belong to it, options come from variables only.
pub fn from_kernel(program: PathBuf, argv: Vec<OsString>) -> Result<i32, Refusal> {
    let mut choices = args::parse(&USAGE, &["--".into(), program.clone().into_os_string()], &variable)?;
    choices.run.program = program;
    choices.run.argv = argv;
    run(choices)
}

fn run(choices: Choices) -> Result<i32, Refusal> {
    log::install(&choices.log).map_err(Refusal::Wrong)?;
    Ok(mynah_runtime::start::run_observed(choices.run, log::observers(&choices.log)).unwrap_or_else(|error| {
        eprintln!("mynah: {error}");
        error.exit_code()
    }))
}

/// Options in the environment, which whoever executes a set-user-id program chooses: they do not count there.
fn variable(name: &str) -> Option<OsString> {
    // SAFETY: asks for a number.
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    if secure { None } else { std::env::var_os(name) }
}
