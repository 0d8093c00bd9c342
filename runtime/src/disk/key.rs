//! What identifies a guest file, and what made a translation.
//!
//! A key only finds an entry: whether a translation fits is decided by comparing the guest's bytes with those that it was
//! made from. So a key need not be proof against files that are made to have the same one.

use std::mem::ManuallyDrop;
use std::fs::File;
use std::os::fd::FromRawFd;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use xxhash_rust::xxh3::Xxh3;

use crate::options::Options;

/// Bytes at the start of a file that are hashed: its headers, and the build-id of most.
const HEAD: usize = 4096;
/// Longest note that is hashed.
const NOTE: u64 = 4096;
/// Without a build-id, what is executable is hashed in pieces of this size.
const PIECE: usize = 64 << 10;
const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const PF_X: u32 = 1;
/// Type of a note that holds a build-id.
const NT_GNU_BUILD_ID: u32 = 3;

/// The key of an open file of `len` bytes: its headers, its notes, and where none of those is a build-id, its executable
/// segments. `None` if it cannot be read, or is no ELF file.
pub fn of_file(fd: i32, len: u64) -> Option<u128> {
    // SAFETY: only borrowed: `ManuallyDrop` keeps the descriptor open.
    let file = ManuallyDrop::new(unsafe { File::from_raw_fd(fd) });
    let mut head = [0u8; HEAD];
    let n = file.read_at(&mut head, 0).ok()?;
    let head = &head[..n];
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let mut hash = Xxh3::new();
    hash.update(&len.to_le_bytes());
    hash.update(head);
    let mut has_id = false;
    for (kind, _, offset, size) in segments(head).filter(|s| s.0 == PT_NOTE && s.3 <= NOTE) {
        debug_assert_eq!(kind, PT_NOTE);
        let mut note = vec![0u8; size as usize];
        file.read_exact_at(&mut note, offset).ok()?;
        has_id |= is_build_id(&note);
        hash.update(&note);
    }
    if !has_id {
        for (.., offset, size) in segments(head).filter(|s| s.0 == PT_LOAD && s.1 & PF_X != 0) {
            hash_range(&file, offset, size, &mut hash)?;
        }
    }
    // 0 stands for no key.
    Some(hash.digest128().max(1))
}

/// Offset and size of what is executable in a file.
pub fn executable(bytes: &[u8]) -> impl Iterator<Item = (u64, u64)> + '_ {
    let head = &bytes[..bytes.len().min(HEAD)];
    segments(head).filter(|s| s.0 == PT_LOAD && s.1 & PF_X != 0).map(|s| (s.2, s.3))
}

fn hash_range(file: &File, offset: u64, size: u64, hash: &mut Xxh3) -> Option<()> {
    let mut piece = vec![0u8; PIECE];
    let mut at = 0;
    while at < size {
        let want = PIECE.min((size - at) as usize);
        let n = file.read_at(&mut piece[..want], offset.checked_add(at)?).ok()?;
        if n == 0 {
            break;
        }
        hash.update(&piece[..n]);
        at += n as u64;
    }
    Some(())
}

/// Type, flags, offset and size in the file of each program header that lies in the head.
fn segments(head: &[u8]) -> impl Iterator<Item = (u32, u32, u64, u64)> + '_ {
    let word = |at: usize, n: usize| {
        let mut bytes = [0u8; 8];
        let there = head.get(at..at + n)?;
        bytes[..n].copy_from_slice(there);
        Some(u64::from_le_bytes(bytes))
    };
    let (start, size, count) = (word(32, 8), word(54, 2), word(56, 2));
    let rows = 0..count.unwrap_or(0);
    rows.filter_map(move |i| {
        let at = usize::try_from(start?.checked_add(i * size?)?).ok().filter(|at| *at < HEAD)?;
        Some((word(at, 4)? as u32, word(at + 4, 4)? as u32, word(at + 8, 8)?, word(at + 32, 8)?))
    })
}

/// Whether the first note in a segment, or one after it, is a build-id.
fn is_build_id(notes: &[u8]) -> bool {
    let mut rest = notes;
    while let Some((head, body)) = rest.split_at_checked(12) {
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (name, text, kind) = (word(0) as usize, word(4) as usize, word(8));
        if kind == NT_GNU_BUILD_ID && body.starts_with(b"GNU\0") {
            return true;
        }
        let Some(next) = body.get(name.next_multiple_of(4) + text.next_multiple_of(4)..) else { return false };
        rest = next;
    }
    false
}

/// What translations depend on beside the guest's bytes: this build of Mynah, the host's features, the guest's, how guest
/// addresses become host addresses, and the passes.
pub fn variant(options: &Options, add_guest_base: bool) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(build_identity());
    let parts = [
        mynah_backend::compiler::host_features(),
        options.cpu.isa_string(),
        format!("{:?} {add_guest_base} {:?}", options.passes, options.host),
    ];
    for part in parts {
        hash.update(part.as_bytes());
        hash.update(&[0]);
    }
    hash.digest128()
}

/// Identifies this build of Mynah: the linker's build-id; without one, the whole executable's hash.
pub fn build_identity() -> &'static [u8] {
    static IDENTITY: OnceLock<Vec<u8>> = OnceLock::new();
    IDENTITY.get_or_init(|| own_build_id().or_else(hash_of_executable).unwrap_or_default())
}

fn own_build_id() -> Option<Vec<u8>> {
    unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, found: *mut libc::c_void) -> i32 {
        // SAFETY: the dynamic linker gives a valid description, whose notes are mapped; `found` is the caller's vector.
        unsafe {
            let info = &*info;
            for header in std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum as usize) {
                if header.p_type == PT_NOTE {
                    let start = (info.dlpi_addr + header.p_vaddr) as *const u8;
                    let note = std::slice::from_raw_parts(start, header.p_memsz as usize);
                    if is_build_id(note) {
                        (*found.cast::<Vec<u8>>()).extend_from_slice(note);
                    }
                }
            }
        }
        // The first object is the program: stop there.
        1
    }
    let mut found: Vec<u8> = Vec::new();
    // SAFETY: the callback matches its declaration and gets a pointer to a vector.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut found).cast()) };
    (!found.is_empty()).then_some(found)
}

fn hash_of_executable() -> Option<Vec<u8>> {
    let bytes = std::fs::read("/proc/self/exe").ok()?;
    Some(xxhash_rust::xxh3::xxh3_128(&bytes).to_le_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn files_are_told_apart_by_what_they_execute() {
        let own = std::fs::read("/proc/self/exe").unwrap();
        let key = |bytes: &[u8], name: &str| {
            let path = std::env::temp_dir().join(format!("mynah-key-{}-{name}", std::process::id()));
            std::fs::write(&path, bytes).unwrap();
            let file = File::open(&path).unwrap();
            std::fs::remove_file(&path).unwrap();
            of_file(file.as_raw_fd(), bytes.len() as u64)
        };
        let first = key(&own, "a").unwrap();
        assert_eq!(key(&own, "b"), Some(first), "the name does not matter");
        let mut other = own.clone();
        other[100] ^= 1;
        assert_ne!(key(&other, "c"), Some(first), "headers count");
        assert_ne!(key(&own[..own.len() - 1], "d"), Some(first), "the length counts");
        assert_eq!(key(b"#!/bin/sh\n", "e"), None);
    }

    #[test]
    fn this_build_has_an_identity() {
        assert!(build_identity().len() >= 16);
    }
}
