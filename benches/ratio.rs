//! `cargo bench`: compares native, QEMU user-mode and Mynah on the programs of `benches/programs`.
//!
//! Each program is built by Debian's native and cross compilers with the same flags, and run in turn (native, QEMU,
//! Mynah, native, …), so that a machine whose speed drifts does it to all three. Outputs must be equal. What is printed is
//! the median user time of each and the ratios; absolute times mean little on a busy machine.
//!
//! Mynah runs without its cache on disk: what is measured includes translation.
//!
//! Arguments after `--`: `--format json|text`, `--runs N`, `--qemu PATH`, `--svg FILE`, and names of programs.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use serde_json::json;

/// Programs and their groups: a program is a file of this name and a row here.
const PROGRAMS: &[(&str, &str)] = &[
    ("fib", "integer"),
    ("sieve", "integer"),
    ("interpreter", "integer"),
    ("qsort", "integer"),
    ("strings", "integer"),
    ("nbody", "float"),
    ("matmul", "float"),
];

/// The same for both compilers; contraction differs by default between them and would change results.
const FLAGS: &[&str] = &["-O2", "-static", "-ffp-contract=off"];

struct Choices {
    json: bool,
    runs: usize,
    qemu: PathBuf,
    svg: Option<PathBuf>,
    only: Vec<String>,
}

struct Row {
    name: &'static str,
    group: &'static str,
    /// Median user seconds: native, QEMU, Mynah.
    seconds: [f64; 3],
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn choices() -> Result<Choices, String> {
    let qemu = root().join("target/guest/qemu/usr/bin/qemu-riscv64");
    let mut c = Choices { json: false, runs: 3, qemu, svg: None, only: Vec::new() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--bench" => {}
            "--format" => c.json = value()? == "json",
            "--runs" => c.runs = value()?.parse().map_err(|e| format!("--runs: {e}"))?,
            "--qemu" => c.qemu = value()?.into(),
            "--svg" => c.svg = Some(value()?.into()),
            name if PROGRAMS.iter().any(|(known, _)| *known == name) => c.only.push(word),
            other => return Err(format!("'{other}' is neither an option nor a program")),
        }
    }
    Ok(c)
}

fn build(compiler: &str, name: &str, suffix: &str) -> Result<PathBuf, String> {
    let directory = root().join("target/bench");
    std::fs::create_dir_all(&directory).map_err(|e| e.to_string())?;
    let out = directory.join(format!("{name}.{suffix}"));
    let source = root().join("benches/programs").join(format!("{name}.c"));
    let status = Command::new(compiler).args(FLAGS).arg("-o").arg(&out).arg(source).arg("-lm").status();
    match status {
        Ok(status) if status.success() => Ok(out),
        Ok(_) => Err(format!("{compiler} cannot build {name}")),
        Err(error) => Err(format!("{compiler}: {error}; scripts/install-deps installs it")),
    }
}

/// Runs a command; gives its output and user seconds.
fn run(command: &mut Command) -> Result<(Vec<u8>, f64), String> {
    let before = children_user();
    let output =
        command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().map_err(|e| format!("{command:?}: {e}"))?;
    if !output.status.success() {
        return Err(format!("{command:?} ended with {:?} {:?}", output.status.code(), output.status.signal()));
    }
    Ok((output.stdout, children_user() - before))
}

/// User time of all children so far, in seconds.
fn children_user() -> f64 {
    // SAFETY: an all-zero rusage is valid, and the call fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage);
        usage
    };
    usage.ru_utime.tv_sec as f64 + usage.ru_utime.tv_usec as f64 / 1e6
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn measure(name: &'static str, group: &'static str, c: &Choices) -> Result<Row, String> {
    let native = build("gcc", name, "native")?;
    let guest = build("riscv64-linux-gnu-gcc", name, "riscv64")?;
    let mynah = Path::new(env!("CARGO_BIN_EXE_mynah"));
    let mut times: [Vec<f64>; 3] = Default::default();
    for _ in 0..c.runs {
        let mut outputs = Vec::new();
        let commands = [vec![&*native], vec![&*c.qemu, &*guest], vec![mynah, &*guest]];
        for (words, times) in commands.iter().zip(&mut times) {
            let (output, seconds) = run(Command::new(words[0]).args(&words[1..]).env("MYNAH_CACHE", "off"))?;
            outputs.push(output);
            times.push(seconds);
        }
        if outputs.iter().any(|o| *o != outputs[0]) {
            return Err(format!("{name}: the outputs differ"));
        }
    }
    Ok(Row { name, group, seconds: times.map(median) })
}

