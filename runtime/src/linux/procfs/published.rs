//! What a process of Mynah lets others read of itself.
//!
//! The kernel tells anybody who may ask where a process has mapped what, but guest memory is never executable for the host,
//! so that is not the guest's map. What is missing stands in [`PUBLISHED`]. Another process of the same Mynah (the same
//! file) finds it at the same distance from where the file is mapped, and reads it with `process_vm_readv`, which the kernel
//! allows to whom it allows the maps.

use std::ffi::OsString;
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU64, Ordering::Relaxed};

use super::super::syscall::call;

/// Ranges of executable memory that are told. More would be told as not executable.
const MOST_CODE: usize = 4096;
const MOST_PATH: usize = 4096;

/// See above. Read by others while it changes: a torn list of ranges is as good as one read a moment before or after.
#[repr(C)]
pub struct Published {
    guest_base: AtomicU64,
    /// Heap, by its first address and the one after its last; the page of the vDSO; the stack's top.
    heap: [AtomicU64; 2],
    vdso: AtomicU64,
    stack: AtomicU64,
    /// Thread that translates; 0 if there is none.
    helper: AtomicI32,
    exe_len: AtomicU64,
    exe: [AtomicU8; MOST_PATH],
    code_len: AtomicU64,
    /// Ascending.
    code: [[AtomicU64; 2]; MOST_CODE],
}

static PUBLISHED: Published = Published {
    guest_base: AtomicU64::new(0),
    heap: [const { AtomicU64::new(0) }; 2],
    vdso: AtomicU64::new(0),
    stack: AtomicU64::new(0),
    helper: AtomicI32::new(0),
    exe_len: AtomicU64::new(0),
    exe: [const { AtomicU8::new(0) }; MOST_PATH],
    code_len: AtomicU64::new(0),
    code: [const { [const { AtomicU64::new(0) }; 2] }; MOST_CODE],
};

/// Publishes what does not change while the program runs.
pub fn publish(guest_base: u64, exe: &Path, vdso: u64, stack: u64) {
    PUBLISHED.guest_base.store(guest_base, Relaxed);
    PUBLISHED.vdso.store(vdso, Relaxed);
    PUBLISHED.stack.store(stack, Relaxed);
    let bytes = exe.as_os_str().as_bytes();
    let bytes = &bytes[..bytes.len().min(MOST_PATH)];
    bytes.iter().zip(&PUBLISHED.exe).for_each(|(byte, slot)| slot.store(*byte, Relaxed));
    PUBLISHED.exe_len.store(bytes.len() as u64, Relaxed);
}

/// Publishes where the heap is.
pub fn heap_changed(heap: &Range<u64>) {
    PUBLISHED.heap[0].store(heap.start, Relaxed);
    PUBLISHED.heap[1].store(heap.end, Relaxed);
}

/// Publishes the thread that translates; 0 for none.
pub fn helper_changed(thread: i32) {
    PUBLISHED.helper.store(thread, Relaxed);
}

/// Publishes that a range has become executable, or is so no more. Called under the lock of the map of areas.
pub fn code_changed(range: &Range<u64>, executable: bool) {
    let len = PUBLISHED.code_len.load(Relaxed) as usize;
    let load = |index: usize| PUBLISHED.code[index][0].load(Relaxed)..PUBLISHED.code[index][1].load(Relaxed);
    // The first that ends at the range's start or later.
    let first = partition(len, |index| load(index).end < range.start);
    let touched = (first..len).take_while(|&index| load(index).start <= range.end).count();
    if touched == 0 && !executable {
        return;
    }
    let old: Vec<Range<u64>> = (first..first + touched).map(load).collect();
    let new = merged(&old, range, executable);
    let tail: Vec<Range<u64>> = (first + touched..len).map(load).collect();
    let count = first + new.len() + tail.len();
    for (index, part) in new.iter().chain(&tail).enumerate().map(|(at, part)| (first + at, part)) {
        let Some(slot) = PUBLISHED.code.get(index) else { break };
        slot[0].store(part.start, Relaxed);
        slot[1].store(part.end, Relaxed);
    }
    PUBLISHED.code_len.store(count.min(MOST_CODE) as u64, Relaxed);
}

