//! From a host pc inside translated code to the guest pc that it belongs to.

/// The source location of a guest pc in a region that starts at `base`. Cranelift keeps the all-ones location for
/// itself; distances between instructions of one region are far below 2 GiB, and even, so the shift loses nothing.
pub fn encode(base: u64, pc: u64) -> u32 {
    (pc.wrapping_sub(base) as i64 >> 1) as i32 as u32 & 0x7fff_ffff
}

/// Cranelift's location for code that belongs to no guest instruction: the function's frame, and pure values, which it may
/// move or share. None of it can fault.
const NOWHERE: u32 = u32::MAX;

fn decode(base: u64, loc: u32) -> u64 {
    base.wrapping_add((((loc << 1) as i32 >> 1) as i64 * 2) as u64)
}

/// Sorted places in a translation's host code and the guest instruction of each.
#[derive(Clone, Debug, Default)]
pub struct FaultMap {
    base: u64,
    /// (end of host range, source location), ascending.
    ends: Vec<(u32, u32)>,
}

impl FaultMap {
    /// From (start, end, location) ranges in ascending order.
    pub fn new(base: u64, ranges: impl Iterator<Item = (u32, u32, u32)>) -> FaultMap {
        FaultMap { base, ends: ranges.map(|(_, end, loc)| (end, loc)).collect() }
    }

    /// The guest pc of the instruction whose host code contains `offset`; `None` for code that belongs to none.
    pub fn guest_pc(&self, offset: u32) -> Option<u64> {
        let i = self.ends.partition_point(|(end, _)| *end <= offset);
        self.ends.get(i).filter(|(_, loc)| *loc != NOWHERE).map(|(_, loc)| decode(self.base, *loc))
    }

    /// A map of (end of host range, source location) pairs as they were kept on disk.
    pub fn from_pairs(base: u64, ends: Vec<(u32, u32)>) -> FaultMap {
        FaultMap { base, ends }
    }

    /// (end of host range, source location) pairs; they do not depend on where the guest's code lies.
    pub fn pairs(&self) -> &[(u32, u32)] {
        &self.ends
    }

    /// (host offset at which it ends, guest pc) of each range.
    pub fn ranges(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.ends.iter().map(|(end, loc)| (*end, decode(self.base, *loc)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_survive_both_directions() {
        for base in [0x10000u64, 0x7fff_0000_0000, u64::MAX - 10] {
            for delta in [0i64, 2, -2, 4096, -65536, 1 << 28, -(1 << 28)] {
                let pc = base.wrapping_add(delta as u64);
                assert_eq!(decode(base, encode(base, pc)), pc);
            }
        }
    }
}
