//! Which guest registers are live, dirty and loaded where, over the blocks of a region.
//!
//! Guest registers are the cells below [`PROMOTED`]; they travel between blocks as SSA values and a set of them is a
//! `u64`. All other cells are always read and written in place.
//!
//! - *live*: read before written on some path inside the region.
//! - *dirty*: its SSA value may be newer than its cell. A possible fault, a call and every exit store what is dirty
//!   (precise state), so a register is dirty from its write to the next of those.
//! - *demand*: what a block expects as SSA values at its start: live or dirty.

use mynah_ir::state::FLAGS_CELL;
use mynah_ir::{Block, Hint, Inst, Op, Region, Terminal};

/// Cells below this are guest registers.
pub const PROMOTED: u16 = 64;

/// A set of guest registers.
pub type Cells = u64;

/// The registers of a set, ascending.
pub fn iter(mut set: Cells) -> impl Iterator<Item = u16> {
    std::iter::from_fn(move || {
        if set == 0 {
            return None;
        }
        let cell = set.trailing_zeros() as u16;
        set &= set - 1;
        Some(cell)
    })
}

/// What one block does to guest registers.
#[derive(Clone, Copy, Debug, Default)]
struct Local {
    uses: Cells,
    defs: Cells,
    /// Written after the last instruction that may fault.
    tail_defs: Cells,
    faults: bool,
    /// Whether the terminal stores everything (calls, exits), so that nothing is dirty or loaded afterwards.
    flushes: bool,
}

/// Where control goes inside the region, and what is known at each block's start.
#[derive(Debug)]
pub struct Flow {
    /// The successors of each block, where they lie in the region: of a branch the one that is taken first, of an
    /// indirect jump those that are predicted.
    pub succs: Vec<Vec<Option<usize>>>,
    /// Registers that each block expects as SSA values at its start.
    pub demand: Vec<Cells>,
    /// Registers that may be dirty at each block's start.
    pub dirty: Vec<Cells>,
    /// Registers that may be read before they are written, from each block's start on.
    pub live: Vec<Cells>,
    /// Registers that hold, somewhere in the region, what a floating-point operation gave.
    pub raised: Cells,
    local: Vec<Local>,
}

fn summarize(block: &Block) -> Local {
    let mut local = Local::default();
    for inst in &block.insts {
        if inst.op.may_fault() {
            local.faults = true;
            local.tail_defs = 0;
        }
        let cell = inst.imm as u16;
        match inst.op {
            Op::Get if cell < PROMOTED => local.uses |= (1 << cell) & !local.defs,
            Op::Set if cell < PROMOTED => {
                local.defs |= 1 << cell;
                local.tail_defs |= 1 << cell;
            }
            _ => {}
        }
    }
    let stays = matches!(
        block.terminal,
        Terminal::Jump { .. } | Terminal::Branch { .. } | Terminal::Indirect { hint: Hint::Other, .. }
    );
    local.flushes = is_barrier(block) || !stays;
    local
}

/// Whether a block reads or writes the accrued floating-point flags. Nothing may be in SSA values across it: what was
/// computed before must have raised its flags by then, and what comes after must not be taken for what came before.
pub fn is_barrier(block: &Block) -> bool {
    block.insts.iter().any(|i| matches!(i.op, Op::Get | Op::Set) && i.imm as u16 == FLAGS_CELL)
}

/// Which values of a block floating-point operations gave, directly or through others.
pub fn derived(block: &Block) -> Vec<bool> {
    let mut derived = vec![false; block.insts.len()];
    for (i, inst) in block.insts.iter().enumerate() {
        // What memory holds raised its flags before.
        let loads = matches!(inst.op, Op::Load | Op::AtomicRmw | Op::AtomicCas);
        derived[i] = inst.op.shape().is_fp() || !loads && inst.args().iter().any(|v| derived[v.index()]);
    }
    derived
}

/// The registers that a block writes with such values.
fn raised_by(block: &Block) -> Cells {
    let derived = derived(block);
    let raised = |i: &&Inst| i.op == Op::Set && (i.imm as u16) < PROMOTED && derived[i.args()[0].index()];
    block.insts.iter().filter(raised).fold(0, |set, i| set | 1 << i.imm)
}

impl Flow {
    /// Analyses a region.
    pub fn new(region: &Region) -> Flow {
        let index = |pc: u64| region.blocks.iter().position(|b| b.pc == pc);
        let local: Vec<Local> = region.blocks.iter().map(summarize).collect();
        let predicted = |b: &Block| region.predicted.iter().filter(|p| p.0 == b.pc).map(|p| index(p.1)).collect();
        let succs: Vec<Vec<Option<usize>>> = region
            .blocks
            .iter()
            .map(|b| match b.terminal {
                Terminal::Indirect { hint: Hint::Other, .. } => predicted(b),
                _ => b.successors().iter().flatten().map(|s| index(*s)).collect(),
            })
            .collect();
        let n = region.blocks.len();
        let raised = region.blocks.iter().fold(0, |set, b| set | raised_by(b));
        let mut flow = Flow { succs, demand: vec![0; n], dirty: vec![0; n], live: Vec::new(), raised, local };
        flow.solve_dirty();
        flow.solve_live();
        flow.live.clone_from(&flow.demand);
        for (demand, dirty) in flow.demand.iter_mut().zip(&flow.dirty) {
            *demand |= dirty;
        }
        flow
    }

    /// What may be dirty when control leaves block `b` for a successor.
    fn dirty_out(&self, b: usize) -> Cells {
        let local = &self.local[b];
        match local {
            _ if local.flushes => 0,
            _ if local.faults => local.tail_defs,
            _ => self.dirty[b] | local.defs,
        }
    }

    fn solve_dirty(&mut self) {
        let mut changed = true;
        while changed {
            changed = false;
            for b in 0..self.local.len() {
                let out = self.dirty_out(b);
                for s in self.succs[b].clone().into_iter().flatten() {
                    changed |= out & !self.dirty[s] != 0;
                    self.dirty[s] |= out;
                }
            }
        }
    }

    fn solve_live(&mut self) {
        let mut changed = true;
        while changed {
            changed = false;
            for b in (0..self.local.len()).rev() {
                let local = self.local[b];
                // After a call everything is loaded anew, so nothing lives through it in SSA values.
                let out = match local.flushes {
                    true => 0,
                    false => self.succs[b].iter().flatten().fold(0, |set, s| set | self.demand[*s]),
                };
                let live = local.uses | (out & !local.defs);
                changed |= live != self.demand[b];
                self.demand[b] = live;
            }
        }
    }

    /// Registers that must be loaded at the end of block `from` so that `to` finds them; their cells are current.
    pub fn loads_on_edge(&self, from: usize, to: usize) -> Cells {
        let local = &self.local[from];
        match local.flushes {
            true => self.demand[to],
            false => self.demand[to] & !(self.demand[from] | local.defs),
        }
    }
}