/// The first index below `len` that does not satisfy `before`.
fn partition(len: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// Neighbouring ranges with one added or taken away.
fn merged(old: &[Range<u64>], range: &Range<u64>, add: bool) -> Vec<Range<u64>> {
    if add {
        let start = old.first().map_or(range.start, |first| first.start.min(range.start));
        let end = old.last().map_or(range.end, |last| last.end.max(range.end));
        return vec![start..end];
    }
    let parts = old.iter().flat_map(|part| [part.start..part.end.min(range.start), part.start.max(range.end)..part.end]);
    parts.filter(|part| part.start < part.end).collect()
}

/// Another process that runs under this Mynah.
pub struct Other {
    process: u32,
    /// Where its [`PUBLISHED`] is.
    at: u64,
}

impl Other {
    /// The process, if it is one that this one may read.
    pub fn find(process: u32) -> Option<Other> {
        let file = std::fs::metadata(format!("/proc/{process}/exe")).ok()?;
        if (file.dev(), file.ino()) != super::own_file() {
            return None;
        }
        let distance = (&raw const PUBLISHED).expose_provenance() as u64 - base_of(std::process::id())?;
        Some(Other { process, at: base_of(process)? + distance })
    }

    /// Its program.
    pub fn exe(&self) -> Option<PathBuf> {
        let len = self.word(std::mem::offset_of!(Published, exe_len))?;
        let mut path = vec![0; (len as usize).min(MOST_PATH)];
        self.read(std::mem::offset_of!(Published, exe), &mut path)?;
        Some(PathBuf::from(OsString::from_vec(path)))
    }

    /// Host address of its guest's address 0.
    pub fn guest_base(&self) -> Option<u64> {
        self.word(std::mem::offset_of!(Published, guest_base))
    }

    /// Its heap, the address of its vDSO, the top of its stack.
    pub fn named(&self) -> Option<(Range<u64>, u64, u64)> {
        let heap = std::mem::offset_of!(Published, heap);
        let heap = self.word(heap)?..self.word(heap + 8)?;
        let [vdso, stack] = [std::mem::offset_of!(Published, vdso), std::mem::offset_of!(Published, stack)];
        Some((heap, self.word(vdso)?, self.word(stack)?))
    }

    /// Its thread that translates; 0 if there is none.
    pub fn helper(&self) -> Option<i32> {
        self.word(std::mem::offset_of!(Published, helper)).map(|word| word as i32)
    }

    /// Its executable ranges.
    pub fn code(&self) -> Option<Vec<Range<u64>>> {
        let len = (self.word(std::mem::offset_of!(Published, code_len))? as usize).min(MOST_CODE);
        let mut bytes = vec![0; len * 16];
        self.read(std::mem::offset_of!(Published, code), &mut bytes)?;
        let word = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().expect("eight bytes"));
        Some(bytes.chunks_exact(16).map(|pair| word(&pair[..8])..word(&pair[8..])).collect())
    }

    fn word(&self, offset: usize) -> Option<u64> {
        let mut bytes = [0; 8];
        self.read(offset, &mut bytes)?;
        Some(u64::from_ne_bytes(bytes))
    }

    fn read(&self, offset: usize, bytes: &mut [u8]) -> Option<()> {
        let local = [bytes.as_mut_ptr().expose_provenance() as u64, bytes.len() as u64];
        let remote = [self.at + offset as u64, bytes.len() as u64];
        let [local, remote] = [&local, &remote].map(|vector| vector.as_ptr().expose_provenance() as u64);
        let got = call(libc::SYS_process_vm_readv, [self.process.into(), local, 1, remote, 1, 0]).ok()?;
        (got == bytes.len() as u64).then_some(())
    }
}

/// Where a process has mapped the start of Mynah's file.
fn base_of(process: u32) -> Option<u64> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
    let (device, inode) = super::own_file();
    let wanted = format!(" 00000000 {:02x}:{:02x} {inode} ", libc::major(device), libc::minor(device));
    let line = maps.lines().find(|line| line.contains(&wanted))?;
    u64::from_str_radix(line.split('-').next()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_code_grow_together_and_split() {
        let page = |first: u64, last: u64| first * 4096..last * 4096;
        code_changed(&page(10, 12), true);
        code_changed(&page(20, 22), true);
        code_changed(&page(12, 14), true);
        let other = Other { process: std::process::id(), at: (&raw const PUBLISHED).expose_provenance() as u64 };
        let own = || -> Vec<Range<u64>> { other.code().unwrap().into_iter().filter(|range| range.end <= 200 * 4096).collect() };
        assert_eq!(own(), [page(10, 14), page(20, 22)]);
        code_changed(&page(11, 21), false);
        assert_eq!(own(), [page(10, 11), page(21, 22)]);
        code_changed(&page(0, 100), true);
        assert_eq!(own(), [page(0, 100)]);
        code_changed(&page(0, 200), false);
        assert_eq!(own(), []);
    }
}
