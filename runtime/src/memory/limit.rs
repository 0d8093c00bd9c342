//! What RLIMIT_AS, RLIMIT_DATA and RLIMIT_STACK allow the guest: only its own areas count, never Mynah's memory
//! (`may_expand_vm` in `mm/mmap.c`, `acct_stack_growth` in `mm/vma.c`).

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::host::Backing;
use super::{GuestAddr, Memory, PAGE_SIZE, Prot, Space, Vma, page_floor};
use crate::linux::Errno;

/// Soft limits in bytes.
#[derive(Debug)]
pub(super) struct Limits {
    address_space: AtomicU64,
    data: AtomicU64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { address_space: AtomicU64::new(u64::MAX), data: AtomicU64::new(u64::MAX) }
    }
}

/// Pages that the kernel keeps free below a stack.
const STACK_GUARD: u64 = 256 * PAGE_SIZE;

/// Whether memory counts as data: private and writable, and no stack.
pub(super) fn is_data(prot: Prot, shared: bool, grows_down: bool) -> bool {
    prot.write() && !shared && !grows_down
}

impl Memory {
    /// Sets the limits of address space and data, in bytes. What is mapped already stays.
    pub fn set_limits(&self, address_space: u64, data: u64) {
        self.limits.address_space.store(address_space, Ordering::Relaxed);
        self.limits.data.store(data, Ordering::Relaxed);
    }

    /// Whether `more` bytes may be mapped besides what is there.
    pub(super) fn check_limits(&self, space: &Space, more: u64, data: bool) -> Result<(), Errno> {
        let [address_space, data_limit] =
            [&self.limits.address_space, &self.limits.data].map(|limit| limit.load(Ordering::Relaxed));
        if address_space == u64::MAX && (!data || data_limit == u64::MAX) {
            return Ok(());
        }
        let sum = |which: &dyn Fn(&Vma) -> bool| -> u64 {
            space.vmas.iter().filter(|vma| which(vma)).map(|vma| vma.end - vma.start).sum()
        };
        let fits = |used: u64, limit: u64| used.saturating_add(more) <= page_floor(limit);
        let is_data = |vma: &Vma| is_data(vma.prot, vma.shared, vma.grows_down);
        let whole = fits(sum(&|_| true), address_space);
        if whole && (!data || fits(sum(&is_data), data_limit)) { Ok(()) } else { Err(Errno::ENOMEM) }
    }

    /// Whether `more` bytes that are mapped already may become data.
    pub(super) fn check_data(&self, space: &Space, more: u64) -> Result<(), Errno> {
        let limit = self.limits.data.load(Ordering::Relaxed);
        if limit == u64::MAX {
            return Ok(());
        }
        let data = space.vmas.iter().filter(|vma| is_data(vma.prot, vma.shared, vma.grows_down));
        let used: u64 = data.map(|vma| vma.end - vma.start).sum();
        if used.saturating_add(more) <= page_floor(limit) { Ok(()) } else { Err(Errno::ENOMEM) }
    }

    /// As [`check_limits`](Memory::check_limits) for a mapping at exactly `range`, which replaces what is there.
    pub(super) fn check_limits_at(&self, space: &Space, range: &Range<u64>, data: bool) -> Result<(), Errno> {
        let len = range.end - range.start;
        let replaced = || space.vmas.pieces(range.clone()).iter().map(|vma| vma.end - vma.start).sum::<u64>();
        self.check_limits(space, len, data).or_else(|_| self.check_limits(space, len - replaced(), data))
    }

    /// Whether the heap may end at `end`.
    pub(super) fn check_heap(&self, heap: &Range<u64>, end: u64) -> bool {
        end.saturating_sub(heap.start) <= self.limits.data.load(Ordering::Relaxed)
    }

    /// `mseal`: what is mapped in the range keeps its place and its rights from now on. The host knows nothing of it: Mynah's
    /// own changes of rights go on.
    pub fn seal(&self, addr: GuestAddr, len: u64) -> Result<(), Errno> {
        let range = self.checked_range(addr, len).ok_or(Errno::EINVAL)?;
        let mut space = self.lock();
        if !space.vmas.covers(range.clone()) {
            return Err(Errno::ENOMEM);
        }
        if !range.is_empty() {
            space.sealed.push(range);
        }
        Ok(())
    }

