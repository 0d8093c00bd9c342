//! The map of guest areas: what is mapped where, with what guest rights. A pure data structure; the host is not touched.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Guest rights of an area: `PROT_READ`, `PROT_WRITE`, `PROT_EXEC` bits of `mmap`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Prot(pub i32);

impl Prot {
    /// The three bits that make a right.
    pub const MASK: i32 = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;

    /// Whether loads are allowed. Stores imply loads, as in riscv64's page tables.
    pub const fn read(self) -> bool {
        self.0 & (libc::PROT_READ | libc::PROT_WRITE) != 0
    }
    /// Whether stores are allowed.
    pub const fn write(self) -> bool {
        self.0 & libc::PROT_WRITE != 0
    }
    /// Whether instruction fetches are allowed.
    pub const fn exec(self) -> bool {
        self.0 & libc::PROT_EXEC != 0
    }
}

/// The object behind a mapping. Shared anonymous memory has one too, so that aliases of it are recognised.
#[derive(Debug)]
pub struct MappedFile {
    /// Path as the host's `/proc/self/fd` gave it.
    pub path: PathBuf,
    /// Device number.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// What identifies its content in the cache on disk, if it was mapped to be executed; 0 if not known.
    pub key: u128,
}

impl PartialEq for MappedFile {
    /// The key says nothing new.
    fn eq(&self, other: &MappedFile) -> bool {
        (&self.path, self.dev, self.ino) == (&other.path, other.dev, other.ino)
    }
}

impl Eq for MappedFile {}

/// One area of guest memory with the same rights and backing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vma {
    /// First address.
    pub start: u64,
    /// Address after the last.
    pub end: u64,
    /// Guest rights.
    pub prot: Prot,
    /// `MAP_SHARED`.
    pub shared: bool,
    /// `MAP_GROWSDOWN`.
    pub grows_down: bool,
    /// What is mapped; `None` for private anonymous memory.
    pub file: Option<Arc<MappedFile>>,
    /// Offset in the file of `start`, in bytes.
    pub offset: u64,
    /// `[heap]`, `[stack]`, `[vdso]`, or empty.
    pub name: &'static str,
}

impl Vma {
    /// The addresses.
    pub fn range(&self) -> Range<u64> {
        self.start..self.end
    }

    /// The same area restricted to `range`, which must overlap it.
    fn clipped(&self, range: &Range<u64>) -> Vma {
        let start = self.start.max(range.start);
        Vma { start, end: self.end.min(range.end), offset: self.offset_at(start), ..self.clone() }
    }

    /// Offset in the file of an address in this area; 0 for anonymous memory.
    pub fn offset_at(&self, addr: u64) -> u64 {
        match self.file {
            Some(_) => self.offset + (addr - self.start),
            None => 0,
        }
    }

    /// Whether `next`, which starts where this ends, continues it.
    fn joins(&self, next: &Vma) -> bool {
        self.end == next.start
            && self.prot == next.prot
            && self.shared == next.shared
            && self.grows_down == next.grows_down
            && self.name == next.name
            && self.file == next.file
            && (self.file.is_none() || self.offset_at(self.end) == next.offset)
    }
}

/// All areas, by start. Areas never overlap and are never empty; neighbours that could be one are one.
#[derive(Default, Debug)]
pub struct VmaMap {
    areas: BTreeMap<u64, Vma>,
}

impl VmaMap {
    /// The area that holds `addr`.
    pub fn find(&self, addr: u64) -> Option<&Vma> {
        self.areas.range(..=addr).next_back().map(|(_, vma)| vma).filter(|vma| addr < vma.end)
    }

