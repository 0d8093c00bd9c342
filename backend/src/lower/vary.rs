//! Which operands of floating-point operations vary, so that Cranelift cannot move or merge the operation.
//!
//! Cranelift takes operations for pure: it computes one in front of a loop if its operands do not change in the loop, and
//! only once where two have the same operands. Both are wrong for the accrued flags: the loop may run zero times, and the
//! flags may be cleared between the two. An operation with an operand that it cannot take for the same stays where it
//! is; one whose operands all stay the same gets such an operand ([`Lowering::fix`](super::Lowering)).
//!
//! What varies is what memory, a helper or an operation of the same block gave, and registers that hold such a thing in
//! all their writes: Cranelift sees a new value in each round of a loop that writes them, and after each barrier and
//! call, where registers are loaded anew. Everything that is in doubt does not vary: that costs a store and a load.

use mynah_ir::{Block, Inst, Op, Region, Type};

use super::flow::{Cells, PROMOTED};

/// The registers that vary, by block.
#[derive(Debug)]
pub struct Varying {
    cells: Vec<Cells>,
}

/// Whether an operation raises flags or depends on the rounding mode as the host executes it.
pub fn raises(inst: &Inst) -> bool {
    let exact = matches!(inst.op, Op::Sitof | Op::Uitof) && inst.from == Type::I32 && inst.ty == Type::F64;
    inst.op.shape().is_fp() && inst.op.has_effect() && !exact
}

/// Whether each value of a block varies, if registers do that are in `cells`.
fn values(block: &Block, cells: Cells) -> Vec<bool> {
    let mut vary = vec![false; block.insts.len()];
    for (i, inst) in block.insts.iter().enumerate() {
        let argument = |n: usize| vary[inst.args()[n].index()];
        vary[i] = match inst.op {
            Op::Get => inst.imm as u16 >= PROMOTED || cells >> inst.imm & 1 != 0,
            Op::Bitcast | Op::Nanbox | Op::Unbox | Op::Zext | Op::Sext | Op::Trunc | Op::Sitof | Op::Uitof => {
                raises(inst) || argument(0)
            }
            Op::Add => counts(block, inst) || argument(0) && is_constant(block, inst, 1),
            op => op.may_fault() || raises(inst) || op == Op::ReadCounter,
        };
    }
    vary
}

fn is_constant(block: &Block, inst: &Inst, n: usize) -> bool {
    block.insts[inst.args()[n].index()].op == Op::Iconst
}

/// Whether the instruction steps a register by a constant.
fn counts(block: &Block, inst: &Inst) -> bool {
    let [from, step] = [0, 1].map(|n| &block.insts[inst.args()[n].index()]);
    let stepped = |set: &Inst| set.op == Op::Set && set.imm == from.imm && std::ptr::eq(&block.insts[set.args()[0].index()], inst);
    from.op == Op::Get && step.op == Op::Iconst && step.imm != 0 && block.insts.iter().any(stepped)
}

fn sets(block: &Block) -> impl Iterator<Item = &Inst> {
    block.insts.iter().filter(|i| i.op == Op::Set && (i.imm as u16) < PROMOTED)
}

/// The registers that a block writes.
fn writes(block: &Block) -> Cells {
    sets(block).fold(0, |cells, set| cells | 1 << set.imm)
}

/// Those that it writes with what does not vary.
fn same_writes(block: &Block, cells: Cells) -> Cells {
    let vary = values(block, cells);
    sets(block).filter(|set| !vary[set.args()[0].index()]).fold(0, |cells, set| cells | 1 << set.imm)
}

/// For each block the registers that the smallest loop around it writes; `None` outside of loops.
fn written_in_loop(succs: &[Vec<Option<usize>>], all: &[Cells]) -> Vec<Option<Cells>> {
    let mut smallest: Vec<Option<Cells>> = vec![None; all.len()];
    for (tail, heads) in succs.iter().enumerate() {
        for &head in heads.iter().flatten() {
            let Some(body) = body(succs, head, tail) else { continue };
            let written = body.iter().fold(0, |set, &b| set | all[b]);
            for b in body {
                // With two loops around it, what both write.
                smallest[b] = Some(smallest[b].map_or(written, |other| other & written));
            }
        }
    }
    smallest
}

/// The blocks on ways from `head` to `tail`; `None` if there is none, so that `tail` to `head` closes no loop.
fn body(succs: &[Vec<Option<usize>>], head: usize, tail: usize) -> Option<Vec<usize>> {
    let reach = |from: usize, forward: bool| {
        let mut seen = vec![false; succs.len()];
        let mut list = vec![from];
        while let Some(b) = list.pop() {
            if std::mem::replace(&mut seen[b], true) {
                continue;
            }
            match forward {
                true => list.extend(succs[b].iter().flatten().filter(|s| **s != head)),
                // Not beyond the head, through which alone a loop is entered.
                false if b == head => {}
                false => list.extend((0..succs.len()).filter(|p| succs[*p].contains(&Some(b)))),
            }
        }
        seen
    };
    let (after, before) = (reach(head, true), reach(tail, false));
    let both: Vec<usize> = (0..succs.len()).filter(|b| after[*b] && before[*b]).collect();
    both.contains(&tail).then_some(both)
}

impl Varying {
    /// Analyses a region whose blocks have these successors.
    pub fn new(region: &Region, succs: &[Vec<Option<usize>>]) -> Varying {
        if !region.blocks.iter().any(|b| b.insts.iter().any(raises)) {
            return Varying { cells: vec![0; region.blocks.len()] };
        }
        let all: Vec<Cells> = region.blocks.iter().map(writes).collect();
        let near: Vec<Cells> = written_in_loop(succs, &all).into_iter().map(|cells| cells.unwrap_or(!0)).collect();
        // From below: a register varies when all that is written to it is seen to vary where it is written.
        let (mut known, mut same) = (0, !0);
        loop {
            let written = region.blocks.iter().zip(&near).map(|(b, near)| same_writes(b, known & near));
            let now = written.fold(0, |set, cells| set | cells);
            if now == same {
                break;
            }
            same = now;
            known = all.iter().fold(0, |set, cells| set | cells) & !same;
        }
        Varying { cells: near.into_iter().map(|near| near & !same).collect() }
    }

    /// Whether each value of block number `index` varies.
    pub fn values(&self, index: usize, block: &Block) -> Vec<bool> {
        values(block, self.cells[index])
    }
}
