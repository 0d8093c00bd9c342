//! `cargo bench`: compares native, QEMU user-mode and Mynah on the programs of `benches/programs`.
//!
//! Each program is built by Debian's native and cross compilers with the same flags, and run in turn (native, QEMU,
//! Mynah, native, …), so that a machine whose speed drifts does it to all three. Outputs must be equal. What counts is the
//! median of each; absolute times mean little on a busy machine, ratios do.
//!
//! Mynah runs without its cache on disk: what is measured includes translation. The group `start` is measured both without
//! the cache and with one that earlier runs filled.

mod picture;
mod programs;
mod running;
mod table;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use programs::{GROUPS, START, STARTS, Start};
use running::{Contender, Pair, Runner};
use table::{Caption, Format, Report, Row, StartRow};

const HELP: &str = "\
Usage: cargo bench [-- OPTIONS NAMES]
Names are those of programs or of groups (integer, float, c++, system, start); all of them if none is given.
  --format FORMAT  text (if not given), markdown or json
  --runs N         how often each program runs under each; 3 if not given. Programs of `start` run ten times as often
  --qemu PATH      another qemu-riscv64 than the one that scripts/fetch-guests unpacks
  --mynah PATH     another mynah, to be compared with in a column of its own
  --svg FILE       write a picture too
";

struct Choices {
    format: Format,
    runs: usize,
    qemu: PathBuf,
    other: Option<PathBuf>,
    svg: Option<PathBuf>,
    only: Vec<String>,
}

impl Choices {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Choices, String> {
        let qemu = programs::root().join("target/guest/qemu/usr/bin/qemu-riscv64");
        let mut c = Choices { format: Format::Text, runs: 3, qemu, other: None, svg: None, only: Vec::new() };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--bench" => {} // Cargo gives it.
                "--format" => c.format = Format::parse(&value()?)?,
                "--runs" => c.runs = value()?.parse().map_err(|e| format!("--runs: {e}"))?,
                "--qemu" => c.qemu = value()?.into(),
                "--mynah" => c.other = Some(value()?.into()),
                "--svg" => c.svg = Some(value()?.into()),
                name if programs::is_known(name) => c.only.push(word),
                other => return Err(format!("'{other}' is neither an option, a program nor a group\n{HELP}")),
            }
        }
        if c.runs == 0 {
            return Err("--runs: there must be one at least".to_owned());
        }
        c.check()?;
        Ok(c)
    }

    /// Refuses emulators that do not exist.
    fn check(&self) -> Result<(), String> {
        let emulators = [
            ("scripts/fetch-guests unpacks one, --qemu names another", Some(&self.qemu)),
            ("--mynah", self.other.as_ref()),
        ];
        let missing = emulators.into_iter().find_map(|(from, path)| Some((from, path.filter(|p| !p.exists())?)));
        missing.map_or(Ok(()), |(from, path)| Err(format!("{} is missing ({from})", path.display())))
    }

    fn wants(&self, name: &str, group: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|n| n == name || n == group)
    }

    /// Native, QEMU, Mynah, and the other Mynah if there is one.
    fn contenders(&self) -> Vec<Contender> {
        let mynah = |program: &Path| Runner::Mynah { program: program.to_owned(), cache: "off".into() };
        let mut all = vec![
            Contender { name: "native", runner: Runner::Native },
            Contender { name: "QEMU", runner: Runner::Qemu { program: self.qemu.clone() } },
            Contender { name: "Mynah", runner: mynah(Path::new(env!("CARGO_BIN_EXE_mynah"))) },
        ];
        all.extend(self.other.iter().map(|path| Contender { name: "other", runner: mynah(path) }));
        all
    }
}

/// Measures what compute; a program that fails is told of in `failures`, and does not keep others from being measured.
fn measure_programs(c: &Choices, failures: &mut Vec<String>) -> Vec<Row> {
    let contenders = c.contenders();
    let mut rows = Vec::new();
    for group in GROUPS {
        for &(name, measure) in group.programs.iter().filter(|(name, _)| c.wants(name, group.name)) {
            eprintln!("bench: {name}");
            match Pair::built(name, true).and_then(|pair| pair.measure(&contenders, c.runs)) {
                Ok(costs) => rows.push(Row { name, group, measure, costs }),
                Err(why) => failures.push(why),
            }
        }
    }
    rows
}

/// Measures what only starts, with a cache on disk as a further contender.
fn measure_starts(c: &Choices, failures: &mut Vec<String>) -> Vec<StartRow> {
    let directory = programs::root().join("target/bench/cache");
    let _ = std::fs::remove_dir_all(&directory);
    let mut contenders = c.contenders();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_mynah"));
    let warm = Contender { name: "warm", runner: Runner::Mynah { program, cache: directory.clone().into() } };
    contenders.insert(table::WARM, warm.clone());
    let measure = |start: &Start| {
        let Some(pair) = Pair::started(start)? else {
            return Err(format!("{} is left out: it was not fetched (scripts/fetch-guests)", start.name));
        };
        if !pair.warm(&warm, &directory)? {
            eprintln!("bench: {}: the machine is too busy to fill the cache; it is warm in part only", start.name);
        }
        pair.measure(&contenders, c.runs * 10)
    };
    let mut rows = Vec::new();
    for start in STARTS.iter().filter(|start| c.wants(start.name, START)) {
        eprintln!("bench: {}", start.name);
        match measure(start) {
            Ok(costs) => rows.push(StartRow { start, costs }),
            Err(why) => failures.push(why),
        }
    }
    rows
}

fn bench() -> Result<(), String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help") {
        print!("{HELP}");
        return Ok(());
    }
    let c = Choices::parse(words.into_iter())?;
    let caption = Caption::new(c.runs, running::first_line(Command::new(&c.qemu).arg("--version")));
    let mut failures = Vec::new();
    let rows = measure_programs(&c, &mut failures);
    let report = Report { caption, rows, starts: measure_starts(&c, &mut failures) };
    print!("{}", report.text(c.format));
    if let Some(path) = &c.svg {
        std::fs::write(path, picture::svg(&report)).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\nbench: ")) }
}

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bench: {message}");
            ExitCode::FAILURE
        }
    }
}
