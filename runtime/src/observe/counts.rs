//! Exact counts: a number for each block, and counters by number for each thread.

use mynah_backend::lower::count::CELLS;
use rustc_hash::FxHashMap;

use super::BlockInfo;

/// Blocks that can be numbered. A thread's counters are reserved for all of them (64 MiB of addresses); what is never
/// counted costs no memory.
pub const MAX_NUMBERS: usize = 4 << 20;

/// Blocks and their numbers, which begin with 1. The same code at the same place keeps its number.
#[derive(Debug, Default)]
pub struct Numbers {
    known: FxHashMap<BlockInfo, u32>,
    ranges: Vec<(u64, u64)>,
}

impl Numbers {
    /// The number of a block, and whether it is new; `None` if there are no more.
    pub fn number(&mut self, block: &BlockInfo) -> Option<(u32, bool)> {
        if let Some(number) = self.known.get(block) {
            return Some((*number, false));
        }
        if self.len() >= MAX_NUMBERS {
            return None;
        }
        self.ranges.push((block.pc, block.end));
        let number = self.ranges.len() as u32;
        self.known.insert(block.clone(), number);
        Some((number, true))
    }

    /// Start and end of a block.
    pub fn range(&self, number: u32) -> Option<(u64, u64)> {
        self.ranges.get((number as usize).checked_sub(1)?).copied()
    }

    /// One more than the highest number.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.ranges.len() + 1
    }
}

/// One thread's counters: [`CELLS`] for each number. Only the thread itself adds to them; others read them when the process
/// ends.
#[derive(Debug)]
pub struct Counters {
    cells: *mut u64,
}

// SAFETY: the mapping belongs to the value; see the fields' rule above for who writes.
unsafe impl Send for Counters {}
// SAFETY: as above; a count that is read while its thread adds to it is the one before or after.
unsafe impl Sync for Counters {}

const BYTES: usize = MAX_NUMBERS * CELLS as usize * 8;

impl Counters {
    /// Counters that are all 0; without room for any unless `wanted`.
    pub fn new(wanted: bool) -> Counters {
        if !wanted {
            return Counters { cells: std::ptr::null_mut() };
        }
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a fresh mapping.
        let cells =
            unsafe { libc::mmap(std::ptr::null_mut(), BYTES, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        assert!(cells != libc::MAP_FAILED, "no addresses for a thread's counters");
        Counters { cells: cells.cast() }
    }

    /// Where they are, for translated code.
    pub fn cells(&self) -> *mut u64 {
        self.cells
    }

    /// Counts one execution.
    #[inline(always)]
    pub fn add(&self, number: u32, taken: bool) {
        debug_assert!((number as usize) < MAX_NUMBERS + 1);
        // SAFETY: numbers are below the limit that the mapping was made for.
        unsafe { *self.cells.add(number as usize * CELLS as usize + usize::from(taken)) += 1 };
    }

    /// Adds all counts below `numbers` to `totals` and sets them to 0.
    pub fn take(&self, numbers: usize, totals: &mut Vec<[u64; 2]>) {
        if self.cells.is_null() {
            return;
        }
        if totals.len() < numbers {
            totals.resize(numbers, [0; 2]);
        }
        for (number, total) in totals.iter_mut().enumerate().take(numbers) {
            for (cell, sum) in total.iter_mut().enumerate() {
                // SAFETY: as in `add`. Volatile: the thread may be running.
                unsafe {
                    let place = self.cells.add(number * CELLS as usize + cell);
                    let count = place.read_volatile();
                    if count != 0 {
                        *sum += count;
                        place.write_volatile(place.read_volatile() - count);
                    }
                }
            }
        }
    }

    /// Sets all counts to 0.
    pub fn clear(&self) {
        if !self.cells.is_null() {
            // SAFETY: the mapping is the value's own; its pages read as 0 afterwards.
            unsafe { libc::madvise(self.cells.cast(), BYTES, libc::MADV_DONTNEED) };
        }
    }
}

impl Drop for Counters {
    fn drop(&mut self) {
        if !self.cells.is_null() {
            // SAFETY: the mapping is the value's own, and its thread does not run any more.
            unsafe { libc::munmap(self.cells.cast(), BYTES) };
        }
    }
}
