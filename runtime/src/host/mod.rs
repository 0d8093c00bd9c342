//! The host: what only works with `unsafe` and knows the host machine and its kernel.

pub mod detached;
pub mod filemap;
pub mod fork;
pub mod log;
pub mod signal;
pub mod syscall;
pub mod usercopy;
pub mod vdso;
