//! gcc's execution tests (`gcc.c-torture/execute`), built by the cross compiler at several levels and for two instruction
//! sets, run by Mynah and by QEMU: Mynah must pass whatever QEMU passes.
//!
//! By default a sample: each program with one of the ways to build it is run with a probability of one in
//! [`SAMPLE`], by a printed seed (`MYNAH_SEED`). `MYNAH_TORTURE=all` runs everything and lists what does not pass, with the
//! reason; `scripts/torture` fetches the programs and does that. `MYNAH_TORTURE=name,name` runs these in all ways.

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::stream::Random;
use common::{Outcome, build_folder, excerpt, fetched, files, mynah, qemu, run, run_within};

/// One in so many builds is part of the sample.
const SAMPLE: usize = 150;

/// How long a program may run: none takes more than a second or two of a free processor, but the machine may be busy.
const LIMIT: Duration = Duration::from_secs(60);

/// What gcc's own driver of the folder `builtins` adds: the library functions there must not become calls of themselves.
const BUILTINS: [&str; 5] = [
    "-fno-tree-dse",
    "-fno-tree-loop-distribute-patterns",
    "-fno-tracer",
    "-fno-ipa-ra",
    "-fno-inline-functions",
];

const LEVELS: [&str; 4] = ["-O0", "-O2", "-O3", "-Os"];
const ARCHITECTURES: [&str; 2] = ["rv64gc", "rv64gc_zba_zbb_zbc_zbs"];

/// One program, built in one way.
#[derive(Clone)]
struct Build {
    source: PathBuf,
    level: &'static str,
    march: &'static str,
}

/// How a build came out.
enum Verdict {
    NotBuilt(String),
    Ran { qemu: Result<Outcome, String>, mynah: Result<Outcome, String> },
}

fn passes(outcome: &Result<Outcome, String>) -> bool {
    outcome.as_ref().is_ok_and(|o| o.status.success())
}

fn ending(outcome: &Result<Outcome, String>) -> String {
    outcome.as_ref().map_or_else(|_| format!("does not end in {} s", LIMIT.as_secs()), Outcome::ending)
}

/// Options that the program's DejaGnu directives, or the script beside it, give for every target. Those for named targets
/// are left out: none of them is for riscv64 Linux.
fn own_options(source: &Path) -> Vec<String> {
    let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
    let directive = |line: &str| {
        let rest = line.split_once("{ dg-options ").or_else(|| line.split_once("{ dg-additional-options "))?.1;
        let (options, rest) = rest.trim_start_matches(['{', ' ']).strip_prefix('"')?.split_once('"')?;
        rest.trim_start().starts_with('}').then(|| options.to_owned())
    };
    // What is indented stands under a condition.
    let command = |line: &str| {
        let options = ["set additional_flags ", "lappend additional_flags "].iter().find_map(|c| line.strip_prefix(c))?;
        Some(options.replace('"', ""))
    };
    let mut all: Vec<String> = read(source).lines().filter_map(directive).collect();
    all.extend(read(&source.with_extension("x")).lines().filter_map(command));
    all.iter().flat_map(|options| options.split_whitespace()).map(str::to_owned).collect()
}

