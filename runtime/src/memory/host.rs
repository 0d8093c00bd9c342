//! Raw host calls on guest ranges, and the choice of the guest base. Everything here gets ranges that were checked.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Mutex, OnceLock};

use super::watch::Watched;
use super::{HOST_END, Layout, Memory, PAGE_SIZE, Prot, Space, TASK_SIZE, VmaMap, page_floor};
use crate::linux::Errno;

/// Flags of a placeholder: addresses held, no memory.
const RESERVE: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;

/// What a mapping is made of: the arguments of `mmap` after the address and length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backing {
    pub prot: Prot,
    /// Without the bits that say where: those are this file's.
    pub flags: i32,
    pub fd: i32,
    pub offset: u64,
}

impl Memory {
    /// Makes an empty address space.
    ///
    /// The base is 0 unless the layout says otherwise or the addresses that the program needs are not free there.
    pub fn new(layout: Layout) -> Result<Memory, Errno> {
        let min = mmap_min_addr();
        let base = match layout.guest_base {
            Some(base) if base % PAGE_SIZE != 0 => return Err(Errno::EINVAL),
            Some(0) => 0,
            Some(base) => reserve_at(base)?,
            None if layout.fixed.is_none_or(|(start, end)| start >= min && probe(start..end)) => 0,
            None => reserve_anywhere()?,
        };
        // With a base of its own the guest's range is Mynah's from 0 on; page 0 stays unmapped all the same.
        let min = if base == 0 { min } else { PAGE_SIZE };
        Ok(Memory {
            base,
            top: AtomicU64::new(TASK_SIZE),
            min,
            mmap_top: super::map::mmap_top(&layout),
            layout,
            space: Mutex::new(Space {
                vmas: VmaMap::default(),
                watched: Watched::default(),
                brk: 0..0,
                sealed: Vec::new(),
                next_shared: 1,
            }),
            protected: AtomicUsize::new(0),
            hook: OnceLock::new(),
            limits: Default::default(),
        })
    }

    /// The rights the host needs for guest rights: never execution, and what may be executed may be read.
    fn host_prot(prot: Prot) -> i32 {
        match (prot.write(), prot.read() || prot.exec()) {
            (true, _) => libc::PROT_READ | libc::PROT_WRITE,
            (false, true) => libc::PROT_READ,
            (false, false) => libc::PROT_NONE,
        }
    }

    /// `mmap` over whatever the guest has at `range`, and over nothing else: what is not the guest's there yet must be
    /// free on the host, else ENOMEM and nothing changed.
    pub(super) fn host_map(&self, space: &Space, range: &Range<u64>, backing: Backing) -> Result<(), Errno> {
        let gaps = if self.base == 0 { space.vmas.gaps(range.clone()) } else { Vec::new() };
        if gaps.first() == Some(range) {
            return self.raw_map(range, backing, libc::MAP_FIXED_NOREPLACE);
        }
        self.claim(&gaps)?;
        self.raw_map(range, backing, libc::MAP_FIXED).inspect_err(|_| self.release(&gaps))
    }

