//! Profiles: how often the blocks of a guest file ran in tier 0, and where its indirect jumps went.
//!
//! Processes merge what they counted into the file's profile when they end; the translator of the cache on disk decides by
//! it what is worth compiling. A count is the highest of any one process, so merging twice changes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mynah_backend::entry::bytes::{Reader, put_varint, put_zigzag};

use crate::memory::CodeFile;
use crate::tier0::Block;

const MAGIC: [u8; 8] = *b"mynahpr1";

/// What is known of one block.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// How often it ran in tier 0 since the profile was last translated.
    pub since: u32,
    /// How often it ever ran.
    pub total: u32,
    /// Where its indirect jump went, and how often.
    pub followers: Vec<(u64, u32)>,
}

/// The profile of one guest file. Addresses are distances from the image base, which are offsets in the file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Profile {
    /// Where the file was last seen.
    pub path: PathBuf,
    /// Whether translations were made by it before.
    pub translated: bool,
    /// Blocks by address.
    pub blocks: BTreeMap<u64, Counts>,
}

/// A block that ran once only is not worth a word.
const WORTH_NOTING: u32 = 2;

impl Profile {
    /// An empty profile of a mapped file.
    pub fn new(file: &CodeFile) -> Profile {
        Profile { path: file.file.path.clone(), ..Profile::default() }
    }

    /// Adds what a process counted.
    pub fn note(&mut self, block: &Block, base: u64) {
        let runs = u32::try_from(block.runs).unwrap_or(u32::MAX);
        if runs < WORTH_NOTING {
            return;
        }
        let counts = self.blocks.entry(block.pc.wrapping_sub(base)).or_default();
        counts.since = counts.since.max(runs);
        counts.total = counts.total.max(runs);
        for (target, count) in block.indirect_followers() {
            raise(&mut counts.followers, target.wrapping_sub(base), *count);
        }
    }

    /// Adds another profile of the same file.
    pub fn merge(&mut self, other: Profile) {
        self.translated |= other.translated;
        for (pc, theirs) in other.blocks {
            let counts = self.blocks.entry(pc).or_default();
            counts.since = counts.since.max(theirs.since);
            counts.total = counts.total.max(theirs.total);
            for (target, count) in theirs.followers {
                raise(&mut counts.followers, target, count);
            }
        }
    }

    /// How many executions in tier 0 translating would save.
    pub fn heat(&self) -> u64 {
        let worth = self.blocks.values().filter(|counts| counts.since >= super::translate::WORTH_ENTERING);
        worth.map(|counts| u64::from(counts.since)).sum()
    }

    /// Notes that everything was translated that is worth it.
    pub fn settle(&mut self) {
        self.translated = true;
        self.blocks.values_mut().for_each(|counts| counts.since = 0);
    }

    /// The bytes of a file.
    pub fn write(&self) -> Vec<u8> {
        use std::os::unix::ffi::OsStrExt;
        let mut body = Vec::with_capacity(self.blocks.len() * 6 + 64);
        let path = self.path.as_os_str().as_bytes();
        put_varint(&mut body, path.len() as u64);
        body.extend_from_slice(path);
        body.push(u8::from(self.translated));
        put_varint(&mut body, self.blocks.len() as u64);
        let mut at = 0;
        for (pc, counts) in &self.blocks {
            put_varint(&mut body, pc.wrapping_sub(at));
            at = *pc;
            put_varint(&mut body, u64::from(counts.since));
            put_varint(&mut body, u64::from(counts.total));
            put_varint(&mut body, counts.followers.len() as u64);
            for (target, count) in &counts.followers {
                put_zigzag(&mut body, target.wrapping_sub(*pc) as i64);
                put_varint(&mut body, u64::from(*count));
            }
        }
        let sum = xxhash_rust::xxh3::xxh3_64(&body).to_le_bytes();
        [&MAGIC[..], &sum, &body].concat()
    }

    /// Reads what [`Profile::write`] wrote; `None` if a byte is wrong.
    pub fn read(bytes: &[u8]) -> Option<Profile> {
        use std::os::unix::ffi::OsStrExt;
        let body = bytes.strip_prefix(&MAGIC)?;
        let (sum, body) = body.split_at_checked(8)?;
        if sum != xxhash_rust::xxh3::xxh3_64(body).to_le_bytes() {
            return None;
        }
        let mut r = Reader::new(body);
        let len = r.count()?;
        let path = Path::new(std::ffi::OsStr::from_bytes(r.take(len)?)).to_owned();
        let translated = r.take(1)? == [1];
        let mut blocks = BTreeMap::new();
        let mut at = 0u64;
        for _ in 0..r.count()? {
            at = at.wrapping_add(r.varint()?);
            let (since, total) = (r.varint()? as u32, r.varint()? as u32);
            let mut followers = Vec::new();
            for _ in 0..r.count()? {
                followers.push((at.wrapping_add(r.zigzag()? as u64), r.varint()? as u32));
            }
            blocks.insert(at, Counts { since, total, followers });
        }
        r.is_empty().then_some(Profile { path, translated, blocks })
    }
}

fn raise(followers: &mut Vec<(u64, u32)>, target: u64, count: u32) {
    match followers.iter_mut().find(|f| f.0 == target) {
        Some(known) => known.1 = known.1.max(count),
        None => followers.push((target, count)),
    }
}

/// The name of a guest file's profile.
pub fn name(file: u128) -> String {
    format!("{file:032x}.profile")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Profile {
        let counts = |since, total, followers: &[(u64, u32)]| Counts { since, total, followers: followers.to_vec() };
        let blocks = [(0x1000, counts(3, 400, &[])), (0x1010, counts(0, 2, &[(0x800, 9), (0x2_0000, 1)]))];
        Profile { path: "/usr/bin/x".into(), translated: true, blocks: blocks.into() }
    }

    #[test]
    fn profiles_come_back_and_no_wrong_byte_passes() {
        let bytes = sample().write();
        assert_eq!(Profile::read(&bytes), Some(sample()));
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 0x10;
            assert_eq!(Profile::read(&wrong), None, "byte {at}");
            assert_eq!(Profile::read(&bytes[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn merging_twice_changes_nothing() {
        let mut once = Profile::default();
        once.merge(sample());
        let mut twice = once.clone();
        twice.merge(sample());
        assert_eq!(once.blocks, sample().blocks);
        assert_eq!(twice, once);
    }
}
