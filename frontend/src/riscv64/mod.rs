//! The riscv64 guest: table, decoder, text, bodies.

pub mod coverage;
pub mod cpu;
pub mod csr;
mod decode;
pub mod extension;
pub mod format;
pub mod insn;
mod lift;
mod row;
pub mod semantics;
pub mod state;
pub mod table;
mod text;

pub use coverage::coverage;
pub use cpu::Cpu;
pub use decode::decode;
pub use extension::{Extension, ExtensionSet};
pub use format::Format;
pub use insn::Insn;
pub use lift::{Fetch, FetchError, ends_block, fetch_insn, is_barrier, is_indirect_jump, is_tier0, lift};
pub use row::{Class, Except, Needs, Row};
pub use semantics::{Body, WrapBody};
pub use table::{ROWS, body, row, wrap_body};
pub use text::{F_NAMES, X_NAMES, text};
