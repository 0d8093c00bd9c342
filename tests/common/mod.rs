//! What the suites share: where things are, and running programs with a time limit.
#![allow(dead_code)] // Each suite uses a part.

pub mod program;
pub mod row;
pub mod stream;

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a program may run. Generous: the machine may be busy with other tests.
pub const LIMIT: Duration = Duration::from_secs(120);

/// The top folder of the project.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The program under test (that which `MYNAH_UNDER_TEST` names, or the one that was built with the tests), with a cache on
/// disk of the tests' own. Suites run with it cold at first and warm later: what they see must not depend on that.
/// `MYNAH_CACHE` chooses another, or none.
pub fn mynah() -> Command {
    let named = std::env::var_os("MYNAH_UNDER_TEST");
    let mut command = clean(Command::new(named.unwrap_or_else(|| env!("CARGO_BIN_EXE_mynah").into())));
    let chosen = std::env::var_os("MYNAH_CACHE").map(PathBuf::from);
    command.env("MYNAH_CACHE", chosen.unwrap_or_else(|| root().join("target/test-cache")));
    command
}

/// A program that `scripts/fetch-guests` downloaded, by its path under `target/guest`. Panics if it is not there: a
/// test without its programs tests nothing.
pub fn fetched(path: &str) -> PathBuf {
    let path = root().join("target/guest").join(path);
    assert!(path.exists(), "{} is missing: run scripts/fetch-guests", path.display());
    path
}

/// QEMU's user-mode emulator, the second opinion.
pub fn qemu() -> Command {
    clean(Command::new(fetched("qemu/usr/bin/qemu-riscv64")))
}

/// A command whose result does not depend on who runs the tests: a fixed environment.
pub fn clean(mut command: Command) -> Command {
    command.env_clear();
    command.envs([("PATH", "/usr/bin:/bin"), ("HOME", "/"), ("LC_ALL", "C"), ("TZ", "UTC")]);
    command
}

/// What a program did.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// How it ended.
    pub status: ExitStatus,
}

impl Outcome {
    /// The exit status in words.
    pub fn ending(&self) -> String {
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("status {code}"),
            (_, Some(signal)) => format!("signal {signal}"),
            _ => "no status".to_owned(),
        }
    }
}

/// Runs a command to its end with `input` as standard input. Kills it after [`LIMIT`], which is an error, as is a
/// command that does not start.
pub fn run(command: Command, input: &[u8]) -> Result<Outcome, String> {
    run_within(LIMIT, command, input)
}

/// [`run`] with another limit.
pub fn run_within(limit: Duration, mut command: Command, input: &[u8]) -> Result<Outcome, String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("{command:?} does not start: {error}"))?;
    feed(&mut child, input.to_vec());
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let status = wait(&mut child, limit).map_err(|why| format!("{command:?}: {why}"))?;
    let join = |reader: JoinHandle<Vec<u8>>| reader.join().expect("a reader thread does not panic");
    Ok(Outcome { stdout: join(stdout), stderr: join(stderr), status })
}

/// Writes the input from a thread of its own; a program need not read it.
fn feed(child: &mut Child, input: Vec<u8>) {
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
}

fn drain(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    let mut stream = stream.expect("output is a pipe");
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes
    })
}

fn wait(child: &mut Child, limit: Duration) -> Result<ExitStatus, String> {
    let start = Instant::now();
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(status);
        }
        if start.elapsed() > limit {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("still running after {} s", limit.as_secs()));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Compares what a program did under Mynah with what it should do; the error shows where they part.
pub fn compare(oracle: &str, expected: &Outcome, mynah: &Outcome) -> Result<(), String> {
    let mut report = String::new();
    if mynah.status != expected.status {
        let _ = writeln!(report, "ends with {} instead of {} ({oracle})", mynah.ending(), expected.ending());
    }
    if mynah.stdout != expected.stdout {
        let _ = writeln!(report, "standard output differs from that of {oracle}: {}", difference(expected, mynah));
    }
    if report.is_empty() {
        return Ok(());
    }
    if !mynah.stderr.is_empty() {
        let _ = writeln!(report, "standard error:\n{}", excerpt(&mynah.stderr));
    }
    Err(report)
}

/// The first line in which the outputs differ.
fn difference(expected: &Outcome, mynah: &Outcome) -> String {
    let lines = |outcome: &Outcome| -> Vec<Vec<u8>> {
        outcome.stdout.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect()
    };
    let (want, got) = (lines(expected), lines(mynah));
    let at = want.iter().zip(&got).take_while(|(a, b)| a == b).count();
    let line = |lines: &[Vec<u8>]| lines.get(at).map_or("(end)".to_owned(), |line| excerpt(line));
    format!("line {}\n  expected: {}\n  got:      {}", at + 1, line(&want), line(&got))
}

/// The beginning of some bytes, printable.
pub fn excerpt(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(2000)];
    String::from_utf8_lossy(cut).trim_end().to_owned()
}

/// A folder for what a suite builds, kept between runs.
pub fn build_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("the build folder can be made");
    folder
}

/// All files below `folder` whose name ends with `suffix`, sorted.
pub fn files(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("a folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(suffix) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