    /// All areas in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = &Vma> {
        self.areas.values()
    }

    /// The areas that overlap `range`, in ascending order, not clipped.
    pub fn overlapping(&self, range: Range<u64>) -> impl Iterator<Item = &Vma> {
        let first = self.find(range.start).map_or(range.start, |vma| vma.start);
        let end = if range.is_empty() { first } else { range.end };
        self.areas.range(first..end.max(first)).map(|(_, vma)| vma)
    }

    /// The parts of areas that lie in `range`, in ascending order.
    pub fn pieces(&self, range: Range<u64>) -> Vec<Vma> {
        self.overlapping(range.clone()).map(|vma| vma.clipped(&range)).collect()
    }

    /// The parts of `range` where nothing is mapped, in ascending order.
    pub fn gaps(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let mut gaps = Vec::new();
        let mut at = range.start;
        for vma in self.overlapping(range.clone()) {
            if at < vma.start {
                gaps.push(at..vma.start);
            }
            at = vma.end;
        }
        if at < range.end {
            gaps.push(at..range.end);
        }
        gaps
    }

    /// Whether every byte of `range` is mapped.
    pub fn covers(&self, range: Range<u64>) -> bool {
        self.gaps(range).is_empty()
    }

    /// Forgets what lies in `range`; gives the pieces that were there.
    pub fn remove(&mut self, range: Range<u64>) -> Vec<Vma> {
        self.split(range.start);
        self.split(range.end);
        let starts: Vec<u64> = self.overlapping(range).map(|vma| vma.start).collect();
        starts.iter().filter_map(|start| self.areas.remove(start)).collect()
    }

    /// Adds an area in place of whatever was there; gives the pieces that it replaced.
    pub fn insert(&mut self, vma: Vma) -> Vec<Vma> {
        debug_assert!(vma.start < vma.end);
        let removed = self.remove(vma.range());
        let range = vma.range();
        self.areas.insert(vma.start, vma);
        self.merge(range);
        removed
    }

    /// Sets the rights of what is mapped in `range`.
    pub fn set_prot(&mut self, range: Range<u64>, prot: Prot) {
        self.split(range.start);
        self.split(range.end);
        for (_, vma) in self.areas.range_mut(range.clone()) {
            vma.prot = prot;
        }
        self.merge(range);
    }

    /// Start of the highest gap of `len` bytes, aligned to `align` (a power of two), in `within`.
    pub fn find_gap(&self, len: u64, align: u64, within: Range<u64>) -> Option<u64> {
        let mut top = within.end;
        let fits = |bottom: u64, top: u64| {
            let start = top.checked_sub(len)? & !(align - 1);
            (start >= bottom).then_some(start)
        };
        for vma in self.areas.range(..within.end).rev().map(|(_, vma)| vma) {
            if vma.end <= within.start {
                break;
            }
            if let Some(start) = fits(vma.end.max(within.start), top) {
                return Some(start);
            }
            top = vma.start;
        }
        fits(within.start, top)
    }

    /// Makes `addr` a boundary between areas if an area spans it.
    fn split(&mut self, addr: u64) {
        let Some(vma) = self.find(addr).filter(|vma| vma.start < addr) else { return };
        let (low, high) = (vma.clipped(&(vma.start..addr)), vma.clipped(&(addr..vma.end)));
        self.areas.insert(low.start, low);
        self.areas.insert(high.start, high);
    }

    /// Joins the areas in and next to `range` that continue one another.
    fn merge(&mut self, range: Range<u64>) {
        let first = self.areas.range(..range.start).next_back().map_or(range.start, |(&start, _)| start);
        let starts: Vec<u64> = self.areas.range(first..=range.end).map(|(&start, _)| start).collect();
        let mut current = first;
        for start in starts {
            let joined = start != current
                && matches!((self.areas.get(&current), self.areas.get(&start)), (Some(a), Some(b)) if a.joins(b));
            if !joined {
                current = start;
            } else if let Some(next) = self.areas.remove(&start)
                && let Some(vma) = self.areas.get_mut(&current)
            {
                vma.end = next.end;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RW: Prot = Prot(libc::PROT_READ | libc::PROT_WRITE);
    const R: Prot = Prot(libc::PROT_READ);

    fn anon(range: Range<u64>, prot: Prot) -> Vma {
        Vma {
            start: range.start,
            end: range.end,
            prot,
            shared: false,
            grows_down: false,
            file: None,
            offset: 0,
            name: "",
        }
    }

    fn ranges(map: &VmaMap) -> Vec<Range<u64>> {
        map.iter().map(Vma::range).collect()
    }

    #[test]
    fn neighbours_with_equal_attributes_become_one() {
        let mut map = VmaMap::default();
        map.insert(anon(0x1000..0x2000, RW));
        map.insert(anon(0x3000..0x4000, RW));
        assert_eq!(ranges(&map), [0x1000..0x2000, 0x3000..0x4000]);
        map.insert(anon(0x2000..0x3000, RW));
        assert_eq!(ranges(&map), [0x1000..0x4000]);
        map.set_prot(0x2000..0x3000, R);
        assert_eq!(ranges(&map), [0x1000..0x2000, 0x2000..0x3000, 0x3000..0x4000]);
        map.set_prot(0x2000..0x3000, RW);
        assert_eq!(ranges(&map), [0x1000..0x4000]);
    }

    #[test]
    fn file_offsets_follow_splits_and_decide_merges() {
        let file = Arc::new(MappedFile { path: "/f".into(), dev: 1, ino: 2, key: 0 });
        let mut map = VmaMap::default();
        map.insert(Vma { file: Some(file.clone()), offset: 0x8000, ..anon(0x1000..0x5000, R) });
        assert_eq!(map.remove(0x2000..0x3000)[0].offset, 0x9000);
        assert_eq!(map.find(0x3000).unwrap().offset, 0xa000);
        map.insert(Vma { file: Some(file.clone()), offset: 0x7000, ..anon(0x2000..0x3000, R) });
        assert_eq!(map.iter().count(), 3);
        map.insert(Vma { file: Some(file), offset: 0x9000, ..anon(0x2000..0x3000, R) });
        assert_eq!(ranges(&map), [0x1000..0x5000]);
    }

    #[test]
    fn gaps_and_pieces_partition_a_range() {
        let mut map = VmaMap::default();
        map.insert(anon(0x2000..0x4000, RW));
        map.insert(anon(0x5000..0x9000, R));
        assert_eq!(map.gaps(0x1000..0x6000), [0x1000..0x2000, 0x4000..0x5000]);
        let pieces: Vec<_> = map.pieces(0x3000..0x6000).iter().map(Vma::range).collect();
        assert_eq!(pieces, [0x3000..0x4000, 0x5000..0x6000]);
        assert!(map.covers(0x5000..0x9000) && !map.covers(0x3000..0x6000));
        assert_eq!(map.gaps(0x3000..0x3000), []);
    }

    #[test]
    fn the_highest_gap_that_fits_is_chosen() {
        let mut map = VmaMap::default();
        map.insert(anon(0x8000..0x9000, RW));
        map.insert(anon(0x5000..0x6000, RW));
        assert_eq!(map.find_gap(0x1000, 0x1000, 0x1000..0xa000), Some(0x9000));
        assert_eq!(map.find_gap(0x2000, 0x1000, 0x1000..0xa000), Some(0x6000));
        assert_eq!(map.find_gap(0x2000, 0x4000, 0x3000..0xa000), None);
        assert_eq!(map.find_gap(0x2000, 0x2000, 0x1000..0x5800), Some(0x2000));
        assert_eq!(map.find_gap(0x5000, 0x1000, 0x1000..0xa000), None);
    }
}
