//! The riscv64 guest: table, decoder, text, bodies.

pub mod insn;
pub mod semantics;
pub mod state;

pub use insn::Insn;
