//! Tier 1: which blocks make a region, and the way of a region from guest bytes to the code cache.

use mynah_backend::compiler::Compiled;
use mynah_backend::features::HostFeatures;
use mynah_backend::lower::LowerOptions;
use mynah_backend::{CompileError, Compiler, Effort};
use mynah_frontend::riscv64::{self, Cpu};
use mynah_ir::passes::{self, Passes};
use mynah_ir::{Block, Hint, Region, Terminal};

use crate::tier0::MAX_BLOCK;

/// Guest instructions in a region at most.
const MAX_INSNS: usize = 1500;
/// Guest instructions at most in a region that follows indirect jumps. In a small interpreter this keeps registers in
/// SSA values over all opcodes (twice as fast); in CPython's evaluation loop it made programs a third slower.
const MAX_PREDICTED_INSNS: usize = 300;
/// Blocks in a region at most.
const MAX_BLOCKS: usize = 200;
/// A jump farther than this from the region's entry leaves the guest function.
const MAX_DISTANCE: u64 = 64 << 10;

/// Reads the halfword of guest code at an address, if it can be executed.
pub type Fetch<'a> = &'a mut dyn FnMut(u64) -> Option<u16>;

/// Forms the region that starts at `pc`: follows direct edges, and calls to their return, through blocks for which
/// `wanted` holds (those that have run), in reverse postorder, so that loops lie together and the usual way on follows
/// its branch. `targets` tells where the indirect jump that ends a block was seen to go; such targets are followed as long
/// as that makes a small region.
pub fn form_region(
    pc: u64,
    fetch: Fetch,
    cpu: &Cpu,
    wanted: &dyn Fn(u64) -> bool,
    targets: &dyn Fn(u64) -> Vec<u64>,
) -> Region {
    let region = collect(pc, fetch, cpu, wanted, targets);
    if region.predicted.is_empty() || region.guest_insns() <= MAX_PREDICTED_INSNS {
        return region;
    }
    collect(pc, fetch, cpu, wanted, &|_| Vec::new())
}

fn collect(
    pc: u64,
    fetch: Fetch,
    cpu: &Cpu,
    wanted: &dyn Fn(u64) -> bool,
    targets: &dyn Fn(u64) -> Vec<u64>,
) -> Region {
    let (blocks, order, predicted) = (Vec::new(), Vec::new(), Vec::new());
    let mut former = Former { fetch, cpu, wanted, targets, entry: pc, insns: 0, blocks, order, predicted };
    former.visit(pc);
    let order = std::mem::take(&mut former.order);
    let predicted = std::mem::take(&mut former.predicted);
    let mut blocks: Vec<Option<Block>> = former.blocks.into_iter().map(|(_, b)| b).collect();
    let mut region = Region::new(order.into_iter().rev().filter_map(|i| blocks[i].take()).collect());
    let inside = |pc: u64| region.blocks.iter().any(|b| b.pc == pc);
    region.predicted = predicted.into_iter().filter(|(_, target)| inside(*target)).collect();
    region
}

struct Former<'a> {
    fetch: Fetch<'a>,
    cpu: &'a Cpu,
    wanted: &'a dyn Fn(u64) -> bool,
    targets: &'a dyn Fn(u64) -> Vec<u64>,
    entry: u64,
    insns: usize,
    blocks: Vec<(u64, Option<Block>)>,
    order: Vec<usize>,
    predicted: Vec<(u64, u64)>,
}

impl Former<'_> {
    /// Depth-first, with an explicit stack: a region's depth is the guest's choice.
    fn visit(&mut self, pc: u64) {
        let mut stack = Vec::new();
        self.push(pc, &mut stack);
        while let Some((index, succs)) = stack.last_mut() {
            match succs.pop() {
                Some(succ) => self.push(succ, &mut stack),
                None => {
                    self.order.push(*index);
                    stack.pop();
                }
            }
        }
    }

    fn push(&mut self, pc: u64, stack: &mut Vec<(usize, Vec<u64>)>) {
        let first = self.blocks.is_empty();
        let known = self.blocks.iter().any(|(at, _)| *at == pc);
        let full = self.insns >= MAX_INSNS || self.blocks.len() >= MAX_BLOCKS;
        if known || full || (!first && (pc.abs_diff(self.entry) > MAX_DISTANCE || !(self.wanted)(pc))) {
            return;
        }
        let block = riscv64::lift(pc, self.fetch, self.cpu, MAX_BLOCK);
        if !first && matches!(block.terminal, Terminal::Interpret { .. }) && block.marks.is_empty() {
            return;
        }
        self.insns += block.marks.len();
        // The successor visited last comes first in reverse postorder: the way that is not taken.
        let succs: Vec<u64> = if matches!(block.terminal, Terminal::Indirect { hint: Hint::Other, .. }) {
            let targets = (self.targets)(pc);
            self.predicted.extend(targets.iter().map(|target| (pc, *target)));
            targets
        } else {
            block.successors().into_iter().flatten().rev().collect()
        };
        self.blocks.push((pc, Some(block)));
        stack.push((self.blocks.len() - 1, succs));
    }
}

/// What the translator is told once.
#[derive(Clone, Debug)]
pub struct TranslateOptions {
    /// Whether guest addresses need the guest base added.
    pub add_guest_base: bool,
    /// What may be used of the host.
    pub host: HostFeatures,
    /// IR passes to run.
    pub passes: Passes,
    /// Verify the IR after each pass, and CLIF.
    pub verify: bool,
}

/// The pipeline from a region to host code. One per thread that translates.
pub struct Translator {
    compiler: Compiler,
    options: TranslateOptions,
}

impl Translator {
    /// Makes a translator for this host.
    pub fn new(options: TranslateOptions) -> Result<Translator, CompileError> {
        let lower = LowerOptions { add_guest_base: options.add_guest_base, host: options.host };
        let compiler = Compiler::new(lower, Effort::Best, options.verify)?;
        Ok(Translator { compiler, options })
    }

    /// Runs the IR passes on every block.
    pub fn optimise(&self, region: &mut Region) -> Result<(), CompileError> {
        for block in &mut region.blocks {
            passes::run(block, self.options.passes);
            if self.options.verify {
                mynah_ir::verify::verify(block).map_err(|errors| CompileError(format!("{errors:?}")))?;
            }
        }
        Ok(())
    }

    /// Optimises and compiles a region.
    pub fn translate(&mut self, region: &mut Region) -> Result<Compiled, CompileError> {
        self.optimise(region)?;
        self.compiler.compile(region)
    }

    /// The region as CLIF text; for people.
    pub fn clif(&mut self, region: &Region) -> String {
        self.compiler.clif(region)
    }
}
