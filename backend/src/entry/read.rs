//! Opening an entry and looking at its regions.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::ops::Range;

use super::bytes::Reader;
use super::write::is_marker;
use super::{EntryError, HEADER, MAGIC, Name, PAGE, Piece, ROW, region_checksum};
use crate::compiler::LinkReloc;
use crate::lower::{EMPTY_CACHE, IMAGE_BASE, LinkTarget};

/// An opened entry: the whole file, mapped read-only.
#[derive(Debug)]
pub struct Entry {
    map: Map,
    name: Name,
    rows: usize,
    links: usize,
    meta: Range<usize>,
    code: Range<usize>,
    body: u64,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
struct Row {
    pc: u64,
    code: u32,
    code_len: u32,
    meta: u32,
    meta_len: u32,
    first_link: u32,
    links: u32,
    checksum: u64,
}

/// A region of an entry whose checksum was right.
#[derive(Debug)]
pub struct View<'a> {
    /// Distance of the entry from the image base.
    pub pc: u64,
    /// Where its code is, behind the first byte of code.
    pub code: Range<u64>,
    /// Guest code, relative to the image base.
    pub guest: Vec<(u64, u64)>,
    /// The bytes that it must have.
    pub guest_bytes: &'a [u8],
    /// Number of guest instructions.
    pub guest_insns: u32,
    /// Number of its first link.
    pub first_link: usize,
    /// Targets of its links.
    pub links: Vec<LinkTarget>,
    /// What comes after the links.
    rest: Reader<'a>,
    host: &'a [u8],
}

impl Entry {
    /// Maps an entry and checks its header and table.
    pub fn open(file: &File, name: Name) -> Result<Entry, EntryError> {
        let map = Map::new(file).map_err(|error| EntryError::Io(error.kind()))?;
        Entry::check(map, name)
    }

    /// Checks every byte of an entry that is not in a file yet.
    pub fn check_bytes(bytes: &[u8], name: Name) -> Result<(), EntryError> {
        Entry::check(Map::Bytes(bytes.to_vec()), name)?.verify()
    }

    fn check(map: Map, expected: Name) -> Result<Entry, EntryError> {
        let bytes = map.bytes();
        if bytes.len() < HEADER {
            return Err(EntryError::Length);
        }
        if bytes[..8] != MAGIC {
            return Err(EntryError::Magic);
        }
        let mut r = Reader::new(&bytes[8..HEADER]);
        let sum = r.u64();
        if sum != Some(xxhash_rust::xxh3::xxh3_64(&bytes[16..HEADER])) {
            return Err(EntryError::Checksum("header"));
        }
        let header = (|| {
            let name = Name { variant: r.u128()?, file: r.u128()? };
            let mut numbers = [0usize; 6];
            for number in &mut numbers {
                *number = r.u64()? as usize;
            }
            Some((name, numbers, r.u64()?, r.u64()?))
        })();
        let (name, [len, rows, links, meta, code, code_len], table_sum, body) =
            header.ok_or(EntryError::Malformed("header"))?;
        if expected != name {
            return Err(EntryError::Name);
        }
        if len != bytes.len() {
            return Err(EntryError::Length);
        }
        let table_end = rows.checked_mul(ROW).and_then(|n| n.checked_add(HEADER));
        let sane = table_end == Some(meta)
            && meta <= code
            && code.is_multiple_of(PAGE)
            && code.checked_add(code_len) == Some(len)
            && links < 1 << 24;
        if !sane {
            return Err(EntryError::Malformed("header"));
        }
        if xxhash_rust::xxh3::xxh3_64(&bytes[HEADER..meta]) != table_sum {
            return Err(EntryError::Checksum("table"));
        }
        Ok(Entry { rows, links, name, meta: meta..code, code: code..len, body, map })
    }

    /// What it is of.
    pub fn name(&self) -> Name {
        self.name
    }

    /// Number of regions.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Number of links of all regions.
    pub fn links(&self) -> usize {
        self.links
    }

