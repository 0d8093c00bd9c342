//! Passes over blocks: what is cheap to know about one guest basic block and Cranelift cannot know by itself.
//!
//! Every pass keeps, for any legal block and any initial state and memory, what the interpreter does with it: the
//! state at every fault and exit, memory, and the order of effects (design invariant "precise state"). A pass takes
//! linear time and is one sweep over the instructions ([`rewrite`]), because passes run for every block that is
//! compiled. None touches floating-point arithmetic: rounding mode and flags are dynamic.

use std::cell::RefCell;
use std::fmt::{self, Display, Formatter};

use crate::block::Block;
use crate::state::{FLAGS_CELL, FRM_CELL};
use crate::verify::verify;

mod cse;
mod dead_code;
mod dead_writes;
mod extend;
mod fold;
mod forward;
pub mod rewrite;

pub use rewrite::Scratch;

/// One row of the table of passes.
pub struct Pass {
    /// What it is called on the command line and in tests.
    pub name: &'static str,
    /// One line of help.
    pub doc: &'static str,
    /// Does it to a legal block.
    pub run: fn(&mut Block, &mut Scratch),
}

/// All passes in the order in which they run.
///
/// Forwarding comes first because it turns guest registers into values that the others can see; removal comes last
/// because the others leave dead instructions behind.
pub static PASSES: [Pass; 6] = [
    Pass { name: "forward", doc: "read a state slot once, and not after it was written", run: forward::run },
    Pass { name: "fold", doc: "compute constants and simplify integer arithmetic", run: fold::run },
    Pass { name: "extend", doc: "drop extensions and masks that change nothing", run: extend::run },
    Pass { name: "cse", doc: "compute equal integer values once", run: cse::run },
    Pass { name: "dead-writes", doc: "drop writes to the state that nothing can observe", run: dead_writes::run },
    Pass { name: "dead-code", doc: "drop values that nothing uses", run: dead_code::run },
];

/// A set of passes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passes {
    bits: u32,
    /// Whether [`run`] verifies the block after every pass. On by default in debug builds.
    pub verify: bool,
}

impl Default for Passes {
    fn default() -> Passes {
        Passes::ALL
    }
}

impl Passes {
    /// Every pass.
    pub const ALL: Passes = Passes { bits: (1 << PASSES.len()) - 1, verify: cfg!(debug_assertions) };
    /// No pass.
    pub const NONE: Passes = Passes { bits: 0, verify: cfg!(debug_assertions) };

    /// Whether the pass with index `index` in [`PASSES`] is in the set.
    pub const fn contains(self, index: usize) -> bool {
        self.bits >> index & 1 != 0
    }

    /// Parses a list such as `fold,forward` or `-fold`: names from left to right, each one added or, after `-`, taken
    /// away; `all` and `none` are names too. A list that begins by taking away begins with all passes.
    pub fn parse(text: &str) -> Result<Passes, String> {
        let mut passes = if text.trim_start().starts_with('-') { Passes::ALL } else { Passes::NONE };
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (name, on) = item.strip_prefix('-').map_or((item, true), |name| (name, false));
            let bits = match name {
                "all" => Passes::ALL.bits,
                "none" => 0,
                _ => 1 << PASSES.iter().position(|pass| pass.name == name).ok_or_else(|| unknown(name))?,
            };
            passes.bits = if on { passes.bits | bits } else { passes.bits & !bits };
        }
        Ok(passes)
    }
}

fn unknown(name: &str) -> String {
    let known = PASSES.iter().map(|pass| pass.name).collect::<Vec<_>>().join(", ");
    format!("there is no pass `{name}`; there are {known}, all and none")
}

impl Display for Passes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let names = PASSES.iter().enumerate().filter(|(index, _)| self.contains(*index)).map(|(_, pass)| pass.name);
        let names = names.collect::<Vec<_>>().join(",");
        f.write_str(if names.is_empty() { "none" } else { &names })
    }
}

/// Runs a set of passes on a legal block.
pub fn run(block: &mut Block, passes: Passes) {
    run_with(block, passes, |_, _| {});
}

/// Runs a set of passes on a legal block and shows `observe` the block after each, with the pass.
///
/// Panics if verification is on and a pass leaves the block illegal: that is a bug of the pass.
pub fn run_with(block: &mut Block, passes: Passes, mut observe: impl FnMut(&Pass, &Block)) {
    thread_local! {
        static SCRATCH: RefCell<Scratch> = RefCell::default();
    }
    SCRATCH.with_borrow_mut(|scratch| {
        for (_, pass) in PASSES.iter().enumerate().filter(|(index, _)| passes.contains(*index)) {
            (pass.run)(block, scratch);
            if passes.verify {
                check(block, pass.name);
            }
            observe(pass, block);
        }
    });
}

/// Panics with all errors if `block` is not legal.
fn check(block: &Block, pass: &str) {
    if let Err(errors) = verify(block) {
        let errors = errors.iter().map(|error| format!("  {error}\n")).collect::<String>();
        panic!("pass {pass} left an illegal block:\n{errors}{block}");
    }
}

/// Whether only `get` and `set` touch a cell. Floating-point ops read and write the cells of their environment too.
fn is_plain_cell(cell: i64) -> bool {
    cell != FLAGS_CELL as i64 && cell != FRM_CELL as i64
}
