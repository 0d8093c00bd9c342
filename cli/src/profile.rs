//! `mynah profile`: what a program did, in the guest's own terms.
//!
//! | file | topic |
//! |---|---|
//! | `symbols` | names and lines for guest code |
//! | `merge` | the records of all processes become a report |
//! | `model` | what a report holds |
//! | `output` | the forms in which it is written; `text`, `binary` and `html` make some of them |
//! | `diff` | two reports compared |

mod binary;
mod diff;
mod html;
mod merge;
mod model;
mod output;
mod symbols;
mod text;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mynah_runtime::host;
use mynah_runtime::start::{self, Ending};

use crate::args::{self, Refusal, Usage};
use crate::log;
use crate::options::{Choices, Scope};
use model::Report;
use output::FORMS;

/// How a profile is taken.
pub static RUN: Usage = Usage {
    name: "mynah profile",
    scope: Scope::Profile,
    about: "Runs a riscv64 program, watches it and all that it starts, and reports what they did.",
    operands: "PROGRAM [ARGUMENT]...",
    after: "\
Forms of --output: text (which standard error gets if none is given), html, json, csv, functions, folded, callgrind,
pprof, firefox, drcov, lcov.

Examples:
  mynah profile ./a.out                                  where its time goes, by samples
  mynah profile --counts ./a.out                         how often everything was executed, exactly
  mynah profile --output html=report.html ./a.out        one page for a browser
  mynah --profile FILE ./a.out                           the same on a plain run, reported later with
  mynah profile report --output folded=- FILE            any form
  mynah profile diff --fail-over 5% BEFORE AFTER         what got slower; status 1 if over 5% in all

The exit status is the program's. Reports say by name what is missing from them.",
};

static REPORT: Usage = Usage {
    name: "mynah profile report",
    scope: Scope::Report,
    about: "Writes a profile that --profile took in other forms.",
    operands: "FILE",
    after: "Forms: text, html, json, csv, functions, folded, callgrind, pprof, firefox, drcov, lcov; text on standard output if none is given.",
};

static DIFF: Usage = Usage {
    name: "mynah profile diff",
    scope: Scope::Diff,
    about: "Compares two profiles: what costs more, what ran more often, what is new.",
    operands: "BEFORE AFTER",
    after: "Counts of a deterministic program are the same on each run; samples are compared as they are.",
};

/// What is written.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Request {
    /// In which forms, and where to.
    pub outputs: Vec<Output>,
    /// Whether to show what is hot meanwhile.
    pub live: bool,
    /// For `diff`: how much more fails, in percent.
    pub fail_over: Option<f64>,
}

/// One form and its file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output {
    form: &'static str,
    file: PathBuf,
}

impl Output {
    /// Reads `FORM=FILE`.
    pub fn parse(value: &OsStr) -> Result<Output, String> {
        let name = |form: &output::Form| format!("{} ({})", form.name, form.about);
        let names = || FORMS.iter().map(name).collect::<Vec<_>>().join(", ");
        let bytes = value.as_bytes();
        let at = bytes.iter().position(|byte| *byte == b'=');
        let at = at.ok_or_else(|| format!("'{}' is not FORM=FILE; there are {}", value.display(), names()))?;
        let (name, file) = (&bytes[..at], &bytes[at + 1..]);
        let form = FORMS.iter().find(|form| form.name.as_bytes() == name);
        let form = form.ok_or_else(|| {
            format!("there is no form '{}'; there are {}", String::from_utf8_lossy(name), names())
        })?;
        if file.is_empty() {
            return Err(format!("'{}' names no file", value.display()));
        }
        Ok(Output { form: form.name, file: PathBuf::from(OsStr::from_bytes(file)) })
    }

    /// Writes a report.
    fn write(&self, report: &Report) -> Result<(), String> {
        let form = FORMS.iter().find(|form| form.name == self.form);
        let make = form.expect("only forms of the table are chosen").make;
        let bytes = make(report).map_err(|why| format!("cannot write {}: {why}", self.form))?;
        let result = if self.file == Path::new("-") {
            let mut out = std::io::stdout().lock();
            out.write_all(&bytes).and_then(|()| out.flush())
        } else {
            fs::write(&self.file, bytes)
        };
        match result {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(format!("cannot write '{}': {error}", self.file.display()))
            }
            _ => Ok(()),
        }
    }
}

