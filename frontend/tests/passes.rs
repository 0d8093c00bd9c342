//! Random guest blocks: every lifted block is legal, and the IR passes keep what it does to state and memory.
//!
//! `ir/tests/random.rs` holds the passes against blocks that no guest would give; here they meet the shapes that the
//! bodies of this frontend really build.

use mynah_frontend::riscv64::{Cpu, ROWS, lift, state};
use mynah_ir::interp::{self, Exit, Fault};
use mynah_ir::passes::{self, Passes};
use mynah_ir::testing::{Rng, TestMemory, random_state};
use mynah_ir::{Block, parse_block, verify};

const SEEDS: u64 = 3000;
const INSNS: usize = 12;
const PC: u64 = 0x1_0000;

/// A word of a random row whose registers are mostly `x8` to `x15`, so that instructions use each other's results.
fn random_word(rng: &mut Rng) -> u32 {
    let row = &ROWS[rng.below(ROWS.len())];
    let mut fields = rng.bits() as u32;
    for at in [7, 15, 20] {
        if !rng.one_in(4) {
            fields = fields & !(31 << at) | (8 + rng.below(8) as u32) << at;
        }
    }
    row.value | fields & !row.mask
}

fn random_guest_block(seed: u64) -> Block {
    let mut rng = Rng::new(seed);
    let mut code = Vec::new();
    while code.len() < 2 * INSNS {
        let word = random_word(&mut rng);
        code.push(word as u16);
        if word & 3 == 3 {
            code.push((word >> 16) as u16);
        }
    }
    lift(PC, &mut |addr| code.get((addr - PC) as usize / 2).copied(), &Cpu::default(), INSNS)
}

type Outcome = (Result<Exit, Fault>, Vec<u64>, TestMemory);

/// Runs a block from a state in which half of the registers point into memory.
fn execute(block: &Block, seed: u64) -> Outcome {
    let (mut guest, mut memory) = (random_state(seed), TestMemory::new(seed));
    for n in (8..16).step_by(2) {
        let inside = (seed.wrapping_mul(n) % TestMemory::LEN as u64) & !7;
        guest.set(state::x(n as u8).cell, TestMemory::BASE + inside);
    }
    guest.set(state::x(0).cell, 0);
    let exit = interp::run(block, &mut guest, &mut memory);
    (exit, guest.cells.to_vec(), memory)
}

fn check_legal(block: &Block, seed: u64, what: &str) {
    verify(block).unwrap_or_else(|errors| panic!("seed {seed}, {what}: {errors:#?}\n{block}"));
}

/// Every row that can be lifted gives a legal block, whatever its fields hold.
#[test]
fn every_row_lifts_to_a_legal_block() {
    let mut rng = Rng::new(1);
    for row in ROWS {
        for round in 0..64 {
            let word = row.value | rng.bits() as u32 & !row.mask;
            let block = lift(0, &mut |addr| Some((word >> (addr % 4 * 8)) as u16), &Cpu::default(), 1);
            check_legal(&block, round, row.name);
        }
    }
}

#[test]
fn passes_keep_guest_blocks() {
    let (mut before_size, mut after_size, mut faults, mut insns) = (0, 0, 0, 0);
    for seed in 0..SEEDS {
        let block = random_guest_block(seed);
        check_legal(&block, seed, "as lifted");
        assert_eq!(parse_block(&block.to_string()).as_ref(), Ok(&block), "seed {seed}");
        let mut after = block.clone();
        passes::run(&mut after, Passes::ALL);
        check_legal(&after, seed, "after the passes");
        for run in seed * 3..seed * 3 + 3 {
            let (then, now) = (execute(&block, run), execute(&after, run));
            faults += then.0.is_err() as u64;
            assert!(then == now, "seed {seed}, run {run}: {:?} {:?}\n{block}{after}", then.0, now.0);
        }
        insns += block.marks.len() as u64;
        before_size += block.insts.len();
        after_size += after.insts.len();
    }
    // The test proves little if blocks were short or nothing faulted or changed.
    let counts = format!("{insns} guest instructions, {before_size} to {after_size} IR instructions, {faults} faults");
    assert!(insns > SEEDS * 3 && after_size < before_size && faults > SEEDS / 20, "{counts}");
    println!("{counts}");
}
