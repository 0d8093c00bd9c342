//! From IR regions to host code, and the cache that keeps it.

pub mod arena;
pub mod cache;
pub mod compiler;
pub mod context;
pub mod entry;
pub mod enter;
pub mod fault;
pub mod features;
mod half;
pub mod helpers;
pub mod lower;

pub use cache::CodeCache;
pub use compiler::{CompileError, Compiled, Compiler, Effort};
pub use context::{Context, Helper, JumpEntry};
pub use enter::Exit;
