//! From compiled regions to the bytes of an entry.

use super::bytes::{put_varint, put_zigzag};
use super::{CODE_ALIGN, HEADER, MAGIC, Name, PAGE, ROW, link_bytes, region_checksum};
use crate::arena::Link;
use crate::compiler::{Compiled, LinkReloc};
use crate::lower::{EMPTY_CACHE, IMAGE_BASE, LinkTarget};

/// A region as it is kept: everything is relative to the image base.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Guest address of the entry.
    pub pc: u64,
    /// Host code, with nothing filled in.
    pub code: Vec<u8>,
    /// Places of links in it.
    pub relocs: Vec<LinkReloc>,
    /// Targets of links; markers stay as they are.
    pub links: Vec<LinkTarget>,
    /// Host offsets to guest instructions, as a fault map keeps them.
    pub faults: Vec<(u32, u32)>,
    /// Guest code, `(start, end)`, ascending, neighbours joined.
    pub guest: Vec<(u64, u64)>,
    /// The bytes of that code.
    pub guest_bytes: Vec<u8>,
    /// Number of guest instructions.
    pub guest_insns: u32,
}

/// Whether a link target is a marker and no address.
pub(super) fn is_marker(target: LinkTarget) -> bool {
    target & 1 == 1
}

impl Piece {
    /// A compiled region without its place in memory. `None` if its code is not independent of that. `read` gives the
    /// bytes of guest code.
    pub fn new(compiled: &Compiled, mut read: impl FnMut(u64, u64) -> Option<Vec<u8>>) -> Option<Piece> {
        let base = compiled.image_base?;
        let guest = joined(&compiled.guest);
        let mut guest_bytes = Vec::new();
        for (start, end) in &guest {
            guest_bytes.extend(read(*start, *end)?);
        }
        let relative = |target: &LinkTarget| if is_marker(*target) { *target } else { target.wrapping_sub(base) };
        Some(Piece {
            pc: compiled.pc.wrapping_sub(base),
            code: compiled.code.clone(),
            relocs: compiled.relocs.clone(),
            links: compiled.links.iter().map(relative).collect(),
            faults: compiled.faults.pairs().to_vec(),
            guest: guest.iter().map(|(s, e)| (s.wrapping_sub(base), e.wrapping_sub(base))).collect(),
            guest_bytes,
            guest_insns: compiled.guest_insns,
        })
    }

    fn meta(&self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(self.guest_insns));
        put_varint(out, self.guest.len() as u64);
        let mut at = self.pc;
        for (start, end) in &self.guest {
            put_zigzag(out, start.wrapping_sub(at) as i64);
            put_varint(out, end - start);
            at = *end;
        }
        out.extend_from_slice(&self.guest_bytes);
        put_varint(out, self.links.len() as u64);
        for target in &self.links {
            match *target {
                EMPTY_CACHE => put_varint(out, 0),
                IMAGE_BASE => put_varint(out, 1),
                target => {
                    put_varint(out, 2);
                    put_zigzag(out, target.wrapping_sub(self.pc) as i64);
                }
            }
        }
        put_varint(out, self.relocs.len() as u64);
        let mut at = 0;
        for reloc in &self.relocs {
            put_zigzag(out, i64::from(reloc.offset) - at);
            put_varint(out, u64::from(reloc.link));
            put_zigzag(out, reloc.addend);
            at = i64::from(reloc.offset);
        }
        put_varint(out, self.faults.len() as u64);
        let (mut end, mut loc) = (0, 0);
        for pair in &self.faults {
            put_zigzag(out, i64::from(pair.0) - end);
            put_zigzag(out, i64::from(pair.1 as i32) - loc);
            (end, loc) = (i64::from(pair.0), i64::from(pair.1 as i32));
        }
    }

    /// The code at `at` bytes behind the links' end, with the distances to its links, of which `first` is the first.
    fn placed(&self, at: usize, first: usize, links: usize) -> Vec<u8> {
        let mut code = self.code.clone();
        for reloc in &self.relocs {
            let slot = ((first + reloc.link as usize) * size_of::<Link>()) as i64 - link_bytes(links) as i64;
            let distance = slot + reloc.addend - (at as i64 + i64::from(reloc.offset));
            code[reloc.offset as usize..][..4].copy_from_slice(&(distance as i32).to_le_bytes());
        }
        // Nothing runs the space between regions; trap if anything does.
        code.resize(code.len().next_multiple_of(CODE_ALIGN), 0xcc);
        code
    }
}

/// Ranges in ascending order, with neighbours and overlaps joined.
fn joined(ranges: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable();
    let mut out: Vec<(u64, u64)> = Vec::new();
    for (start, end) in sorted {
        match out.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => out.push((start, end)),
        }
    }
    out
}

/// The bytes of an entry with these regions. Of several with the same address the first counts.
pub fn write(name: Name, mut pieces: Vec<Piece>) -> Vec<u8> {
    pieces.sort_by_key(|piece| piece.pc);
    pieces.dedup_by_key(|piece| piece.pc);
    let links = pieces.iter().map(|piece| piece.links.len()).sum();
    let (mut table, mut meta, mut code) = (Vec::new(), Vec::new(), Vec::new());
    let mut first = 0;
    for piece in &pieces {
        let (meta_at, code_at) = (meta.len(), code.len());
        piece.meta(&mut meta);
        let placed = piece.placed(code_at, first, links);
        code.extend_from_slice(&placed);
        let mut row = Vec::with_capacity(ROW);
        row.extend(piece.pc.to_le_bytes());
        let numbers = [code_at, placed.len(), meta_at, meta.len() - meta_at, first, piece.links.len()];
        row.extend(numbers.iter().flat_map(|n| (*n as u32).to_le_bytes()));
        let sum = region_checksum(name, &row, &meta[meta_at..], &placed);
        row.extend(sum.to_le_bytes());
        table.extend_from_slice(&row);
        first += piece.links.len();
    }
    let meta_off = HEADER + table.len();
    let code_off = (meta_off + meta.len()).next_multiple_of(PAGE);
    let mut file = vec![0; HEADER];
    file.extend_from_slice(&table);
    file.extend_from_slice(&meta);
    file.resize(code_off, 0);
    file.extend_from_slice(&code);
    let body = xxhash_rust::xxh3::xxh3_64(&file[HEADER..]);
    let mut fields = Vec::new();
    fields.extend(name.variant.to_le_bytes());
    fields.extend(name.file.to_le_bytes());
    let numbers = [file.len(), pieces.len(), links, meta_off, code_off, code.len()];
    fields.extend(numbers.iter().flat_map(|n| (*n as u64).to_le_bytes()));
    fields.extend(xxhash_rust::xxh3::xxh3_64(&table).to_le_bytes());
    fields.extend(body.to_le_bytes());
    fields.resize(HEADER - 16, 0);
    file[..8].copy_from_slice(&MAGIC);
    file[8..16].copy_from_slice(&xxhash_rust::xxh3::xxh3_64(&fields).to_le_bytes());
    file[16..HEADER].copy_from_slice(&fields);
    file
}
