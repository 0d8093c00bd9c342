//! The Linux kernel as the guest sees it: system calls, signals, threads and `/proc`.
//!
//! One table ([`table`]) has a row for every number of the generic system call list; [`syscall`] reads the number and the
//! arguments, finds the row and follows its decision. Handlers are grouped by topic, one file each.

pub mod abi;
pub mod arguments;
pub mod clone;
pub mod compatibility;
pub mod coredump;
pub mod errno;
pub mod exec;
pub mod fd;
pub mod fs;
pub mod hwprobe;
pub mod ioctl;
pub mod ipc;
pub mod limits;
pub mod mm;
pub mod names;
pub mod net;
pub mod poll;
pub mod process;
pub mod procfs;
pub mod sigcalls;
pub mod sigframe;
mod sharing;
pub mod signal;
pub mod strace;
pub mod syscall;
pub mod system;
pub mod table;
pub mod thread;
pub mod time;
pub mod vdso;
pub mod wait;

pub use errno::Errno;
pub use syscall::dispatch;

/// What a system call wants next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The value for the result register.
    Return(u64),
    /// The call failed.
    Errno(Errno),
    /// A signal came before the host's kernel was entered, or the kernel itself wants the call made again: deliver the
    /// signal, then run the call again, whatever the handler's flags.
    RestartAlways,
    /// A signal came before anything happened (the kernel's ERESTARTSYS): run the call again, unless a handler without
    /// SA_RESTART runs first; then it fails with EINTR.
    Restart,
    /// As [`Restart`](Outcome::Restart), but any handler that runs makes the call fail with EINTR, SA_RESTART or not (the
    /// kernel's ERESTARTNOHAND).
    RestartNoHandler,
    /// The call replaced the guest's registers (`rt_sigreturn`): nothing is written to the result register.
    NoReturn,
    /// This thread ends with the given status.
    Exit(i32),
}

/// How handlers answer inside, so that `?` ends them: a result register's value, or another outcome.
pub type Answer = Result<u64, Outcome>;

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Outcome {
        answer.map_or_else(|outcome| outcome, Outcome::Return)
    }
}

impl From<Result<u64, Errno>> for Outcome {
    fn from(result: Result<u64, Errno>) -> Outcome {
        result.map_or_else(Outcome::Errno, Outcome::Return)
    }
}

impl From<Errno> for Outcome {
    fn from(errno: Errno) -> Outcome {
        Outcome::Errno(errno)
    }
}
