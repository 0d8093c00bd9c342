//! What the threads of a guest process share.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::linux::signal::Actions;
use crate::loader::{Image, Sysroot};
use crate::memory::Memory;
use crate::options::Options;

/// A guest process. Lives as long as the host process: threads hold `&'static Process`.
pub struct Process {
    /// What was chosen on the command line.
    pub options: Options,
    /// The guest's address space.
    pub memory: Memory,
    /// Where guest paths are looked up.
    pub sysroot: Sysroot,
    /// The program that was loaded: entry, program headers, brk start, stack, auxv, names.
    pub image: Image,
    /// Signal dispositions.
    pub actions: Actions,
}

impl Process {
    /// The guest's view of `/proc/self/exe`.
    pub fn exe(&self) -> &PathBuf {
        &self.image.exe
    }

    /// The guest's argument vector.
    pub fn argv(&self) -> &[OsString] {
        &self.options.argv
    }
}
