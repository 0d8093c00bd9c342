//! Measures what the passes cost: nanoseconds for each IR instruction that goes in, on random blocks of about the size
//! of guest basic blocks, for each pass alone and for all.
//!
//! `cargo run --release -p mynah-ir --example pass_cost`

use std::time::{Duration, Instant};

use mynah_ir::Block;
use mynah_ir::passes::{self, PASSES, Passes};
use mynah_ir::testing::{Kinds, random_block};

const BLOCKS: u64 = 2000;
const ROUNDS: usize = 20;

/// Time for all blocks, and how many instructions were left. The best time of each block counts: what else the machine
/// does at that moment is not ours.
fn measure(blocks: &[Block], mut passes: Passes) -> (Duration, usize) {
    passes.verify = false;
    let mut total = Duration::ZERO;
    let mut left = 0;
    for block in blocks {
        let mut best = Duration::MAX;
        for round in 0..ROUNDS {
            let mut fresh = block.clone();
            let start = Instant::now();
            passes::run(&mut fresh, passes);
            best = best.min(start.elapsed());
            left += if round == 0 { fresh.insts.len() } else { 0 };
        }
        total += best;
    }
    (total, left)
}

fn main() {
    for guest_insns in [8, 64] {
        let blocks: Vec<Block> = (0..BLOCKS).map(|seed| random_block(seed, guest_insns, Kinds::INTEGER)).collect();
        let insts: usize = blocks.iter().map(|block| block.insts.len()).sum();
        let guest: usize = blocks.iter().map(|block| block.marks.len()).sum();
        println!("{} blocks, {guest} guest instructions, {insts} IR instructions", blocks.len());
        let rows = PASSES.iter().map(|pass| pass.name).chain(["all"]);
        for name in rows {
            // The names come from the table of passes.
            let (time, left) = measure(&blocks, Passes::parse(name).expect("a pass"));
            println!("  {name:12} {:6.1} ns/inst, {left} left", time.as_nanos() as f64 / insts as f64);
        }
    }
}
