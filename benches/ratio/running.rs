//! Building programs, and running each under every contender in turn.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::programs::{Measure, Start, What, is_cpp, root, source};

/// The same for all compilers; contraction differs by default between the architectures and would change results.
const FLAGS: &[&str] = &["-O2", "-ffp-contract=off", "-pthread"];
/// Where Debian's cross compiler has the guest's libraries.
const CROSS_ROOT: &str = "/usr/riscv64-linux-gnu";
/// How long the warm cache may take to get ready. Its translator runs only when the machine is idle.
const WARMING: Duration = Duration::from_secs(120);

/// Who runs a program.
#[derive(Clone)]
pub enum Runner {
    Native,
    /// It needs binfmt_misc to execute further guest programs, unless these name the emulator themselves.
    Qemu {
        program: PathBuf,
    },
    /// With its value for MYNAH_CACHE.
    Mynah {
        program: PathBuf,
        cache: OsString,
    },
}

/// What competes: a column of the table.
#[derive(Clone)]
pub struct Contender {
    pub name: &'static str,
    pub runner: Runner,
}

/// What a run cost.
#[derive(Clone, Copy)]
pub struct Cost {
    /// Seconds by the clock.
    pub wall: f64,
    /// Seconds of processor time, user and system, of the process and the children that it waited for.
    pub cpu: f64,
    /// Peak of resident memory, in KiB.
    pub peak: f64,
}

impl Cost {
    /// The time that counts.
    pub fn time(&self, measure: Measure) -> f64 {
        match measure {
            Measure::Cpu => self.cpu,
            Measure::Wall => self.wall,
        }
    }

