//! Random blocks: text both ways, and passes keep what the interpreter does.

use mynah_ir::interp::{self, Exit, Fault};
use mynah_ir::passes::{self, PASSES, Passes};
use mynah_ir::testing::{Kinds, Rng, TestMemory, random_block, random_chain, random_state};
use mynah_ir::{Block, Op, parse_block, verify};

const SEEDS: u64 = 2000;
/// States that each block runs on.
const RUNS: u64 = 3;

/// Everything that a run can be observed by.
type Outcome = (Result<Exit, Fault>, Vec<u64>, TestMemory);

fn execute(block: &Block, seed: u64) -> Outcome {
    let (mut state, mut memory) = (random_state(seed), TestMemory::new(seed));
    let exit = interp::run(block, &mut state, &mut memory);
    (exit, state.cells.to_vec(), memory)
}

fn check_legal(block: &Block, seed: u64, what: &str) {
    if let Err(errors) = verify(block) {
        panic!("seed {seed}, {what}: {errors:#?}\n{block}");
    }
}

/// Each pass alone, and all of them.
fn pipelines() -> Vec<(&'static str, Passes)> {
    let alone = PASSES.iter().map(|pass| (pass.name, Passes::parse(pass.name).unwrap()));
    alone.chain([("all", Passes::ALL)]).collect()
}

#[test]
fn text_goes_both_ways() {
    for seed in 0..SEEDS {
        let block = random_block(seed, 12, Kinds::ALL);
        check_legal(&block, seed, "as generated");
        let text = block.to_string();
        let again = parse_block(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        assert_eq!(again, block, "seed {seed}\n{text}");
    }
}

#[test]
fn passes_keep_the_meaning() {
    let pipelines = pipelines();
    let mut changed = vec![0; pipelines.len()];
    let (mut faults, mut finished) = (0, 0);
    for seed in 0..SEEDS {
        let block = random_block(seed, 12, if seed % 2 == 0 { Kinds::INTEGER } else { Kinds::ALL });
        let before: Vec<Outcome> = (0..RUNS).map(|run| execute(&block, seed * RUNS + run)).collect();
        for outcome in &before {
            *(if outcome.0.is_err() { &mut faults } else { &mut finished }) += 1;
        }
        for ((name, passes), changed) in pipelines.iter().zip(&mut changed) {
            let mut after = block.clone();
            passes::run(&mut after, *passes);
            check_legal(&after, seed, name);
            *changed += (after != block) as u32;
            for (run, before) in before.iter().enumerate() {
                let now = execute(&after, seed * RUNS + run as u64);
                assert!(now == *before, "seed {seed}, run {run}, {name}: {:?} {:?}\n{block}{after}", before.0, now.0);
            }
            assert_eq!(parse_block(&after.to_string()).as_ref(), Ok(&after), "seed {seed}, {name}");
        }
    }
    // The test proves nothing about a pass that did nothing, or about faults if there were none.
    for ((name, _), changed) in pipelines.iter().zip(changed) {
        assert!(changed as u64 > SEEDS / 20, "{name} changed only {changed} blocks");
    }
    assert!(faults > SEEDS / 20 && finished > SEEDS / 2, "{faults} faults, {finished} blocks to the end");
}

/// Rules of arithmetic, densely: chains of integer ops whose values can all be seen.
#[test]
fn passes_keep_chains() {
    let pipelines = pipelines();
    for seed in 0..SEEDS * 10 {
        let block = random_chain(seed);
        check_legal(&block, seed, "as generated");
        let before: Vec<Outcome> = (0..RUNS).map(|run| execute(&block, seed * RUNS + run)).collect();
        for (name, passes) in &pipelines {
            let mut after = block.clone();
            passes::run(&mut after, *passes);
            check_legal(&after, seed, name);
            for (run, before) in before.iter().enumerate() {
                let now = execute(&after, seed * RUNS + run as u64);
                assert!(now == *before, "seed {seed}, run {run}, {name}\n{block}{after}");
            }
        }
    }
}

/// Running the passes again finds nothing that makes the block longer. Constants do not count: they become operands, and
/// folding two operations into one may need a third.
#[test]
fn passes_do_not_grow_blocks() {
    for seed in 0..SEEDS {
        let mut block = random_block(seed, 12, Kinds::ALL);
        let operations = |block: &Block| block.insts.iter().filter(|inst| inst.op != Op::Iconst).count();
        let original = operations(&block);
        passes::run(&mut block, Passes::ALL);
        let once = operations(&block);
        passes::run(&mut block, Passes::ALL);
        assert!(once <= original && operations(&block) <= once, "seed {seed}: {original} {once}\n{block}");
    }
}

/// What the verifier accepts runs: passes and interpreter rely on its rules and on nothing else.
#[test]
fn accepted_blocks_run() {
    let (mut accepted, mut rejected) = (0, 0);
    for seed in 0..SEEDS * 4 {
        let mut rng = Rng::new(seed);
        let mut block = random_block(seed, 6, Kinds::ALL);
        if block.insts.is_empty() {
            continue;
        }
        let other = random_block(seed + 1, 6, Kinds::ALL);
        let at = rng.below(block.insts.len());
        match rng.below(5) {
            0 => block.insts[at].imm = rng.interesting() as i64,
            1 => block.insts[at].args[rng.below(4)].0 = rng.below(block.insts.len() + 1) as u32,
            2 => block.insts[at].ty = rng.pick(&mynah_ir::Type::ALL),
            3 => block.insts[at].op = rng.pick(mynah_ir::Op::ALL),
            _ => block.terminal = other.terminal,
        }
        match verify(&block) {
            Err(_) => rejected += 1,
            Ok(()) => {
                accepted += 1;
                let before = execute(&block, seed);
                passes::run(&mut block, Passes::ALL);
                check_legal(&block, seed, "after all passes");
                assert!(execute(&block, seed) == before, "seed {seed}\n{block}");
            }
        }
    }
    assert!(accepted > SEEDS / 4 && rejected > SEEDS / 4, "{accepted} accepted, {rejected} rejected");
}

/// The parser answers any text with a block or an error, and what it accepts it prints and reads again.
#[test]
fn parser_is_total() {
    const BYTES: &[u8] = b"v0:=,.+-@x; \n{}j19\xff\xc3cell";
    let (mut accepted, mut rejected) = (0, 0);
    for seed in 0..SEEDS * 4 {
        let mut rng = Rng::new(seed);
        let mut text = random_block(seed, 4, Kinds::ALL).to_string().into_bytes();
        for _ in 0..1 + rng.below(3) {
            let (at, len) = (rng.below(text.len()), rng.below(6));
            match rng.below(4) {
                0 => text[at] = rng.pick(BYTES),
                1 => text.insert(at, rng.pick(BYTES)),
                2 => drop(text.drain(at..(at + len).min(text.len()))),
                _ => text.truncate(at + 1),
            }
            if text.is_empty() {
                text.push(b'\n');
            }
        }
        match parse_block(&String::from_utf8_lossy(&text)) {
            Err(error) => {
                rejected += 1;
                assert!(error.line >= 1 && !error.message.is_empty());
            }
            Ok(block) => {
                accepted += 1;
                let printed = block.to_string();
                if verify(&block).is_ok() {
                    assert_eq!(parse_block(&printed).as_ref(), Ok(&block), "seed {seed}\n{printed}");
                }
            }
        }
    }
    assert!(accepted > 100 && rejected > 100, "{accepted} accepted, {rejected} rejected");
}