    /// `mmap` where the host's kernel chooses; only with guest base 0. Gives the guest address, which is above all others.
    pub(super) fn host_map_anywhere(&self, len: u64, backing: Backing) -> Result<u64, Errno> {
        let prot = Memory::host_prot(backing.prot);
        let (flags, offset) = (backing.flags, backing.offset as i64);
        // SAFETY: without a fixed address nothing is replaced.
        let got = unsafe { libc::mmap(std::ptr::null_mut(), len as usize, prot, flags, backing.fd, offset) };
        if got == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(self.h2g(got.cast_const()).0) }
    }

    /// Takes addresses that nobody has, all of them or none.
    pub(super) fn claim(&self, gaps: &[Range<u64>]) -> Result<(), Errno> {
        let placeholder = Backing { prot: Prot(0), flags: RESERVE, fd: -1, offset: 0 };
        for (done, gap) in gaps.iter().enumerate() {
            if self.raw_map(gap, placeholder, libc::MAP_FIXED_NOREPLACE).is_err() {
                self.release(&gaps[..done]);
                return Err(Errno::ENOMEM);
            }
        }
        Ok(())
    }

    /// Gives claimed addresses back.
    pub(super) fn release(&self, gaps: &[Range<u64>]) {
        for gap in gaps {
            self.host_unmap(gap);
        }
    }

    /// One `mmap` at exactly `range`.
    fn raw_map(&self, range: &Range<u64>, backing: Backing, how: i32) -> Result<(), Errno> {
        let ptr = self.g2h(range.start.into()).cast();
        let len = (range.end - range.start) as usize;
        let prot = Memory::host_prot(backing.prot);
        // SAFETY: the caller gives a range of the guest's: either its own areas are replaced, or nothing is.
        let got = unsafe { libc::mmap(ptr, len, prot, backing.flags | how, backing.fd, backing.offset as i64) };
        if got == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        if got != ptr {
            // A kernel before 4.17 takes MAP_FIXED_NOREPLACE for a hint.
            // SAFETY: this is the mapping that was just made, and nobody knows it.
            unsafe { libc::munmap(got, len) };
            return Err(Errno::EEXIST);
        }
        Ok(())
    }

    /// Unmaps areas of the guest's. With a base of its own their addresses stay reserved.
    pub(super) fn host_unmap(&self, range: &Range<u64>) {
        if self.base != 0 {
            let placeholder = Backing { prot: Prot(0), flags: RESERVE, fd: -1, offset: 0 };
            if self.raw_map(range, placeholder, libc::MAP_FIXED).is_ok() {
                return;
            }
        }
        // SAFETY: the range holds areas of the guest's only. Failure (too many areas after a split) leaves them mapped,
        // unused: the guest's map decides what is free.
        unsafe { libc::munmap(self.g2h(range.start.into()).cast(), (range.end - range.start) as usize) };
    }

    /// Gives a mapped range the host rights that stand for guest rights.
    pub(super) fn host_protect(&self, range: &Range<u64>, prot: Prot) -> Result<(), Errno> {
        let ptr = self.g2h(range.start.into()).cast();
        // SAFETY: the range holds areas of the guest's only.
        match unsafe { libc::mprotect(ptr, (range.end - range.start) as usize, Memory::host_prot(prot)) } {
            0 => Ok(()),
            _ => Err(Errno::last()),
        }
    }

    /// `mremap` to exactly `to`, which the guest owns or has claimed.
    pub(super) fn host_move(&self, from: &Range<u64>, to: &Range<u64>, flags: i32) -> Result<(), Errno> {
        let (old, new) = (self.g2h(from.start.into()).cast(), self.g2h(to.start.into()));
        let (old_len, new_len) = ((from.end - from.start) as usize, (to.end - to.start) as usize);
        // SAFETY: both ranges are the guest's.
        let got =
            unsafe { libc::mremap(old, old_len, new_len, flags | libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED, new) };
        if got == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(()) }
    }

    /// `mremap` that may only change the length in place.
    pub(super) fn host_resize(&self, from: &Range<u64>, new_len: u64) -> Result<(), Errno> {
        let old = self.g2h(from.start.into()).cast();
        // SAFETY: the range is the guest's; without MREMAP_MAYMOVE the kernel extends it over free addresses only.
        let got = unsafe { libc::mremap(old, (from.end - from.start) as usize, new_len as usize, 0) };
        if got == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(()) }
    }

    /// `madvise` on areas of the guest's.
    pub(super) fn host_advise(&self, range: &Range<u64>, advice: i32) -> Result<(), Errno> {
        let ptr = self.g2h(range.start.into()).cast();
        // SAFETY: the range holds areas of the guest's only, so no advice can change memory of Mynah's.
        match unsafe { libc::madvise(ptr, (range.end - range.start) as usize, advice) } {
            0 => Ok(()),
            _ => Err(Errno::last()),
        }
    }

    /// `msync` on areas of the guest's.
    pub(super) fn host_sync(&self, range: &Range<u64>, flags: i32) -> Result<(), Errno> {
        let ptr = self.g2h(range.start.into()).cast();
        // SAFETY: the range holds areas of the guest's only.
        match unsafe { libc::msync(ptr, (range.end - range.start) as usize, flags) } {
            0 => Ok(()),
            _ => Err(Errno::last()),
        }
    }
}

impl Drop for Memory {
    /// Unmaps the guest: for tests, a process keeps its memory until the end.
    fn drop(&mut self) {
        for vma in self.areas() {
            self.host_unmap(&vma.range());
        }
        if self.base != 0 {
            // SAFETY: the reservation is this address space's own, and nobody can hold a pointer through it any more.
            unsafe { libc::munmap(self.g2h(0.into()).cast(), TASK_SIZE as usize) };
        }
    }
}

/// Lowest address that the host lets a process map.
fn mmap_min_addr() -> u64 {
    let text = std::fs::read_to_string("/proc/sys/vm/mmap_min_addr").unwrap_or_default();
    // Unreadable in some sandboxes: 64 KiB is what distributions set.
    page_floor(text.trim().parse().unwrap_or(65536)).max(PAGE_SIZE)
}

/// Whether the host has nothing at `range`: tries to map it.
fn probe(range: Range<u64>) -> bool {
    if range.is_empty() || range.end > HOST_END {
        return false;
    }
    reserve(range.start, range.end - range.start, libc::MAP_FIXED_NOREPLACE).is_ok_and(|got| {
        // SAFETY: the mapping that was just made; nobody knows it.
        unsafe {
            libc::munmap(std::ptr::with_exposed_provenance_mut(got as usize), (range.end - range.start) as usize)
        };
        got == range.start
    })
}

/// Reserves the guest's range at a base that was asked for.
fn reserve_at(base: u64) -> Result<u64, Errno> {
    if base.checked_add(TASK_SIZE).is_none_or(|end| end > HOST_END) {
        return Err(Errno::EINVAL);
    }
    reserve(base, TASK_SIZE, libc::MAP_FIXED_NOREPLACE)
}

/// Reserves the guest's range wherever the host likes.
fn reserve_anywhere() -> Result<u64, Errno> {
    reserve(0, TASK_SIZE, 0)
}

/// Holds addresses without memory.
fn reserve(start: u64, len: u64, how: i32) -> Result<u64, Errno> {
    let ptr = std::ptr::with_exposed_provenance_mut(start as usize);
    // SAFETY: MAP_FIXED_NOREPLACE or no fixed address at all: nothing that exists is replaced.
    let got = unsafe { libc::mmap(ptr, len as usize, libc::PROT_NONE, RESERVE | how, -1, 0) };
    if got == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(got.expose_provenance() as u64) }
}
