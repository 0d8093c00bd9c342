//! Local common subexpressions: an integer computation that was made before is that value.
//!
//! A direct-mapped table remembers one computation for each hash: forgetting one now and then costs nothing but a
//! missed chance, and needs no chains and no growth.

use crate::block::{Block, Inst, Value};
use crate::ops::{Op, Shape};

use super::rewrite::Scratch;

/// Largest size of the table, a power of two. Blocks are rarely longer.
const LARGEST: usize = 512;

pub(super) fn run(block: &mut Block, scratch: &mut Scratch) {
    let Scratch { sweep, table, .. } = scratch;
    let size = block.insts.len().next_power_of_two().min(LARGEST);
    table.clear();
    table.resize(size, Value::NONE);
    sweep.run(block, |out, _, inst| {
        if !is_pure(inst.op) {
            return out.push(inst);
        }
        let place = &mut table[hash(&inst) & (size - 1)];
        if *place == Value::NONE || *out.inst(*place) != inst {
            *place = out.push(inst);
        }
        *place
    });
}

/// Whether two executions with the same arguments give the same value and do nothing else.
fn is_pure(op: Op) -> bool {
    match op.shape() {
        Shape::special => matches!(op, Op::Iconst | Op::Gaddr | Op::Select),
        shape => !shape.is_fp(),
    }
}

/// Mixes what tells instructions apart; multiplication carries low bits upward, so the top ones are the good ones.
#[inline]
fn hash(inst: &Inst) -> usize {
    let types = (inst.op as u64) << 16 | (inst.ty as u64) << 8 | inst.from as u64;
    let args = (inst.args[0].0 as u64) << 32 | inst.args[1].0 as u64;
    let mixed =
        (types ^ args.rotate_left(20) ^ inst.args[2].0 as u64 ^ inst.imm as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 48) as usize
}
