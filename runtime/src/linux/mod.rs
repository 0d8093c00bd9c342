//! The Linux kernel as the guest sees it: system calls, signals, threads and `/proc`.
//!
//! One table ([`table`]) has a row for every number of the generic system call list; [`syscall`] reads the number and the
//! arguments, finds the row and follows its decision. Handlers are grouped by topic, one file each.

pub mod abi;
pub mod errno;
pub mod fd;
pub mod fs;
pub mod ioctl;
pub mod ipc;
pub mod mm;
pub mod net;
pub mod poll;
pub mod process;
pub mod procfs;
pub mod signal;
pub mod strace;
pub mod syscall;
pub mod system;
pub mod table;
pub mod thread;
pub mod time;

pub use errno::Errno;
pub use syscall::dispatch;

/// What a system call wants next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The value for the result register.
    Return(u64),
    /// The call failed.
    Errno(Errno),
    /// A signal came before anything happened (the kernel's ERESTARTSYS): run the call again, unless a handler without
    /// SA_RESTART runs first; then it fails with EINTR.
    Restart,
    /// As [`Restart`](Outcome::Restart), but any handler that runs makes the call fail with EINTR, SA_RESTART or not
    /// (the kernel's ERESTARTNOHAND, and ERESTART_RESTARTBLOCK for calls whose timeout is absolute or updated).
    RestartNoHandler,
    /// A signal came before the call could do anything at all: handle it, then run the call again, whatever the handler
    /// (the kernel's ERESTARTNOINTR).
    RestartAlways,
    /// The call replaced the guest's registers (`rt_sigreturn`): nothing is written to the result register.
    NoReturn,
    /// This thread ends with the given status.
    Exit(i32),
}

/// How handlers answer inside: a result register's value, or why not.
pub type Answer = Result<u64, Errno>;

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Outcome {
        match answer {
            Ok(value) => Outcome::Return(value),
            Err(errno) => Outcome::Errno(errno),
        }
    }
}

impl From<Errno> for Outcome {
    fn from(errno: Errno) -> Outcome {
        Outcome::Errno(errno)
    }
}