/// Runs the command: a program, `report`, or `diff`.
pub fn command(words: &[OsString]) -> Result<i32, Refusal> {
    let parse = |usage, words| args::parse(usage, words, &|name| std::env::var_os(name));
    match words.first().and_then(|word| word.to_str()) {
        Some("report") => report(parse(&REPORT, &words[1..])?),
        Some("diff") => compare(parse(&DIFF, &words[1..])?),
        _ => run(parse(&RUN, words)?),
    }
}

/// Writes a report in each form; the status for problems, which are told.
fn write_all(report: &Report, outputs: &[Output]) -> bool {
    let failed: Vec<String> = outputs.iter().filter_map(|output| output.write(report).err()).collect();
    failed.iter().for_each(|why| eprintln!("mynah: {why}"));
    failed.is_empty()
}

fn report(choices: Choices) -> Result<i32, Refusal> {
    let report = merge::read(&choices.run.program).map_err(Refusal::Wrong)?;
    if choices.report.outputs.is_empty() {
        return Err(Refusal::Show(text::summary(&report)));
    }
    Ok(if write_all(&report, &choices.report.outputs) { 0 } else { 1 })
}

fn compare(choices: Choices) -> Result<i32, Refusal> {
    let [before, after] = choices.run.argv.as_slice() else {
        return Err(Refusal::Wrong("two profiles are needed: BEFORE and AFTER".to_owned()));
    };
    let read = |name: &OsString| merge::read(Path::new(name)).map_err(Refusal::Wrong);
    let (text, growth) = diff::compare(&read(before)?, &read(after)?).map_err(Refusal::Wrong)?;
    print!("{text}");
    match choices.report.fail_over {
        Some(limit) if growth > limit => {
            eprintln!("mynah: {growth:.2}% more, over the limit of {limit}%");
            Ok(1)
        }
        _ => Ok(0),
    }
}

fn run(mut choices: Choices) -> Result<i32, Refusal> {
    log::install(&choices.log).map_err(Refusal::Wrong)?;
    let kept = choices.run.profile.as_ref().map(|profile| profile.file.clone());
    let file = kept.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("mynah-profile-{}-{:x}", std::process::id(), started()))
    });
    let live = choices.report.live && std::io::stderr().is_terminal() && !choices.profile.counts;
    choices.profile.live = live;
    choices.profile.file.clone_from(&file);
    if kept.is_none() {
        let again = [b"+", file.as_os_str().as_bytes()].concat();
        choices.run.carried.extend(["--profile".into(), OsStr::from_bytes(&again).to_owned()]);
    }
    choices.run.profile = Some(choices.profile.clone());
    let mut last = Instant::now();
    let ending = start::run_in_child(choices.run, log::observers(&choices.log), || {
        if live && last.elapsed() > Duration::from_secs(1) {
            last = Instant::now();
            show(&file);
        }
    });
    let ending = ending.ok_or_else(|| Refusal::Wrong("cannot make a process for the program".to_owned()))?;
    let report = merge::read(&file);
    if kept.is_none() {
        let _ = fs::remove_file(&file);
    }
    let written = match report {
        // The program could not be loaded, and that has been said.
        Err(_) if matches!(ending, Ending::Status(126 | 127 | 2)) => true,
        Err(why) => {
            eprintln!("mynah: {why}");
            false
        }
        Ok(report) if choices.report.outputs.is_empty() => {
            eprint!("{}", text::summary(&report));
            true
        }
        Ok(report) => write_all(&report, &choices.report.outputs),
    };
    match ending {
        Ending::Signal(signal) => host::signal::die(signal),
        Ending::Status(0) if !written => Ok(1),
        Ending::Status(status) => Ok(status),
    }
}

/// Something that no file of an earlier process with this id has in its name.
fn started() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_nanos())
}

/// Shows what is hot so far.
fn show(file: &Path) {
    if let Ok(report) = merge::read(file) {
        // Clears the screen and goes to its top (ECMA-48).
        eprint!("\x1b[2J\x1b[H{}", text::summary(&report));
    }
}
