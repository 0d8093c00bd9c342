//! Entries of the cache on disk: the translations of one guest file, as they lie in a file that is mapped.
//!
//! ```text
//! header │ table of regions, by guest address │ what is known of each region │ code, from a page boundary on
//! ```
//!
//! Numbers are little endian. Guest addresses are distances from the image base, where the guest file would begin in
//! memory; host code finds the base, and its links, in slots that lie directly in front of it in memory, so nothing in
//! it is patched and its pages are shared by all processes.
//!
//! Nothing in a file is believed: header and table have checksums that are looked at when the file is opened, each region
//! has one that is looked at before it is used, and every offset is checked.

pub mod bytes;
mod read;
mod write;

use std::fmt;

pub use read::{Entry, View};
pub use write::{Piece, write};

/// Changes with the layout of the file. (What host code expects of its surroundings is the variant's affair.)
const MAGIC: [u8; 8] = *b"mynahtc1";
/// Bytes of the header.
const HEADER: usize = 128;
/// Bytes of a row of the table.
const ROW: usize = 40;
/// Where code begins: a multiple of this.
const PAGE: usize = 4096;
/// Where each region's code begins.
const CODE_ALIGN: usize = 16;

/// What an entry is of: both halves must be equal, or it is not used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Name {
    /// What made it: Mynah's build, the host's and the guest's features.
    pub variant: u128,
    /// The guest file.
    pub file: u128,
}

/// Why an entry cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EntryError {
    /// It is shorter or longer than it says.
    Length,
    /// It is no entry, or one of another layout.
    Magic,
    /// It belongs to something else.
    Name,
    /// A part of it is not what was written.
    Checksum(&'static str),
    /// A part of it makes no sense.
    Malformed(&'static str),
    /// It could not be read.
    Io(std::io::ErrorKind),
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            EntryError::Length => write!(f, "it is truncated or was extended"),
            EntryError::Magic => write!(f, "it is no entry of this layout"),
            EntryError::Name => write!(f, "it belongs to another file or another build of Mynah"),
            EntryError::Checksum(part) => write!(f, "the checksum of its {part} is wrong"),
            EntryError::Malformed(part) => write!(f, "its {part} makes no sense"),
            EntryError::Io(kind) => write!(f, "{kind}"),
        }
    }
}

impl std::error::Error for EntryError {}

/// Bytes that the links of a region file take in memory, in front of its code.
fn link_bytes(links: usize) -> usize {
    (links * size_of::<crate::arena::Link>()).next_multiple_of(PAGE)
}

/// The checksum of one region: its row (but for the checksum), what is known of it, and its code.
fn region_checksum(name: Name, row: &[u8], meta: &[u8], code: &[u8]) -> u64 {
    let mut hash = xxhash_rust::xxh3::Xxh3::with_seed(name.variant as u64 ^ name.file as u64);
    hash.update(row);
    hash.update(meta);
    hash.update(code);
    hash.digest()
}

#[cfg(test)]
mod tests;
