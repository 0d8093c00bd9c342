//! Debian programs: what the riscv64 one prints under Mynah is what the amd64 one of the same release prints, and the
//! exit statuses are equal. The commands stand in `tests/real/commands.txt`; `scripts/fetch-guests` unpacks the programs.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};

/// Option sets that every eighth command also runs with; all of them run with none.
const OPTIONS: &[&[&str]] = &[&["--tier", "0"], &["--tier", "1"], &["--threshold", "20"], &["-B", "0x100000000000"]];

/// The directory of the programs of one architecture.
fn root(arch: &str) -> PathBuf {
    common::root().join("target/guest").join(arch)
}

fn program(arch: &str, name: &str) -> PathBuf {
    let found = ["usr/bin", "bin"].iter().map(|dir| root(arch).join(dir).join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{name} for {arch} is missing: run scripts/fetch-guests"))
}

/// Splits a line into words; single and double quotes keep words together, nothing is expanded.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut inside) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => word.push(c),
            None if c == '\'' => (quote, inside) = (Some(c), true),
            None if c == ' ' => {
                if inside {
                    words.push(std::mem::take(&mut word));
                }
                inside = false;
            }
            None => {
                word.push(c);
                inside = true;
            }
        }
    }
    if inside {
        words.push(word);
    }
    words
}

/// Commands run among the files of `tests/real`.
fn run(mut command: Command) -> Output {
    command.current_dir(common::root().join("tests/real"));
    command.stdin(Stdio::null()).output().expect("the command starts")
}

fn guest(words: &[String], options: &[&str]) -> Output {
    let mut command = common::mynah();
    command.args(options).arg("-L").arg(root("riscv64")).args(["-0", &words[0]]);
    command.arg(program("riscv64", &words[0])).args(&words[1..]);
    run(command)
}

/// The amd64 program, with the dynamic linker and libraries of its own release.
fn twin(words: &[String]) -> Output {
    let root = root("amd64");
    let libraries = root.join("usr/lib/x86_64-linux-gnu");
    let path = program("amd64", &words[0]);
    let mut command;
    if words[0] == "busybox" {
        command = common::clean(Command::new(path));
    } else {
        command = common::clean(Command::new(libraries.join("ld-linux-x86-64.so.2")));
        command.args(["--argv0", &words[0]]).arg("--library-path").arg(&libraries).arg(path);
        // The interpreters look for their libraries beside the program or under these.
        let version = |name: &str| version_directory(&root.join(name));
        command.env("PYTHONHOME", root.join("usr"));
        command.env(
            "PERL5LIB",
            [root.join("usr/lib/x86_64-linux-gnu/perl-base"), version("usr/share/perl")]
                .map(|p| p.display().to_string())
                .join(":"),
        );
    }
    command.args(&words[1..]);
    run(command)
}

/// The only subdirectory whose name begins with a digit, or the directory itself.
fn version_directory(path: &Path) -> PathBuf {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut versions = entries.filter(|p| p.file_name().is_some_and(|n| n.as_encoded_bytes()[0].is_ascii_digit()));
    versions.next().unwrap_or_else(|| path.to_owned())
}

fn compare(words: &[String], options: &[&str]) -> Result<(), Failed> {
    let (got, expected) = (guest(words, options), twin(words));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if got.stdout != expected.stdout {
        let (got, expected, err) = (text(&got.stdout), text(&expected.stdout), text(&got.stderr));
        return Err(
            format!("output differs\n--- amd64\n{expected}\n--- Mynah\n{got}\n--- Mynah's stderr\n{err}").into()
        );
    }
    if got.status != expected.status {
        return Err(format!("{:?} instead of {:?}: {}", got.status, expected.status, text(&got.stderr)).into());
    }
    Ok(())
}

fn main() {
    let list = include_str!("real/commands.txt");
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut trials = Vec::new();
    for (i, line) in lines.enumerate() {
        let words = split(line);
        let mut sets: Vec<&[&str]> = vec![&[]];
        if i % 8 == 0 {
            sets.extend(OPTIONS);
        }
        for options in sets {
            let (name, words) = (format!("{} {line}", options.join(" ")), words.clone());
            trials.push(Trial::test(name, move || compare(&words, options)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
