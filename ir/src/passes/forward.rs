//! Forwarding of state slots: a `get` of a cell whose value is known is that value, and a `set` of the value that the
//! cell already holds does nothing.

use crate::block::{Block, Value};
use crate::ops::Op;
use crate::state::CELLS;

use super::is_plain_cell;
use super::rewrite::{Scratch, inst};

pub(super) fn run(block: &mut Block, scratch: &mut Scratch) {
    let Scratch { sweep, table: known, .. } = scratch;
    known.clear();
    known.resize(CELLS, Value::NONE);
    sweep.run(block, |out, _, old| match old.op {
        Op::Get if is_plain_cell(old.imm) => {
            let cell = old.imm as usize;
            let ty = match known[cell] {
                Value::NONE => old.ty,
                value => out.inst(value).result(),
            };
            if known[cell] == Value::NONE {
                known[cell] = out.push(old);
            } else if ty != old.ty {
                // The cell is used as an integer and as a float: the same 64 bits.
                return out.push(inst(Op::Bitcast, old.ty, ty, &[known[cell]], 0));
            }
            known[cell]
        }
        Op::Set if is_plain_cell(old.imm) => {
            let cell = old.imm as usize;
            if known[cell] == old.args[0] {
                return Value::NONE;
            }
            known[cell] = old.args[0];
            out.push(old)
        }
        _ => out.push(old),
    });
}
