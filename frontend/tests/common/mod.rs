//! Random words for tests, the same in every run.
#![allow(dead_code)] // Each suite uses a part.

use mynah_frontend::riscv64::ROWS;

/// A xorshift generator.
pub struct Random(u64);

impl Random {
    /// Begins a sequence; equal seeds give equal sequences.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next 32 bits.
    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as u32
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u32) -> u32 {
        self.next() % n
    }
}

/// How many times as many words a test takes: the variable `MYNAH_TEST_SCALE`, or 1.
pub fn scale() -> u64 {
    std::env::var("MYNAH_TEST_SCALE").map_or(1, |s| s.parse().expect("MYNAH_TEST_SCALE is a number"))
}

/// `count` 32-bit encodings: most match a row's fixed bits, often with a field of zeros, as special cases hide there;
/// some are anything.
pub fn words(random: &mut Random, count: usize) -> impl Iterator<Item = u32> {
    let rows: Vec<_> = ROWS.iter().filter(|r| r.len == 4).collect();
    (0..count).map(move |_| {
        let any = random.next();
        if random.below(8) == 0 {
            return any | 3;
        }
        let row = rows[random.below(rows.len() as u32) as usize];
        let zeros =
            [0, 0, 0x1f << 7, 0x1f << 15, 0x1f << 20, 0x1f << 7 | 0x1f << 15, 0xfff0_0000][random.below(7) as usize];
        (any & !zeros & !row.mask) | row.value
    })
}