    fn medians(costs: &[Cost]) -> Cost {
        let of = |part: fn(&Cost) -> f64| median(costs.iter().map(part).collect());
        Cost { wall: of(|c| c.wall), cpu: of(|c| c.cpu), peak: of(|c| c.peak) }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A program as built for both, with what its guest side needs.
pub struct Pair {
    /// The command that runs it natively.
    native: Vec<OsString>,
    /// The environment of the native command.
    native_env: Vec<(&'static str, OsString)>,
    /// The guest program and its arguments.
    guest: Vec<OsString>,
    /// The guest's root, for programs that are not static.
    sysroot: Option<PathBuf>,
}

impl Pair {
    /// A program of `benches/programs`.
    pub fn built(name: &str, is_static: bool) -> Result<Pair, String> {
        let native = build("", name, is_static)?;
        let guest = build("riscv64-linux-gnu-", name, is_static)?;
        let sysroot = (!is_static).then(|| CROSS_ROOT.into());
        Ok(Pair { native: vec![native.into()], native_env: Vec::new(), guest: vec![guest.into()], sysroot })
    }

    /// What a start is of; `None` if it was not fetched.
    pub fn started(start: &Start) -> Result<Option<Pair>, String> {
        match start.what {
            What::Hello { is_static } => Pair::built("hello", is_static).map(Some),
            What::Fetched { path, arguments } => Ok(Pair::fetched(path, arguments)),
        }
    }

    /// A Debian program; natively it runs with the dynamic linker and libraries of its own release.
    fn fetched(path: &str, arguments: &[&str]) -> Option<Pair> {
        let [guest_root, native_root] = ["riscv64", "amd64"].map(|arch| root().join("target/guest").join(arch));
        let (guest, native) = (guest_root.join(path), native_root.join(path));
        if !guest.exists() || !native.exists() {
            return None;
        }
        let libraries = native_root.join("usr/lib/x86_64-linux-gnu");
        let words: Vec<OsString> = vec![libraries.join("ld-linux-x86-64.so.2").into(), "--library-path".into()];
        let words = words.into_iter().chain([libraries.clone().into(), native.into()]);
        Some(Pair {
            native: words.chain(arguments.iter().map(Into::into)).collect(),
            native_env: vec![
                ("PYTHONHOME", native_root.join("usr").into()),
                ("PERL5LIB", libraries.join("perl-base").into()),
            ],
            guest: [guest.into()].into_iter().chain(arguments.iter().map(Into::into)).collect(),
            sysroot: Some(guest_root),
        })
    }

    /// The command of a contender, in a fixed environment.
    fn command(&self, contender: &Contender) -> Command {
        let mut command = match &contender.runner {
            Runner::Native => Command::new(&self.native[0]),
            Runner::Qemu { program } | Runner::Mynah { program, .. } => Command::new(program),
        };
        command.env_clear().envs([("PATH", "/usr/bin:/bin"), ("HOME", "/"), ("LC_ALL", "C")]);
        if let (Some(sysroot), Runner::Qemu { .. } | Runner::Mynah { .. }) = (&self.sysroot, &contender.runner) {
            command.arg("-L").arg(sysroot);
        }
        match &contender.runner {
            Runner::Native => command.args(&self.native[1..]).envs(self.native_env.iter().cloned()),
            Runner::Qemu { program } => command.args(&self.guest).env("EMULATOR", program),
            Runner::Mynah { cache, .. } => command.args(&self.guest).env("MYNAH_CACHE", cache),
        };
        command
    }

    /// Runs it `runs` times under each contender, in turn, and compares outputs; gives the medians of each contender.
    pub fn measure(&self, contenders: &[Contender], runs: usize) -> Result<Vec<Cost>, String> {
        let mut costs = vec![Vec::new(); contenders.len()];
        let mut expected: Option<Vec<u8>> = None;
        for _ in 0..runs {
            for (contender, costs) in contenders.iter().zip(&mut costs) {
                let (output, cost) = run(&mut self.command(contender))?;
                let expected = expected.get_or_insert_with(|| output.clone());
                if *expected != output {
                    return Err(format!("{:?} prints something else under {}", self.guest[0], contender.name));
                }
                costs.push(cost);
            }
        }
        Ok(costs.iter().map(|costs| Cost::medians(costs)).collect())
    }

    /// Runs it until the cache of the contender is filled, and says whether that came about in time.
    pub fn warm(&self, contender: &Contender, directory: &Path) -> Result<bool, String> {
        let start = Instant::now();
        for _ in 0..4 {
            run(&mut self.command(contender))?;
            while is_busy(directory) {
                if start.elapsed() > WARMING {
                    return Ok(false);
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(true)
    }
}

/// Whether a translator has work in a cache: a file is marked, or its lock is held.
fn is_busy(directory: &Path) -> bool {
    let paths = files(directory);
    // The lock is looked at only when there are no marks: a translator that finds it taken would leave its work.
    let is_held = |path: &PathBuf| File::open(path).is_ok_and(|file| file.try_lock().is_err());
    paths.iter().any(|path| path.extension().is_some_and(|e| e == "wanted"))
        || paths.iter().filter(|path| path.ends_with(".translating")).any(is_held)
}

/// All files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Builds a program with one of Debian's compilers.
fn build(prefix: &str, name: &str, is_static: bool) -> Result<PathBuf, String> {
    let directory = root().join("target/bench");
    std::fs::create_dir_all(&directory).map_err(|e| format!("{}: {e}", directory.display()))?;
    let source = source(name);
    let compiler = format!("{prefix}{}", if is_cpp(&source) { "g++" } else { "gcc" });
    let kind = if is_static { "static" } else { "dynamic" };
    let out = directory.join(format!("{name}.{compiler}.{kind}"));
    let mut command = Command::new(&compiler);
    command.args(FLAGS).args(is_static.then_some("-static")).arg("-o").arg(&out).arg(source).arg("-lm");
    match command.status() {
        Ok(status) if status.success() => Ok(out),
        Ok(_) => Err(format!("{compiler} cannot build {name}")),
        Err(error) => Err(format!("{compiler}: {error}; scripts/install-deps installs it")),
    }
}

/// Runs a command to its end; gives its output and what it cost.
fn run(command: &mut Command) -> Result<(Vec<u8>, Cost), String> {
    let failed = |command: &Command, why: &dyn std::fmt::Display| format!("{command:?}: {why}");
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|e| failed(command, &e))?;
    let mut output = Vec::new();
    child
        .stdout
        .take()
        .expect("standard output is a pipe")
        .read_to_end(&mut output)
        .map_err(|e| failed(command, &e))?;
    let (mut status, mut usage) = (0, empty_usage());
    // SAFETY: both pointers are to locals; the child is ours and was not waited for.
    let waited = unsafe { libc::wait4(child.id() as i32, &mut status, 0, &mut usage) };
    let wall = start.elapsed().as_secs_f64();
    if waited < 0 {
        return Err(failed(command, &std::io::Error::last_os_error()));
    }
    if status != 0 {
        return Err(failed(command, &format!("ended with wait status {status:#x}")));
    }
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    Ok((output, Cost { wall, cpu, peak: usage.ru_maxrss as f64 }))
}

fn empty_usage() -> libc::rusage {
    // SAFETY: a rusage is numbers only, for which zero is a value.
    unsafe { std::mem::zeroed() }
}

/// The first line that a command prints.
pub fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    String::from_utf8_lossy(&output.stdout).lines().next().map(str::to_owned)
}

/// The load of the machine at this moment, in processes that want to run.
pub fn load() -> f64 {
    let mut text = String::new();
    let read = File::open("/proc/loadavg").and_then(|mut file| file.read_to_string(&mut text));
    read.ok().and_then(|_| text.split(' ').next()?.parse().ok()).unwrap_or(0.0)
}
