//! Counting: what translated code does when somebody wants to know how often each block is executed.
//!
//! A number has two cells: executions to the end of the block, and those of them whose branch was taken. Each execution adds
//! to one cell, once, at the block's end. An execution that does not reach the end (a fault, a trap) is the dispatcher's to
//! note: [`Context::current_block`] says which block it was.

use cranelift_codegen::ir::{InstBuilder, types};
use mynah_ir::{Block, Terminal};

use super::{Lowering, trusted};
use crate::context::Context;

/// Cells for each number.
pub const CELLS: u64 = 2;

/// Whether control may leave translated code before the block is complete.
fn may_stop(block: &Block) -> bool {
    let stops = matches!(block.terminal, Terminal::Trap { .. } | Terminal::Interpret { .. });
    stops || block.insts.iter().any(|inst| inst.op.may_fault())
}

impl Lowering<'_, '_> {
    fn number(&self) -> Option<u32> {
        self.region.counted.get(self.block).copied()
    }

    /// At the block's begin: says which one it is, if somebody may have to ask.
    pub(super) fn note_block(&mut self, block: &Block) {
        if let Some(number) = self.number().filter(|_| may_stop(block)) {
            let number = self.iconst(u64::from(number));
            self.ctx_store(number, std::mem::offset_of!(Context, current_block));
        }
    }

    /// At the block's end, unless a branch or the dispatcher counts it.
    pub(super) fn count_block(&mut self, terminal: &Terminal) {
        match *terminal {
            Terminal::Branch { .. } | Terminal::Trap { .. } | Terminal::Interpret { .. } => {}
            // Perhaps a branch whose condition turned out to be constant.
            Terminal::Jump { target } => self.count(u64::from(target != self.region.blocks[self.block].end)),
            _ => self.count(0),
        }
    }

    /// On one side of the block's branch.
    pub(super) fn count_side(&mut self, taken: bool) {
        self.count(u64::from(taken));
    }

    fn count(&mut self, cell: u64) {
        let Some(number) = self.number() else { return };
        let offset = i32::try_from((u64::from(number) * CELLS + cell) * 8);
        let offset = offset.expect("numbers are bounded by the size of the counters");
        let counters = self.ctx_load(types::I64, std::mem::offset_of!(Context, counters));
        let old = self.b.ins().load(types::I64, trusted(), counters, offset);
        let new = self.b.ins().iadd_imm_s(old, 1);
        self.b.ins().store(trusted(), new, counters, offset);
    }
}
