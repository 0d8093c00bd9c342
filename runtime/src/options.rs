//! What the person who runs Mynah chose. The command line fills it; the runtime only reads it.

use std::ffi::OsString;
use std::path::PathBuf;

use mynah_backend::features::HostFeatures;
use mynah_frontend::riscv64::Cpu;
use mynah_ir::passes::Passes;

use crate::debug;
use crate::observe::{perf, profile, vectors};

/// Which tiers may run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tiers {
    /// Tier 0 first, tier 1 when hot.
    #[default]
    Both,
    /// Only pre-decoded execution; Cranelift is never touched.
    Only0,
    /// Compile at the first execution.
    Only1,
}

/// The summary at exit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Summary {
    /// None.
    #[default]
    No,
    /// Lines for people.
    Text,
    /// One line of JSON.
    Json,
}

/// Options of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The guest program as named on the command line.
    pub program: PathBuf,
    /// The guest's argument vector, `argv[0]` included.
    pub argv: Vec<OsString>,
    /// The guest's environment, as `NAME=value` strings.
    pub env: Vec<OsString>,
    /// Prefix under which guest paths are looked up first (`-L`).
    pub sysroot: Option<PathBuf>,
    /// Guest CPU model.
    pub cpu: Cpu,
    /// Main thread's stack size in bytes (`-s`); the limit of the stack if absent.
    pub stack_size: Option<u64>,
    /// Limits of the guest's own use of memory, as `--rlimit` takes them, already checked; what is not in it comes from the
    /// limits that Mynah was started with.
    pub limits: String,
    /// Guest base to use instead of the automatic choice (`-B`).
    pub guest_base: Option<u64>,
    /// What `uname -r` answers instead of the host's release (`-r`).
    pub uname_release: Option<String>,
    /// Print every system call (`-strace`).
    pub strace: bool,
    /// Which tiers run.
    pub tiers: Tiers,
    /// Executions of a block before it is compiled.
    pub threshold: u32,
    /// Translate on a thread beside the guest's.
    pub background: bool,
    /// Limit of the code cache in bytes (`-tb-size` in MiB).
    pub cache_size: usize,
    /// Directory of the cache on disk; none if translations are neither taken from there nor kept.
    pub cache: Option<PathBuf>,
    /// Limit of the cache on disk in bytes.
    pub cache_limit: u64,
    /// What compiled code may use of the host.
    pub host: HostFeatures,
    /// IR passes to run on compiled blocks.
    pub passes: Passes,
    /// Run the IR verifier on everything that is compiled.
    pub verify: bool,
    /// Seed of the guest's AT_RANDOM and layout (`-seed`); random if absent.
    pub seed: Option<u64>,
    /// Print the summary of blocks, tiers and times at exit (`--stats`).
    pub stats: Summary,
    /// Where a debugger connects (`-g`).
    pub gdb: Option<debug::Address>,
    /// Write basic-block vectors to this file (`--bbv`).
    pub vectors: Option<PathBuf>,
    /// Guest instructions in an interval of them.
    pub interval: u64,
    /// What to tell `perf` (`-perfmap`, `-jitdump`).
    pub perf: Vec<perf::Kind>,
    /// Write a profile (`--profile`).
    pub profile: Option<profile::Options>,
    /// Options to repeat when the guest executes another guest program: Mynah's own command line before the program.
    pub carried: Vec<OsString>,
}

/// Executions of a block before it is compiled, unless chosen otherwise. Translation happens in place: `python3 -c pass` took
/// least CPU time between 3000 and 6000.
pub const THRESHOLD: u32 = 4000;

/// Limit of the code cache in bytes, unless chosen otherwise.
pub const CACHE_SIZE: usize = 64 << 20;

/// Limit of the cache on disk in bytes, unless chosen otherwise.
pub const CACHE_LIMIT: u64 = 1 << 30;

impl Default for Options {
    /// What a run is like when nothing was chosen: no program, an empty environment, no sysroot.
    fn default() -> Options {
        Options {
            program: PathBuf::new(),
            argv: Vec::new(),
            env: Vec::new(),
            sysroot: None,
            cpu: Cpu::default(),
            stack_size: None,
            limits: String::new(),
            guest_base: None,
            uname_release: None,
            strace: false,
            tiers: Tiers::default(),
            threshold: THRESHOLD,
            background: std::thread::available_parallelism().is_ok_and(|n| n.get() > 1),
            cache_size: CACHE_SIZE,
            cache: None,
            cache_limit: CACHE_LIMIT,
            host: HostFeatures::default(),
            passes: Passes::ALL,
            verify: false,
            seed: None,
            stats: Summary::No,
            gdb: None,
            vectors: None,
            interval: vectors::INTERVAL,
            perf: Vec::new(),
            profile: None,
            carried: Vec::new(),
        }
    }
}
