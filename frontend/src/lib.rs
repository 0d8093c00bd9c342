//! Guest instruction sets: tables of rows, decoders, and one body per instruction.
//!
//! A body is generic over [`mynah_ir::Build`]: it lifts to IR or executes, depending on what it builds. This crate knows
//! no host and no Linux.
#![forbid(unsafe_code)]

pub mod riscv64;