    /// Bytes of memory that its links take, in front of its code.
    pub fn link_bytes(&self) -> usize {
        super::link_bytes(self.links)
    }

    /// Where the code is in the file.
    pub fn code(&self) -> Range<usize> {
        self.code.clone()
    }

    fn row(&self, index: usize) -> Row {
        let mut r = Reader::new(&self.map.bytes()[HEADER + index * ROW..][..ROW]);
        // The slice has a row's length.
        let u32 = |r: &mut Reader| r.u32().unwrap_or(0);
        Row {
            pc: r.u64().unwrap_or(0),
            code: u32(&mut r),
            code_len: u32(&mut r),
            meta: u32(&mut r),
            meta_len: u32(&mut r),
            first_link: u32(&mut r),
            links: u32(&mut r),
            checksum: r.u64().unwrap_or(0),
        }
    }

    /// The number of the region that begins at a distance from the image base.
    pub fn find(&self, pc: u64) -> Option<usize> {
        let after = self.partition(|row| row.pc <= pc);
        after.checked_sub(1).filter(|index| self.row(*index).pc == pc)
    }

    /// The number of the region whose code holds a byte, counted from the first byte of code: code lies in the order of
    /// the table.
    pub fn find_code(&self, offset: u64) -> Option<usize> {
        self.partition(|row| u64::from(row.code) <= offset).checked_sub(1)
    }

    /// The number of rows, from the first on, for which `holds`.
    fn partition(&self, holds: impl Fn(Row) -> bool) -> usize {
        let (mut low, mut high) = (0, self.rows);
        while low < high {
            let middle = (low + high) / 2;
            match holds(self.row(middle)) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }

    /// Region number `index`, checked.
    pub fn view(&self, index: usize) -> Result<View<'_>, EntryError> {
        let row = self.row(index);
        let part = |within: &Range<usize>, at: u32, len: u32| {
            let start = within.start + at as usize;
            self.map.bytes().get(start..start + len as usize).filter(|_| start + len as usize <= within.end)
        };
        let (meta, host) = (part(&self.meta, row.meta, row.meta_len), part(&self.code, row.code, row.code_len));
        let (Some(meta), Some(host)) = (meta, host) else { return Err(EntryError::Malformed("table")) };
        if row.first_link as usize + row.links as usize > self.links {
            return Err(EntryError::Malformed("table"));
        }
        let at = HEADER + index * ROW;
        if region_checksum(self.name, &self.map.bytes()[at..at + ROW - 8], meta, host) != row.checksum {
            return Err(EntryError::Checksum("code"));
        }
        parse(row, meta, host).ok_or(EntryError::Malformed("region"))
    }

    /// A region as it was when the entry was written.
    pub fn piece(&self, index: usize) -> Result<Piece, EntryError> {
        let view = self.view(index)?;
        let (relocs, faults) = view.tail().ok_or(EntryError::Malformed("region"))?;
        let mut code = view.host.to_vec();
        // Distances depend on the neighbours.
        for reloc in &relocs {
            let place = code.get_mut(reloc.offset as usize..).and_then(|rest| rest.get_mut(..4));
            place.ok_or(EntryError::Malformed("region"))?.fill(0);
        }
        if relocs.iter().any(|reloc| reloc.link as usize >= view.links.len()) {
            return Err(EntryError::Malformed("region"));
        }
        Ok(Piece {
            pc: view.pc,
            code,
            relocs,
            links: view.links,
            faults,
            guest: view.guest,
            guest_bytes: view.guest_bytes.to_vec(),
            guest_insns: view.guest_insns,
        })
    }

    /// Checks every byte; gives the first thing that is wrong.
    pub fn verify(&self) -> Result<(), EntryError> {
        if xxhash_rust::xxh3::xxh3_64(&self.map.bytes()[HEADER..]) != self.body {
            return Err(EntryError::Checksum("contents"));
        }
        (0..self.rows).try_for_each(|index| self.piece(index).map(drop))
    }
}

