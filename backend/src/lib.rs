//! From IR regions to host code, and the cache that keeps it.

pub mod context;

pub use context::{Context, Helper, JumpEntry};