    /// EPERM if a part of the range is sealed.
    pub(super) fn check_sealed(&self, space: &Space, range: &Range<u64>) -> Result<(), Errno> {
        let touches = |sealed: &Range<u64>| sealed.start < range.end && range.start < sealed.end;
        if space.sealed.iter().any(touches) { Err(Errno::EPERM) } else { Ok(()) }
    }

    /// Lets an area with MAP_GROWSDOWN grow over a fault below it (`expand_downwards` in `mm/mmap.c`). True if the access
    /// should be tried again. Accesses of the kernel do not make it grow.
    pub fn grow_down(&self, addr: GuestAddr) -> bool {
        let mut space = self.lock();
        let page = addr.page().0;
        let above = space.vmas.iter().find(|vma| vma.start > page).cloned();
        let Some(above) = above.filter(|vma| vma.grows_down && vma.name.is_empty()) else { return false };
        let below = space.vmas.iter().take_while(|vma| vma.start <= page).last();
        let room = below.is_none_or(|vma| vma.end <= page && (!vma.prot.read() || page - vma.end >= STACK_GUARD));
        let more = above.start - page;
        if !room || page < self.min || self.check_limits(&space, more, false).is_err() {
            return false;
        }
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let backing = Backing { prot: above.prot, flags, fd: -1, offset: 0 };
        let mapped = self.host_map(&space, &(page..above.start), backing).is_ok();
        if mapped {
            self.record(&mut space, Vma { start: page, end: above.start, ..above });
        }
        mapped
    }

    /// Gives the main stack the size that a new RLIMIT_STACK allows: it is mapped whole, where the kernel would grow it. What
    /// the guest has used of it stays, and nothing below is overrun.
    pub fn resize_stack(&self, limit: u64) {
        let mut space = self.lock();
        let areas: Vec<Vma> = space.vmas.iter().filter(|vma| vma.name == "[stack]").cloned().collect();
        let (Some(first), Some(last)) = (areas.first(), areas.last()) else { return };
        let wanted = last.end.saturating_sub(crate::loader::stack_size(limit));
        if wanted > first.start {
            let unused = first.start..self.lowest_used(first).min(wanted);
            if !unused.is_empty() {
                // A stack holds no code that was translated, unless the guest made it executable.
                let stale = self.unmap(&mut space, &unused);
                drop(space);
                self.invalidate(&stale);
            }
            return;
        }
        let below = space.vmas.iter().take_while(|vma| vma.start < first.start).last().map_or(self.min, |vma| vma.end);
        let start = wanted.max(below.saturating_add(STACK_GUARD));
        if start < first.start {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK;
            let backing = Backing { prot: first.prot, flags, fd: -1, offset: 0 };
            if self.host_map(&space, &(start..first.start), backing).is_ok() {
                self.record(&mut space, Vma { start, end: first.start, ..first.clone() });
            }
        }
    }

    /// The lowest page of an area that holds memory.
    fn lowest_used(&self, vma: &Vma) -> u64 {
        let resident = self.resident(vma);
        let first = resident.iter().position(|page| page & 1 != 0).unwrap_or(resident.len()) as u64;
        vma.start + first * PAGE_SIZE
    }

    /// For each page of an area a byte whose lowest bit says whether it holds memory; all do if the host does not tell.
    pub fn resident(&self, vma: &Vma) -> Vec<u8> {
        let pages = ((vma.end - vma.start) / PAGE_SIZE) as usize;
        let mut resident = vec![0u8; pages];
        // SAFETY: the kernel writes one byte for each page of the area, which is the guest's.
        let told = unsafe { libc::mincore(self.g2h(vma.start.into()).cast(), pages * PAGE_SIZE as usize, resident.as_mut_ptr()) };
        if told == 0 { resident } else { vec![1; pages] }
    }
}
