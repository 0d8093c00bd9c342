//! Why a program cannot be run, in words.

use std::fmt;
use std::path::PathBuf;

use crate::linux::Errno;

/// A program that cannot be loaded: which file, and why. Displays as what follows `mynah: `.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadError {
    /// The file as it was named.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: Reason,
}

/// Why a file cannot be loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // The texts below say what each means.
pub enum Reason {
    NotFound,
    NoPermission,
    Directory,
    NotRegular,
    Io(Errno),
    Empty,
    NotElf,
    Script { interpreter: PathBuf, reason: Box<Reason> },
    TooManyScripts,
    BadScript,
    WrongMachine(u16),
    Aarch64,
    Bits32,
    BigEndian,
    Truncated { what: &'static str, needed: u64, size: u64 },
    NotExecutable(u16),
    HeaderSize(u16),
    TooManySegments(u64),
    BadIdentity { class: u8, data: u8 },
    NoSegments,
    Segment { index: usize, problem: SegmentProblem },
    BadInterpreter(&'static str),
    MissingInterpreter(PathBuf),
    Interpreter { path: PathBuf, reason: Box<Reason> },
    NoRoom { start: u64, len: u64, errno: Errno },
    ArgumentsTooLong { size: u64, limit: u64 },
    GuestBase { base: u64, errno: Errno },
    Profile(Errno),
    Debugger(Errno),
}

/// What is wrong with a loadable segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // The texts below say what each means.
pub enum SegmentProblem {
    FileLarger,
    Misaligned,
    Wraps,
    BeyondAddressSpace,
    Overlaps(usize),
    Huge(u64),
}

impl LoadError {
    /// The status a shell would give: 127 for a program that does not exist, 126 for one that cannot be run.
    pub fn exit_code(&self) -> i32 {
        match self.reason {
            Reason::NotFound => 127,
            Reason::Profile(_) | Reason::Debugger(_) => 2,
            _ => 126,
        }
    }

    /// What `execve` answers for this program.
    pub fn errno(&self) -> Errno {
        self.reason.errno()
    }
}

impl Reason {
    fn errno(&self) -> Errno {
        match self {
            Reason::NotFound | Reason::MissingInterpreter(_) => Errno::ENOENT,
            Reason::NoPermission | Reason::Directory | Reason::NotRegular => Errno::EACCES,
            Reason::Io(errno) | Reason::Profile(errno) | Reason::Debugger(errno) | Reason::NoRoom { errno, .. } | Reason::GuestBase { errno, .. } => *errno,
            Reason::Script { reason, .. } | Reason::Interpreter { reason, .. } => reason.errno(),
            Reason::TooManyScripts => Errno::ELOOP,
            Reason::ArgumentsTooLong { .. } => Errno::E2BIG,
            Reason::Segment { .. } | Reason::BadInterpreter(_) => Errno::EINVAL,
            _ => Errno::ENOEXEC,
        }
    }
}

impl std::error::Error for LoadError {}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.reason {
            Reason::Profile(_) => "write the profile",
            Reason::Debugger(_) => "listen for a debugger at",
            _ => "load",
        };
        write!(f, "cannot {what} '{}': {}", self.path.display(), self.reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NotFound => f.write_str("no such file"),
            Reason::NoPermission => f.write_str("permission denied (it must be readable and executable)"),
            Reason::Directory => f.write_str("it is a directory"),
            Reason::NotRegular => f.write_str("it is not a regular file"),
            Reason::Io(errno) | Reason::Profile(errno) | Reason::Debugger(errno) => write!(f, "{errno}"),
            Reason::Empty => f.write_str("the file is empty"),
            Reason::NotElf => f.write_str("neither an ELF file nor a script"),
            Reason::Script { interpreter, reason } => {
                write!(f, "its interpreter '{}' cannot be run: {reason}", interpreter.display())
            }
            Reason::TooManyScripts => f.write_str("too many scripts are each other's interpreter"),
            Reason::BadScript => f.write_str("a script whose first line names no interpreter"),
            Reason::WrongMachine(machine) => write!(f, "not a riscv64 or aarch64 ELF (machine {machine})"),
            Reason::Aarch64 => f.write_str("an aarch64 ELF; this build runs riscv64 programs only"),
            Reason::Bits32 => f.write_str("a 32-bit ELF; only 64-bit guests are supported"),
            Reason::BigEndian => f.write_str("a big-endian ELF; only little-endian guests are supported"),
            Reason::Truncated { what, needed, size } => {
                write!(f, "the file is truncated: {what} ends at byte {needed}, the file at {size}")
            }
            Reason::NotExecutable(kind) => {
                let name = match kind {
                    1 => " (an object file: link it first)",
                    4 => " (a core dump)",
                    _ => "",
                };
                write!(f, "an ELF of type {kind}, which is no program{name}")
            }
            Reason::HeaderSize(size) => write!(f, "its program headers are {size} bytes each, not 56"),
            Reason::TooManySegments(count) => {
                write!(f, "it has {count} program headers, the kernel takes 1170 at most")
            }
            Reason::BadIdentity { class, data } => {
                write!(f, "a damaged ELF: its class is {class} and its byte order {data}")
            }
            Reason::NoSegments => f.write_str("it has no loadable segment"),
            Reason::Segment { index, problem } => write!(f, "program header {index} {problem}"),
            Reason::BadInterpreter(why) => write!(f, "the name of its interpreter {why}"),
            Reason::MissingInterpreter(path) => write!(
                f,
                "its interpreter '{}' does not exist; say where the guest's files are with -L DIRECTORY",
                path.display()
            ),
            Reason::Interpreter { path, reason } => write!(f, "its interpreter '{}': {reason}", path.display()),
            Reason::NoRoom { start, len, errno } => {
                write!(f, "no room for {len:#x} bytes at {start:#x}: {errno}")
            }
            Reason::ArgumentsTooLong { size, limit } => {
                write!(f, "arguments and environment take {size} bytes, the limit is {limit}")
            }
            Reason::GuestBase { base, errno } => {
                write!(f, "the guest's address space does not fit at base {base:#x}: {errno}")
            }
        }
    }
}

impl fmt::Display for SegmentProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SegmentProblem::FileLarger => f.write_str("takes more bytes from the file than it has in memory"),
            SegmentProblem::Misaligned => f.write_str("has an address and a file offset that differ within a page"),
            SegmentProblem::Wraps => f.write_str("wraps around the end of the address space"),
            SegmentProblem::BeyondAddressSpace => f.write_str("lies beyond the guest's address space"),
            SegmentProblem::Overlaps(other) => write!(f, "overlaps program header {other}"),
            SegmentProblem::Huge(size) => write!(f, "asks for {size:#x} bytes, more than the address space has"),
        }
    }
}