impl Build {
    fn name(&self) -> String {
        self.source.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn way(&self) -> String {
        format!("{} {}", self.march, self.level)
    }

    /// The program's files: those of `builtins` come with a library and a `main` that they share.
    fn sources(&self) -> Vec<PathBuf> {
        let shared = self.source.with_file_name("lib/main.c");
        if !shared.exists() {
            return vec![self.source.clone()];
        }
        let library = self.source.with_file_name(self.name() + "-lib.c");
        vec![self.source.clone(), library, shared]
    }

    fn check(&self, program: &Path) -> Verdict {
        let mut compiler = Command::new("riscv64-linux-gnu-gcc");
        compiler.args([self.level, "-w", "-static", &format!("-march={}", self.march)]);
        let sources = self.sources();
        if sources.len() > 1 {
            compiler.args(BUILTINS);
        }
        compiler.args(own_options(&self.source)).arg("-o").arg(program).args(sources).arg("-lm");
        match run(compiler, b"") {
            Ok(built) if built.status.success() => {}
            Ok(built) => return Verdict::NotBuilt(first_error(&built.stderr)),
            Err(error) => return Verdict::NotBuilt(error),
        }
        let mut theirs = qemu();
        theirs.args(["-cpu", "max"]).arg(program);
        let mut ours = mynah();
        ours.env("MYNAH_CACHE", "off").arg(program);
        let verdict = Verdict::Ran { qemu: run_within(LIMIT, theirs, b""), mynah: run_within(LIMIT, ours, b"") };
        let _ = std::fs::remove_file(program);
        verdict
    }
}

fn first_error(stderr: &[u8]) -> String {
    let text = excerpt(stderr);
    let line = text.lines().find(|l| l.contains("error") || l.contains("undefined")).unwrap_or(&text);
    line.rsplit("error: ").next().unwrap_or(line).to_owned()
}

/// What a way of building came to.
#[derive(Default)]
struct Count {
    built: usize,
    qemu: usize,
    mynah: usize,
}

/// All results, with those that are not a pass of both by reason.
#[derive(Default)]
struct Report {
    counts: BTreeMap<String, Count>,
    reasons: BTreeMap<String, Vec<String>>,
    failures: Vec<String>,
}

impl Report {
    fn add(&mut self, build: &Build, verdict: Verdict) {
        let count = self.counts.entry(build.way()).or_default();
        let what = format!("{} ({})", build.name(), build.way());
        let reason = match verdict {
            Verdict::NotBuilt(error) => format!("not built: {error}"),
            Verdict::Ran { qemu, mynah } => {
                count.built += 1;
                count.qemu += usize::from(passes(&qemu));
                count.mynah += usize::from(passes(&mynah));
                match (passes(&qemu), passes(&mynah)) {
                    (true, true) => return,
                    (true, false) => {
                        let stderr = mynah.as_ref().map(|o| excerpt(&o.stderr)).unwrap_or_default();
                        self.failures.push(format!("{what}: {} {stderr}", ending(&mynah)));
                        format!("passes under QEMU only: {}", ending(&mynah))
                    }
                    (false, true) => format!("passes under Mynah only: QEMU {}", ending(&qemu)),
                    _ => format!("fails under both: QEMU {}, Mynah {}", ending(&qemu), ending(&mynah)),
                }
            }
        };
        self.reasons.entry(reason).or_default().push(what);
    }

    fn print(&self) {
        println!("| built for | programs | QEMU passes | Mynah passes |\n|---|---|---|---|");
        for (way, c) in &self.counts {
            println!("| {way} | {} | {} | {} |", c.built, c.qemu, c.mynah);
        }
        for (reason, builds) in &self.reasons {
            println!("\n{reason}");
            let mut line = String::new();
            builds.iter().for_each(|b| write!(line, "  {b}").expect("a string takes everything"));
            println!("{line}");
        }
    }
}

/// Every build, those of the programs that are named, or a sample.
fn builds(wanted: &str, seed: u64) -> Vec<Build> {
    let names: Vec<&str> = wanted.split(',').collect();
    let folder = fetched("gcc-torture");
    let mut r = Random(seed);
    let mut list = Vec::new();
    let is_part = |path: &Path| path.parent().is_some_and(|p| p.ends_with("lib")) || path.to_string_lossy().ends_with("-lib.c");
    for source in files(&folder, ".c").into_iter().filter(|path| !is_part(path)) {
        for march in ARCHITECTURES {
            for level in LEVELS {
                let build = Build { source: source.clone(), level, march };
                let named = names.contains(&build.name().as_str());
                if wanted == "all" || named || wanted.is_empty() && r.below(SAMPLE) == 0 {
                    list.push(build);
                }
            }
        }
    }
    list
}

fn run_all(builds: &[Build]) -> Report {
    let (next, report) = (AtomicUsize::new(0), Mutex::new(Report::default()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = std::env::var("MYNAH_JOBS").ok().and_then(|n| n.parse().ok()).unwrap_or(workers);
    let folder = build_folder("torture");
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let (next, report, program) = (&next, &report, folder.join(format!("program{worker}")));
            scope.spawn(move || {
                while let Some(build) = builds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let verdict = build.check(&program);
                    report.lock().expect("no worker panics").add(build, verdict);
                }
            });
        }
    });
    report.into_inner().expect("no worker panics")
}

fn main() -> ExitCode {
    // A name on the command line is another test's.
    if std::env::args().skip(1).any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let wanted = std::env::var("MYNAH_TORTURE").unwrap_or_default();
    let seed = std::env::var("MYNAH_SEED").ok().and_then(|v| v.parse().ok()).unwrap_or(20_261_125);
    let builds = builds(&wanted, seed);
    println!("torture: {} builds, seed {seed}", builds.len());
    let report = run_all(&builds);
    report.print();
    let ran: usize = report.counts.values().map(|c| c.built).sum();
    for failure in &report.failures {
        println!("torture: {failure}");
    }
    println!("torture: {ran} programs ran, {} of them pass under QEMU only", report.failures.len());
    if report.failures.is_empty() && ran > builds.len() / 2 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
