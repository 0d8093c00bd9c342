//! The fuzzers' bodies on seeded input, for a bounded time. Where one fails, the message names the seed.

#[path = "../../fuzz/src/lib.rs"]
mod bodies;

use mynah_ir::testing::Rng;

/// Runs a body on inputs made by `make` from seeds.
fn smoke(rounds: u64, make: impl Fn(&mut Rng) -> Vec<u8>, body: fn(&[u8])) {
    for seed in 0..rounds {
        let bytes = make(&mut Rng::new(seed));
        if let Err(panic) = std::panic::catch_unwind(|| body(&bytes)) {
            eprintln!("seed {seed}: {} bytes {bytes:02x?}", bytes.len());
            std::panic::resume_unwind(panic);
        }
    }
}

/// Changes some bytes of `good`, and may cut it off.
fn damage(rng: &mut Rng, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..rng.below(6) {
        let at = rng.below(bytes.len());
        bytes[at] = rng.interesting() as u8;
    }
    if rng.one_in(8) {
        let len = rng.below(bytes.len());
        bytes.truncate(len);
    }
    bytes
}

/// An ELF file with two segments and an interpreter.
fn program() -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\xf3\0\x01\0\0\0".to_vec();
    bytes.extend([0x1_0000u64, 64, 0].iter().flat_map(|word| word.to_le_bytes()));
    bytes.extend(5u32.to_le_bytes());
    bytes.extend([64u16, 56, 3, 64, 0, 0].iter().flat_map(|half| half.to_le_bytes()));
    for (kind, flags, words) in [
        (1u32, 5u32, [0u64, 0x1_0000, 0, 0x200, 0x200, 4096]),
        (1, 6, [0x200, 0x2_0200, 0, 0x40, 0x999, 4096]),
        (3, 4, [0x1f0, 0, 0, 4, 4, 1]),
    ] {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(flags.to_le_bytes());
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    }
    bytes.resize(0x240, 0);
    bytes[0x1f0..0x1f2].copy_from_slice(b"ld");
    bytes
}

#[test]
fn elf_files() {
    bodies::elf(&program());
    assert!(mynah_runtime::loader::elf::parse(&program()).is_ok());
    smoke(20_000, |rng| damage(rng, program()), bodies::elf);
}

#[test]
fn code() {
    let halves = |rng: &mut Rng| (0..2 + rng.below(64)).flat_map(|_| (rng.bits() as u16).to_le_bytes()).collect();
    smoke(20_000, halves, bodies::lift);
    // Only 32-bit encodings: random halfwords are compressed ones mostly.
    let words = |rng: &mut Rng| (0..1 + rng.below(32)).flat_map(|_| (rng.bits() as u32 | 3).to_le_bytes()).collect();
    smoke(20_000, words, bodies::lift);
}

#[test]
fn ir_text() {
    let text = |rng: &mut Rng| {
        let seed = rng.bits();
        let block = mynah_ir::testing::random_chain(seed);
        block.to_string().into_bytes()
    };
    smoke(500, text, bodies::ir_parse);
    smoke(
        5_000,
        |rng| {
            let good = text(rng);
            damage(rng, good)
        },
        bodies::ir_parse,
    );
}
