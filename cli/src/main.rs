//! The `mynah` command.
#![cfg_attr(not(test), no_main)]
// Only the entry point uses most of the rest, and a test harness has its own.
#![cfg_attr(test, allow(dead_code))]

mod args;
mod cache;
mod dump;
mod log;
mod options;
mod run;

use std::ffi::{OsString, c_char, c_int};
use std::io::Write;

use args::Refusal;

/// Commands other than running a program, by their first word. A guest program of that name is `./name`.
static COMMANDS: &[(&str, fn(&[OsString]) -> Result<i32, Refusal>)] = &[("cache", cache::command), ("dump", dump::command)];

/// The C entry point instead of Rust's: Rust's start-up code ignores SIGPIPE, installs signal handlers and opens
/// closed standard files, and the guest would inherit all of that.
// SAFETY: the symbol that the C runtime calls once, with this signature; nothing else in the program defines it.
#[cfg_attr(not(test), unsafe(export_name = "main"))]
pub extern "C" fn start(_argc: c_int, _argv: *const *const c_char) -> c_int {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let chosen = words.first().and_then(|word| COMMANDS.iter().find(|(name, _)| word == name));
    let result = match chosen {
        Some((_, command)) => command(&words[1..]),
        None => run::command(&words),
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