fn parse<'a>(row: Row, meta: &'a [u8], host: &'a [u8]) -> Option<View<'a>> {
    let mut r = Reader::new(meta);
    let guest_insns = r.varint()? as u32;
    let mut guest = Vec::with_capacity(r.clone().count()?);
    let mut at = row.pc;
    let mut bytes = 0usize;
    for _ in 0..r.count()? {
        let start = at.wrapping_add(r.zigzag()? as u64);
        let len = r.varint()?;
        at = start.checked_add(len)?;
        bytes = bytes.checked_add(len as usize)?;
        guest.push((start, at));
    }
    let guest_bytes = r.take(bytes)?;
    let mut links = Vec::with_capacity(r.clone().count()?);
    for _ in 0..r.count()? {
        links.push(match r.varint()? {
            0 => EMPTY_CACHE,
            1 => IMAGE_BASE,
            2 => row.pc.wrapping_add(r.zigzag()? as u64),
            _ => return None,
        });
    }
    let odd = links.iter().any(|link| is_marker(*link) && ![EMPTY_CACHE, IMAGE_BASE].contains(link));
    if odd || links.len() != row.links as usize {
        return None;
    }
    Some(View {
        pc: row.pc,
        code: u64::from(row.code)..u64::from(row.code) + u64::from(row.code_len),
        guest,
        guest_bytes,
        guest_insns,
        first_link: row.first_link as usize,
        links,
        rest: r,
        host,
    })
}

impl View<'_> {
    /// Pairs of its fault map.
    pub fn faults(&self) -> Option<Vec<(u32, u32)>> {
        self.tail().map(|(_, faults)| faults)
    }

    /// Relocations and fault map.
    fn tail(&self) -> Option<(Vec<LinkReloc>, Vec<(u32, u32)>)> {
        let mut r = self.rest.clone();
        let mut at = 0i64;
        let mut relocs = Vec::with_capacity(r.clone().count()?);
        for _ in 0..r.count()? {
            at = at.checked_add(r.zigzag()?)?;
            relocs.push(LinkReloc { offset: at.try_into().ok()?, link: r.varint()? as u32, addend: r.zigzag()? });
        }
        let mut faults = Vec::with_capacity(r.clone().count()?);
        let (mut end, mut loc) = (0i64, 0i64);
        for _ in 0..r.count()? {
            end = end.checked_add(r.zigzag()?)?;
            loc = loc.checked_add(r.zigzag()?)?;
            faults.push((end.try_into().ok()?, i32::try_from(loc).ok()? as u32));
        }
        r.is_empty().then_some((relocs, faults))
    }
}

/// The bytes of an entry.
#[derive(Debug)]
enum Map {
    /// A file mapped read-only.
    File {
        /// Host address.
        start: usize,
        /// Bytes; not 0.
        len: usize,
    },
    /// Bytes that are in no file, or none at all.
    Bytes(Vec<u8>),
}

impl Map {
    fn new(file: &File) -> std::io::Result<Map> {
        let len = file.metadata()?.len() as usize;
        if len == 0 {
            return Ok(Map::Bytes(Vec::new()));
        }
        // SAFETY: a fresh mapping wherever the kernel likes.
        let p = unsafe {
            libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ, libc::MAP_PRIVATE, file.as_raw_fd(), 0)
        };
        match p {
            libc::MAP_FAILED => Err(std::io::Error::last_os_error()),
            _ => Ok(Map::File { start: p as usize, len }),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            // SAFETY: mapped for the value's life. Entries are replaced as a whole and never changed in place.
            Map::File { start, len } => unsafe { std::slice::from_raw_parts(*start as *const u8, *len) },
            Map::Bytes(bytes) => bytes,
        }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        if let Map::File { start, len } = self {
            // SAFETY: the mapping is the value's own, and every slice of it borrowed the value.
            unsafe { libc::munmap(*start as *mut _, *len) };
        }
    }
}
