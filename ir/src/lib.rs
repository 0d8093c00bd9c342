//! Mynah's intermediate representation.
//!
//! A guest basic block becomes one [`Block`]: straight-line SSA with a mark for each guest instruction and one
//! [`Terminal`]. This crate knows no guest, no host and no Linux. The list of ops is one table ([`ops`]); what each
//! op means on concrete bits stands once, in [`eval`], and constant folding, the IR interpreter and the tier 0
//! executor all call it.
#![forbid(unsafe_code)]

pub mod block;
pub mod build;
pub mod eval;
pub mod interp;
pub mod ops;
pub mod parser;
pub mod passes;
pub mod printer;
pub mod state;
pub mod testing;
pub mod types;
pub mod verify;

pub use block::{Block, Inst, Mark, Region, Terminal, Value};
pub use build::{Build, BlockBuilder, Flow, Hint, Stop, TrapKind};
pub use ops::Op;
pub use parser::{ParseError, parse_block};
pub use passes::Passes;
pub use state::{CELLS, Slot, State};
pub use types::{AtomicKind, Counter, FpEnv, Order, Rm, Type, flags};
pub use verify::{VerifyError, verify};