fn geometric_mean(values: impl Iterator<Item = f64>) -> f64 {
    let logs: Vec<f64> = values.map(f64::ln).collect();
    (logs.iter().sum::<f64>() / logs.len() as f64).exp()
}

impl Row {
    /// Mynah's time in native's, QEMU's in native's, QEMU's in Mynah's.
    fn ratios(&self) -> [f64; 3] {
        let [native, qemu, mynah] = self.seconds.map(|s| s.max(0.001));
        [mynah / native, qemu / native, qemu / mynah]
    }
}

fn print_text(rows: &[Row]) {
    println!(
        "{:<14}{:>9}{:>9}{:>9}   {:>12}{:>12}{:>12}",
        "", "native s", "QEMU s", "Mynah s", "Mynah/native", "QEMU/native", "QEMU/Mynah"
    );
    for row in rows {
        let ([native, qemu, mynah], [a, b, c]) = (row.seconds, row.ratios());
        println!("{:<14}{native:>9.3}{qemu:>9.3}{mynah:>9.3}   {a:>12.2}{b:>12.2}{c:>12.2}", row.name);
    }
    let mut groups: Vec<&str> = rows.iter().map(|r| r.group).collect();
    groups.dedup();
    for group in groups {
        let mean = |i: usize| geometric_mean(rows.iter().filter(|r| r.group == group).map(|r| r.ratios()[i]));
        println!("{:<41}   {:>12.2}{:>12.2}{:>12.2}", format!("geometric mean, {group}"), mean(0), mean(1), mean(2));
    }
}

fn svg(rows: &[Row]) -> String {
    let widest = rows.iter().flat_map(|r| r.ratios()[..2].to_vec()).fold(1.0, f64::max);
    let mut out = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='760' height='{}' font-family='sans-serif' font-size='13'>\n",
        rows.len() * 44 + 40
    );
    out += "<text x='10' y='20'>Time in multiples of native (shorter is better): QEMU grey, Mynah blue</text>\n";
    for (i, row) in rows.iter().enumerate() {
        let (y, [mynah, qemu, _]) = (i * 44 + 36, row.ratios());
        out += &format!("<text x='10' y='{}'>{}</text>\n", y + 20, row.name);
        for (offset, value, colour) in [(0, qemu, "#999"), (16, mynah, "#36c")] {
            let width = value / widest * 560.0;
            out += &format!(
                "<rect x='110' y='{}' width='{width:.1}' height='14' fill='{colour}'/><text x='{:.1}' y='{}'>{value:.2}</text>\n",
                y + offset,
                116.0 + width,
                y + offset + 12
            );
        }
    }
    out + "</svg>\n"
}

fn bench() -> Result<(), String> {
    let c = choices()?;
    if !c.qemu.exists() {
        return Err(format!("{} is missing: run scripts/fetch-guests, or name another with --qemu", c.qemu.display()));
    }
    let chosen = PROGRAMS.iter().filter(|(name, _)| c.only.is_empty() || c.only.iter().any(|n| n == name));
    let rows = chosen.map(|(name, group)| measure(name, group, &c)).collect::<Result<Vec<_>, _>>()?;
    if c.json {
        let list: Vec<_> = rows.iter().map(|r| json!({"name": r.name, "group": r.group, "native": r.seconds[0], "qemu": r.seconds[1], "mynah": r.seconds[2]})).collect();
        println!("{}", json!(list));
    } else {
        print_text(&rows);
    }
    match &c.svg {
        Some(path) => std::fs::write(path, svg(&rows)).map_err(|e| format!("{}: {e}", path.display())),
        None => Ok(()),
    }
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
