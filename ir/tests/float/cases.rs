//! Operands: edges of each format, and random ones that are likely to hit a boundary.

use mynah_ir::Type;
use mynah_ir::testing::Rng;

/// How many random cases a test runs: `standard`, times the variable `MYNAH_TEST_SCALE` if it is set.
pub fn scaled(standard: usize) -> usize {
    standard * std::env::var("MYNAH_TEST_SCALE").map_or(1, |s| s.parse().expect("MYNAH_TEST_SCALE is a number"))
}

/// A generator of operands.
pub struct Random(Rng);

impl Random {
    /// Seeded by the variable `MYNAH_TEST_SEED`, else always the same. Prints the seed, which a failing test shows.
    pub fn new() -> Random {
        let seed = std::env::var("MYNAH_TEST_SEED").map_or(1, |s| s.parse().expect("MYNAH_TEST_SEED is a number"));
        println!("MYNAH_TEST_SEED={seed}");
        Random(Rng::new(seed))
    }

    pub fn next(&mut self) -> u64 {
        self.0.bits()
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }

    /// Bits with long runs, all of them below `bits`.
    fn runs(&mut self, bits: u32) -> u64 {
        let mask = u64::MAX >> (64 - bits);
        let (from, to) = (self.below(bits as u64), self.below(bits as u64));
        let run = (1u64 << from).wrapping_sub(1 << to);
        match self.below(4) {
            0 => self.next() & mask,
            1 => run & mask,
            2 => (run ^ 1 << self.below(bits as u64)) & mask,
            _ => run & self.next() & mask,
        }
    }

    /// A datum of a float type: any bits, an edge, or runs of equal bits with a chosen exponent.
    pub fn float(&mut self, ty: Type) -> u64 {
        let (exp, frac) = widths(ty);
        match self.below(8) {
            0 => self.next() & ty.mask(),
            1 => {
                let edges = edges(ty);
                edges[self.below(edges.len() as u64) as usize]
            }
            _ => {
                let middle = (1 << (exp - 1)) - 1;
                let exponent = match self.below(4) {
                    0 => self.below(1 << exp),
                    1 => middle - 3 + self.below(6),
                    2 => middle - frac as u64 + self.below(2 * frac as u64),
                    _ => (self.below(6) as i64 - 3) as u64 & ((1 << exp) - 1),
                } & ((1 << exp) - 1);
                (self.next() & 1) << (exp + frac) | exponent << frac | self.runs(frac)
            }
        }
    }

    /// An integer of `bits` bits, of any magnitude.
    pub fn integer(&mut self, bits: u32) -> u64 {
        let mask = u64::MAX >> (64 - bits);
        let v = self.runs(bits) >> self.below(bits as u64);
        (if self.next() & 1 != 0 { v.wrapping_neg() } else { v }) & mask
    }
}

/// Widths of exponent and fraction.
pub fn widths(ty: Type) -> (u32, u32) {
    match ty {
        Type::F16 => (5, 10),
        Type::F32 => (8, 23),
        Type::F64 => (11, 52),
        other => panic!("{other:?} is no float"),
    }
}

/// Both signs of zero, of the ends of the subnormal and normal ranges, of 1, of numbers around the halves and the
/// powers of two at which conversions to integers saturate, of infinity, and of NaNs.
pub fn edges(ty: Type) -> Vec<u64> {
    let (exp, frac) = widths(ty);
    let bias = (1u64 << (exp - 1)) - 1;
    let (min_normal, inf) = (1u64 << frac, ((1u64 << exp) - 1) << frac);
    let mut all =
        vec![0, 1, 2, min_normal / 2, min_normal - 1, min_normal, min_normal + 1, 2 * min_normal - 1, inf - 1, inf];
    all.extend([inf | 1, inf | (min_normal / 2 - 1), inf | min_normal / 2, inf | (min_normal - 1)]);
    for power in [-1, 0, 1, 2, 7, 8, 15, 31, 32, 63, 64] {
        let biased = bias as i64 + power;
        if biased < (1 << exp) - 1 {
            let one = (biased as u64) << frac;
            all.extend([one - 1, one, one + 1, one | min_normal / 2]);
        }
    }
    let sign = 1u64 << (exp + frac);
    let negative: Vec<u64> = all.iter().map(|bits| bits | sign).collect();
    all.extend(negative);
    all
}
