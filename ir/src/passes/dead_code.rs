//! Dead code: instructions without effect ([`crate::Op::has_effect`]) whose value nothing uses. Floating-point
//! arithmetic raises flags, so it stays.

use crate::block::{Block, Value};

use super::rewrite::Scratch;

pub(super) fn run(block: &mut Block, scratch: &mut Scratch) {
    let Scratch { sweep, marked: live, .. } = scratch;
    live.clear();
    live.resize(block.insts.len(), false);
    if let Some(value) = block.terminal.value() {
        live[value.index()] = true;
    }
    for (index, inst) in block.insts.iter().enumerate().rev() {
        live[index] |= inst.op.has_effect();
        if live[index] {
            inst.args().iter().for_each(|arg| live[arg.index()] = true);
        }
    }
    sweep.run(block, |out, index, inst| if live[index] { out.push(inst) } else { Value::NONE });
}
