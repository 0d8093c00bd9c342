//! Runs a guest program: memory, loader, dispatcher, threads, signals and system calls.
//!
//! `unsafe` lives in `host/`, `memory.rs` and the few places that hand a [`Vcpu`](vcpu::Vcpu) to translated code.

pub mod background;
pub mod debug;
pub mod disk;
pub mod dispatcher;
pub mod host;
pub mod linux;
pub mod loader;
pub mod memory;
pub mod observe;
pub mod options;
pub mod process;
pub mod start;
pub mod stats;
pub mod testing;
pub mod tier0;
pub mod translate;
pub mod unwind;
pub mod vcpu;

pub use options::Options;
pub use process::Process;
pub use vcpu::Vcpu;
