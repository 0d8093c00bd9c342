//! Dead state writes: a `set` that a later `set` of the same cell overwrites before anything can observe the cell.
//!
//! Observers are a `get` of the cell, every op that may fault (a signal handler sees the whole state) and the end of
//! the block.

use crate::block::{Block, Value};
use crate::ops::Op;
use crate::state::CELLS;

use super::is_plain_cell;
use super::rewrite::Scratch;

pub(super) fn run(block: &mut Block, scratch: &mut Scratch) {
    let Scratch { sweep, marked: dead, .. } = scratch;
    dead.clear();
    dead.resize(block.insts.len(), false);
    let mut overwritten = [0u64; CELLS / 64];
    for (inst, dead) in block.insts.iter().zip(dead.iter_mut()).rev() {
        match inst.op {
            Op::Set | Op::Get if is_plain_cell(inst.imm) => {
                let (word, bit) = (&mut overwritten[inst.imm as usize / 64], 1 << (inst.imm % 64));
                if inst.op == Op::Set {
                    *dead = *word & bit != 0;
                    *word |= bit;
                } else {
                    *word &= !bit;
                }
            }
            op if op.may_fault() => overwritten = [0; CELLS / 64],
            _ => {}
        }
    }
    if dead.contains(&true) {
        sweep.run(block, |out, index, inst| if dead[index] { Value::NONE } else { out.push(inst) });
    }
}
