//! From words to decoded instructions.
//!
//! Rows are found through an index over the bits that tell most of them apart; it is computed at compile time, and so
//! is the check that no word matches two rows.

use super::cpu::Cpu;
use super::csr;
use super::format::Format;
use super::insn::Insn;
use super::row::{Class, Row};
use super::table::{LEN, ROWS, ROWS_CONST};

/// Decodes the instruction at guest address `pc` that begins with the low bits of `word`; of a compressed one only
/// the low 16 bits are looked at. `None` if it is illegal on this CPU.
pub fn decode(word: u32, pc: u64, cpu: &Cpu) -> Option<Insn> {
    let (word, candidates) =
        if word & 3 == 3 { (word, INDEX32.candidates(word)) } else { (word & 0xffff, INDEX16.candidates(word)) };
    let op = candidates.iter().copied().find(|&op| BRIEFS[op as usize].matches(word, op))?;
    let brief = &BRIEFS[op as usize];
    let insn = brief.format.unpack(word, pc, op);
    (cpu.has_row(op) && (!brief.csr || csr::is_legal(&insn, cpu))).then_some(insn)
}

/// What decoding needs of a row, packed so that the whole table stays in the host's first-level cache.
#[derive(Clone, Copy)]
struct Brief {
    mask: u32,
    value: u32,
    format: Format,
    has_exceptions: bool,
    csr: bool,
}

impl Brief {
    const fn of(row: &Row) -> Brief {
        Brief {
            mask: row.mask,
            value: row.value,
            format: row.format,
            has_exceptions: !row.except.is_empty(),
            csr: matches!(row.class, Class::Csr),
        }
    }

    #[inline(always)]
    fn matches(&self, word: u32, op: u16) -> bool {
        word & self.mask == self.value && !(self.has_exceptions && ROWS[op as usize].excepts(word))
    }
}

static BRIEFS: [Brief; LEN] = {
    let mut briefs = [Brief::of(&ROWS_CONST[0]); LEN];
    let mut op = 1;
    while op < LEN {
        briefs[op] = Brief::of(&ROWS_CONST[op]);
        op += 1;
    }
    briefs
};

/// opcode, funct3 and the upper five bits of funct7.
const KEY32: u32 = 0xf800_707c;
/// Quadrant and funct3, and what tells apart the instructions of quadrant 1's busiest funct3.
const KEY16: u32 = 0x0000_fc63;

/// The number of a word's bucket: the bits of `KEY32`, packed.
#[inline(always)]
const fn bucket32(word: u32) -> usize {
    (word >> 2 & 0x1f | word >> 7 & 0xe0 | word >> 19 & 0x1f00) as usize
}

/// The number of a halfword's bucket: the bits of `KEY16`, packed.
#[inline(always)]
const fn bucket16(word: u32) -> usize {
    (word & 3 | word >> 3 & 0xc | word >> 6 & 0x3f0) as usize
}

static INDEX32: Index<{ 1 << 13 }, { entries(4, KEY32) }> = Index::new(4);
static INDEX16: Index<{ 1 << 10 }, { entries(2, KEY16) }> = Index::new(2);

/// For each bucket the rows that some word of the bucket may match.
struct Index<const BUCKETS: usize, const ENTRIES: usize> {
    /// Start and end in `rows`.
    ranges: [(u16, u16); BUCKETS],
    /// Row numbers, bucket by bucket.
    rows: [u16; ENTRIES],
    long: bool,
}

impl<const BUCKETS: usize, const ENTRIES: usize> Index<BUCKETS, ENTRIES> {
    #[inline(always)]
    fn candidates(&self, word: u32) -> &[u16] {
        let (start, end) = self.ranges[if self.long { bucket32(word) } else { bucket16(word) }];
        &self.rows[start as usize..end as usize]
    }

    /// Counts, then places: every row goes into the buckets of all keys that its fixed bits allow.
    const fn new(len: u8) -> Index<BUCKETS, ENTRIES> {
        let mut counts = [0u16; BUCKETS];
        let mut rows = [0u16; ENTRIES];
        let mut ranges = [(0u16, 0u16); BUCKETS];
        let mut op = 0;
        while op < LEN {
            let mut keys = Keys::of(&ROWS_CONST[op], len);
            while let Some(bucket) = keys.next() {
                counts[bucket] += 1;
            }
            op += 1;
        }
        let (mut bucket, mut start) = (0, 0);
        while bucket < BUCKETS {
            ranges[bucket] = (start, start);
            start += counts[bucket];
            bucket += 1;
        }
        op = 0;
        while op < LEN {
            let mut keys = Keys::of(&ROWS_CONST[op], len);
            while let Some(bucket) = keys.next() {
                let (start, end) = ranges[bucket];
                check_disjoint(op, &rows, start, end);
                rows[end as usize] = op as u16;
                ranges[bucket].1 += 1;
            }
            op += 1;
        }
        Index { ranges, rows, long: len == 4 }
    }
}

/// Fails to build if row `op` and one of those in the same bucket match one word. Rows that share a word share its
/// bucket, so that this compares all pairs that matter.
const fn check_disjoint(op: usize, rows: &[u16], start: u16, end: u16) {
    let mut i = start;
    while i < end {
        assert!(!ROWS_CONST[op].overlaps(&ROWS_CONST[rows[i as usize] as usize]), "two rows match one word");
        i += 1;
    }
}

/// The buckets of a row.
struct Keys {
    fixed: u32,
    free: u32,
    subset: u32,
    done: bool,
    long: bool,
}

impl Keys {
    /// None for a row of another length and for one that lies within another.
    const fn of(row: &Row, len: u8) -> Keys {
        let key = if len == 4 { KEY32 } else { KEY16 };
        let done = row.len != len || matches!(row.class, Class::Within(_));
        Keys { fixed: row.value & key, free: key & !row.mask, subset: 0, done, long: len == 4 }
    }

    /// Steps through all subsets of the free bits.
    const fn next(&mut self) -> Option<usize> {
        if self.done {
            return None;
        }
        let word = self.fixed | self.subset;
        self.subset = self.subset.wrapping_sub(self.free) & self.free;
        self.done = self.subset == 0;
        Some(if self.long { bucket32(word) } else { bucket16(word) })
    }
}

/// How many entries the index has.
const fn entries(len: u8, key: u32) -> usize {
    let (mut op, mut n) = (0, 0);
    while op < LEN {
        let row = &ROWS_CONST[op];
        if row.len == len && !matches!(row.class, Class::Within(_)) {
            n += 1 << (key & !row.mask).count_ones();
        }
        op += 1;
    }
    n
}
