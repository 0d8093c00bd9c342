//! For tests of everything that reads blocks: random legal blocks, a small guest memory and random states, all from a
//! seed, so that a failure is reproduced by its number.

use crate::interp::{MemFault, Memory};
use crate::state::{CELLS, FLAGS_CELL, FRM_CELL, State};
use crate::types::{Counter, Order};

mod blocks;
mod chain;

pub use blocks::{Kinds, random_block};
pub use chain::random_chain;

/// A small generator of pseudo-random numbers (xorshift64*).
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator whose sequence depends on `seed` only.
    pub fn new(seed: u64) -> Rng {
        Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.bits() >> 33) as usize % limit
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of `items`, which is not empty.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// A value that is likely to sit at an edge.
    pub fn interesting(&mut self) -> u64 {
        let edge =
            self.pick(&[0, 1, 2, 3, 7, 8, 15, 31, 32, 48, 63, 64, 0xff, 0x7f, 0x80, 0xffff, 0x8000, 0xffff_ffff]);
        match self.below(6) {
            0 | 1 => edge,
            2 => edge.wrapping_neg(),
            3 => !edge,
            4 => 0x8000_0000u64.wrapping_shl(self.below(64) as u32),
            _ => self.bits(),
        }
    }
}

/// Guest memory of tests: one writable range; everything else faults. Counters count how often they are read.
#[derive(Clone, PartialEq, Debug)]
pub struct TestMemory {
    /// The bytes from [`TestMemory::BASE`] on.
    pub bytes: Vec<u8>,
    /// What the next read of a counter gives.
    pub ticks: u64,
    /// Fences so far, in order.
    pub fences: Vec<Order>,
}

impl TestMemory {
    /// Guest address of the first byte.
    pub const BASE: u64 = 0x2_0000;
    /// Number of bytes.
    pub const LEN: usize = 4096;

    /// Memory filled from a seed.
    pub fn new(seed: u64) -> TestMemory {
        let mut rng = Rng::new(seed);
        let bytes = (0..Self::LEN / 8).flat_map(|_| rng.bits().to_le_bytes()).collect();
        TestMemory { bytes, ticks: 0, fences: Vec::new() }
    }

    /// The bytes of an access, or its first address that is outside.
    fn range(&mut self, addr: u64, bytes: u32) -> Result<&mut [u8], MemFault> {
        let outside = |addr: &u64| !(Self::BASE..Self::BASE + Self::LEN as u64).contains(addr);
        match (0..bytes as u64).map(|i| addr.wrapping_add(i)).find(outside) {
            Some(addr) => Err(MemFault { addr }),
            None => {
                let start = (addr - Self::BASE) as usize;
                Ok(&mut self.bytes[start..start + bytes as usize])
            }
        }
    }
}

impl Memory for TestMemory {
    fn load(&mut self, addr: u64, bytes: u32) -> Result<u64, MemFault> {
        let range = self.range(addr, bytes)?;
        Ok(range.iter().rev().fold(0, |value, byte| value << 8 | *byte as u64))
    }

    fn store(&mut self, addr: u64, bytes: u32, value: u64) -> Result<(), MemFault> {
        self.range(addr, bytes)?.copy_from_slice(&value.to_le_bytes()[..bytes as usize]);
        Ok(())
    }

    fn fence(&mut self, order: Order) {
        self.fences.push(order);
    }

    fn counter(&mut self, counter: Counter) -> u64 {
        self.ticks + counter as u64
    }
}

/// A state of edge values with a legal floating-point environment.
pub fn random_state(seed: u64) -> State {
    let mut rng = Rng::new(seed);
    let mut state = State::default();
    for cell in 0..CELLS as u16 {
        state.set(cell, rng.interesting());
    }
    state.set(FLAGS_CELL, rng.below(32) as u64);
    state.set(FRM_CELL, rng.below(5) as u64);
    state.set_pc(0);
    state
}
