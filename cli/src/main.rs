//! The `mynah` command.
#![cfg_attr(not(test), no_main)]
// Only the entry point uses most of the rest, and a test harness has its own.
#![cfg_attr(test, allow(dead_code))]

mod args;
mod binfmt;
mod cache;
mod dump;
mod list;
mod log;
mod options;
mod profile;
mod run;

use std::ffi::{OsString, c_char, c_int};
use std::io::Write;
use std::path::Path;

use args::Refusal;

/// Commands other than running a program, by their first word. A guest program of that name is `./name`.
static COMMANDS: &[(&str, fn(&[OsString]) -> Result<i32, Refusal>)] =
    &[
        ("binfmt", binfmt::command),
        ("cache", cache::command),
        ("dump", dump::command),
        ("list", list::command),
        ("profile", profile::command),
    ];

/// Names under which Mynah takes every first word for an option or a program: QEMU has no commands.
const PLAIN_NAMES: [&str; 3] = ["qemu-riscv64", "qemu-riscv64-static", "mynah-riscv64"];

/// The C entry point instead of Rust's: Rust's start-up code ignores SIGPIPE, installs signal handlers and opens
/// closed standard files, and the guest would inherit all of that.
// SAFETY: the symbol that the C runtime calls once, with this signature; nothing else in the program defines it.
#[cfg_attr(not(test), unsafe(export_name = "main"))]
pub extern "C" fn start(_argc: c_int, _argv: *const *const c_char) -> c_int {
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_default();
    let words: Vec<OsString> = words.collect();
    let plain = Path::new(&name).file_name().is_some_and(|name| PLAIN_NAMES.iter().any(|plain| name == *plain));
    let chosen = words.first().filter(|_| !plain).and_then(|word| COMMANDS.iter().find(|(name, _)| word == name));
    let result = match (binfmt::from_kernel(&words), chosen) {
        (Some((program, argv)), _) => run::from_kernel(program, argv),
        (None, Some((_, command))) => command(&words[1..]),
        (None, None) => run::command(&words),
    };
    match result {
        Ok(status) => status,
        Err(Refusal::Show(text)) => print(&text),
        Err(Refusal::Wrong(message)) => {
            eprintln!("mynah: {message}");
            2
        }
    }
}

/// Prints text that was asked for. A reader that went away is no error; any other failure is.
fn print(text: &str) -> i32 {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("mynah: standard output: {error}");
            1
        }
        _ => 0,
    }
}
