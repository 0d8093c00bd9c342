//! What is measured: the programs, their groups, and the targets.

use std::path::{Path, PathBuf};

/// Which time of a program counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Processor time, user and system, of all its threads and children: translation counts, a busy machine hardly does.
    Cpu,
    /// Time by the clock, for threads that wait for each other.
    Wall,
}

/// Programs of one kind, with the targets for their geometric means.
pub struct Group {
    pub name: &'static str,
    /// Mynah's time in native's: at most this.
    pub native: f64,
    /// QEMU's time in Mynah's: at least this.
    pub qemu: f64,
    pub programs: &'static [(&'static str, Measure)],
}

use Measure::{Cpu, Wall};

/// A program is a file of this name in `benches/programs`, `.c` or `.cpp`, and an entry here.
pub const GROUPS: &[Group] = &[
    Group {
        name: "integer",
        native: 1.5,
        qemu: 3.0,
        programs: &[
            ("fib", Cpu),
            ("interpreter", Cpu),
            ("threaded", Cpu),
            ("hash", Cpu),
            ("qsort", Cpu),
            ("json", Cpu),
            ("lz", Cpu),
            ("sha256", Cpu),
            ("crc", Cpu),
            ("libc", Cpu),
            ("strings", Cpu),
            ("records", Cpu),
            ("sieve", Cpu),
            ("intmat", Cpu),
            ("bignum", Cpu),
        ],
    },
    Group {
        name: "float",
        native: 2.0,
        qemu: 10.0,
        programs: &[
            ("matmul", Cpu),
            ("nbody", Cpu),
            ("fft", Cpu),
            ("mandelbrot", Cpu),
            ("stencil", Cpu),
            ("spectral", Cpu),
            ("single", Cpu),
            ("convert", Cpu),
            ("rounding", Cpu),
        ],
    },
    Group {
        name: "c++",
        native: 2.5,
        qemu: 3.0,
        programs: &[("exceptions", Cpu), ("virtual", Cpu), ("containers", Cpu), ("stdsort", Cpu)],
    },
    Group {
        name: "system",
        native: 1.5,
        qemu: 1.0,
        programs: &[
            ("getpid", Cpu),
            ("pipe", Cpu),
            ("mmap", Cpu),
            ("signals", Cpu),
            ("spawn", Cpu),
            ("mutex", Wall),
            ("atomic", Wall),
            ("jit", Cpu),
        ],
    },
];

/// No single program may take longer than this in native's time, nor longer than under QEMU.
pub const SLOWEST: f64 = 4.0;

/// The name of the group of [`STARTS`].
pub const START: &str = "start";

/// A program that does little: what it costs to start.
pub struct Start {
    pub name: &'static str,
    /// QEMU's time by the clock in Mynah's: at least this. Processor time and peak memory must not be above QEMU's.
    pub qemu: f64,
    pub what: What,
}

/// Where a program that is started comes from.
pub enum What {
    /// `hello.c`, static or not.
    Hello { is_static: bool },
    /// A program of a root that `scripts/fetch-guests` unpacks: the path below `target/guest/ARCH`, and arguments.
    Fetched { path: &'static str, arguments: &'static [&'static str] },
}

pub const STARTS: &[Start] = &[
    Start { name: "hello-static", qemu: 3.0, what: What::Hello { is_static: true } },
    Start { name: "hello-dynamic", qemu: 3.0, what: What::Hello { is_static: false } },
    Start { name: "python3", qemu: 1.5, what: What::Fetched { path: "usr/bin/python3", arguments: &["-c", "pass"] } },
    Start { name: "perl", qemu: 1.5, what: What::Fetched { path: "usr/bin/perl", arguments: &["-e", "1"] } },
    Start {
        name: "bash",
        qemu: 1.5,
        what: What::Fetched {
            path: "usr/bin/bash",
            arguments: &["-c", "for ((i = 0; i < 200; i++)); do printf '%d %s\\n' $i ${BASH_VERSION%%.*}; done"],
        },
    },
];

/// The top folder of the project.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The source of a program.
pub fn source(name: &str) -> PathBuf {
    let path = root().join("benches/programs").join(name);
    let cpp = path.with_extension("cpp");
    if cpp.exists() { cpp } else { path.with_extension("c") }
}

/// Whether a source is C++.
pub fn is_cpp(source: &Path) -> bool {
    source.extension().is_some_and(|e| e == "cpp")
}

/// Whether a word of the command line names a program or a group.
pub fn is_known(word: &str) -> bool {
    word == START
        || STARTS.iter().any(|start| start.name == word)
        || GROUPS.iter().any(|group| group.name == word || group.programs.iter().any(|(name, _)| *name == word))
}
