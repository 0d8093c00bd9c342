//! The guest's memory calls. Checks and answers follow `mm/mmap.c`, `mm/mprotect.c` and `mm/mremap.c` of Linux 6.x.
//!
//! Each call checks, changes the host under the lock, records the change in the map of areas, and calls the invalidation
//! hook after the lock is released for what had been executable.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::access::page_span;
use super::host::Backing;
use super::limit::is_data;
use super::{GuestAddr, HIGH_END, HOST_END, Layout, MappedFile, Memory, PAGE_SIZE, Prot, Space, TASK_SIZE, Vma};
use super::{page_ceil, page_floor};
use crate::linux::Errno;
use crate::linux::procfs::{code_changed, heap_changed};

/// Flags that say where a mapping goes; the others say what it is.
const PLACE: i32 = libc::MAP_FIXED | libc::MAP_FIXED_NOREPLACE;
/// Flags that only x86 has: `MAP_32BIT` and `MAP_ABOVE4G`. Other kernels ignore the bits.
const X86_ONLY: i32 = 0x40 | 0x80;
/// Protection bit that Linux ignores (`PROT_SEM`).
const PROT_SEM: i32 = 8;
/// Alignment from which the kernel can use huge pages for anonymous memory.
const HUGE: u64 = 2 << 20;
/// Most random pages between the top of the address space and the stack.
pub(super) const STACK_RANDOM_PAGES: u64 = 1 << 11;

/// Where a mapping goes.
enum Place {
    /// Exactly here, over whatever is there.
    Fixed(u64),
    /// Exactly here, if free.
    FixedFree(u64),
    /// Here if free, else anywhere.
    Hint(u64),
}

impl Memory {
    /// `mmap`. `flags` and `fd` as the guest gave them; on riscv64 they have the host's values.
    pub fn mmap(
        &self,
        addr: GuestAddr,
        len: u64,
        prot: i32,
        flags: i32,
        fd: i32,
        offset: u64,
    ) -> Result<GuestAddr, Errno> {
        if !page_aligned(offset) || len == 0 {
            return Err(Errno::EINVAL);
        }
        let file = if flags & libc::MAP_ANONYMOUS == 0 { Some(identify(fd, Prot(prot).exec() && flags & libc::MAP_TYPE == libc::MAP_PRIVATE)?) } else { None };
        let huge = huge_page(flags);
        let len = align_up(len, huge).filter(|&len| len <= HOST_END).ok_or(Errno::ENOMEM)?;
        let place = match flags & PLACE {
            0 => Place::Hint(page_ceil(addr.0).unwrap_or(0)),
            _ if !page_aligned(addr.0) => return Err(Errno::EINVAL),
            libc::MAP_FIXED => Place::Fixed(addr.0),
            _ => Place::FixedFree(addr.0),
        };
        let backing = Backing { prot: Prot(prot & Prot::MASK), flags: flags & !(PLACE | X86_ONLY), fd, offset };
        self.map(place, len, huge, backing, file, "")
    }

    /// Maps private anonymous memory with a name in the guest's `/proc/self/maps`, exactly at `range`, which must be free.
    pub fn map_named(
        &self,
        range: Range<GuestAddr>,
        prot: Prot,
        grows_down: bool,
        name: &'static str,
    ) -> Result<(), Errno> {
        // A stack is mapped whole: growing it is not the host kernel's business, whose guess at the limit would be wrong.
        // MAP_STACK keeps the kernel from making its first page a huge one.
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK;
        let backing = Backing { prot, flags, fd: -1, offset: 0 };
        self.map(Place::FixedFree(range.start.0), range.end - range.start, PAGE_SIZE, backing, None, name)?;
        if grows_down {
            let mut space = self.lock();
            for vma in space.vmas.pieces(range.start.0..range.end.0) {
                space.vmas.insert(Vma { grows_down, ..vma });
            }
        }
        Ok(())
    }

    /// Finds `len` free bytes aligned to `align`, at `hint` if that is free, and holds them with an inaccessible mapping.
    pub fn reserve(&self, hint: GuestAddr, len: u64, align: u64) -> Result<GuestAddr, Errno> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let len = page_ceil(len).filter(|&len| len != 0).ok_or(Errno::ENOMEM)?;
        let place = Place::Hint(align_up(hint.0, align).unwrap_or(0));
        self.map(place, len, align, Backing { prot: Prot(0), flags, fd: -1, offset: 0 }, None, "")
    }

    /// `munmap`. Addresses where nothing of the guest's is mapped are left alone.
    pub fn munmap(&self, addr: GuestAddr, len: u64) -> Result<(), Errno> {
        let range = self.checked_range(addr, len).ok_or(Errno::EINVAL)?;
        if range.is_empty() {
            return Err(Errno::EINVAL);
        }
        let mut space = self.lock();
        self.check_sealed(&space, &range)?;
        let stale = self.unmap(&mut space, &range);
        drop(space);
        self.invalidate(&stale);
        Ok(())
    }

    /// `mprotect`, with `PROT_GROWSDOWN`. Where a hole is in the range, what lies below it is changed and ENOMEM returned.
    pub fn mprotect(&self, addr: GuestAddr, len: u64, prot: i32) -> Result<(), Errno> {
        let grows = prot & (libc::PROT_GROWSDOWN | libc::PROT_GROWSUP);
        if !page_aligned(addr.0) || prot & !(Prot::MASK | PROT_SEM | grows) != 0 {
            return Err(Errno::EINVAL);
        }
        if grows & libc::PROT_GROWSUP != 0 {
            // Areas that grow up exist on other machines only.
            return Err(Errno::EINVAL);
        }
        let mut range = self.checked_range(addr, len).ok_or(Errno::ENOMEM)?;
        if range.is_empty() {
            return Ok(());
        }
        let mut space = self.lock();
        self.check_sealed(&space, &range)?;
        if grows != 0 {
            let vma = space.vmas.find(range.start).ok_or(Errno::ENOMEM)?;
            if !vma.grows_down {
                return Err(Errno::EINVAL);
            }
            range.start = vma.start;
        }
        let hole = space.vmas.gaps(range.clone()).first().map(|gap| gap.start);
        let (stale, result) =
            self.protect_areas(&mut space, range.start..hole.unwrap_or(range.end), Prot(prot & Prot::MASK));
        drop(space);
        self.invalidate(&stale);
        result.and(if hole.is_some() { Err(Errno::ENOMEM) } else { Ok(()) })
    }

    /// `mremap`, all forms.
    pub fn mremap(
        &self,
        old: GuestAddr,
        old_len: u64,
        new_len: u64,
        flags: i32,
        to: GuestAddr,
    ) -> Result<GuestAddr, Errno> {
        const DONTUNMAP: i32 = 4;
        let moving = flags & (libc::MREMAP_FIXED | DONTUNMAP);
        let known = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED | DONTUNMAP;
        if flags & !known != 0 || (moving != 0 && flags & libc::MREMAP_MAYMOVE == 0) || !page_aligned(old.0) {
            return Err(Errno::EINVAL);
        }
        let from = self.checked_range(old, old_len).ok_or(Errno::EFAULT)?;
        let new_len = page_ceil(new_len).filter(|&len| len != 0 && len <= HOST_END).ok_or(Errno::EINVAL)?;
        let old_len = from.end - from.start;
        if flags & DONTUNMAP != 0 && old_len != new_len {
            return Err(Errno::EINVAL);
        }
        let mut space = self.lock();
        let vma = space.vmas.find(from.start).cloned().ok_or(Errno::EFAULT)?;
        if old_len == 0 && !vma.shared {
            return Err(Errno::EINVAL);
        }
        if from.end > vma.end {
            return Err(Errno::EFAULT);
        }
        self.check_sealed(&space, &from)?;
        if flags & libc::MREMAP_FIXED != 0 {
            self.check_sealed(&space, &(to.0..to.0.saturating_add(new_len)))?;
        }
        // Protected pages would split the host's area, and the kernel moves one area at a time.
        let mut stale = self.unwatch(&mut space, &from);
        let result = if moving != 0 {
            self.move_to(&mut space, &vma, &from, new_len, flags, to, &mut stale)
        } else {
            self.resize(&mut space, &vma, &from, new_len, flags, &mut stale)
        };
        drop(space);
        self.invalidate(&stale);
        result.map(GuestAddr)
    }

    /// `madvise`. Where a hole is in the range the rest is advised and ENOMEM returned.
    pub fn madvise(&self, addr: GuestAddr, len: u64, advice: i32) -> Result<(), Errno> {
        let range = self.checked_range(addr, len).ok_or(Errno::EINVAL)?;
        let space = self.lock();
        let pieces = space.vmas.pieces(range.clone());
        // Throwing away what is in memory that cannot be written would change it.
        if discards(advice) && pieces.iter().any(|piece| !piece.prot.write() && piece.file.is_none()) {
            self.check_sealed(&space, &range)?;
        }
        let whole = space.vmas.covers(range.clone());
        let result = pieces.iter().try_for_each(|piece| self.host_advise(&piece.range(), advice));
        drop(space);
        if matches!(advice, libc::MADV_DONTNEED | libc::MADV_REMOVE | libc::MADV_FREE) {
            self.invalidate(&executable(&pieces));
        }
        result.and(if whole { Ok(()) } else { Err(Errno::ENOMEM) })
    }

    /// `msync`. ENOMEM where nothing is mapped, after the rest was written.
    pub fn msync(&self, addr: GuestAddr, len: u64, flags: i32) -> Result<(), Errno> {
        if !page_aligned(addr.0) {
            return Err(Errno::EINVAL);
        }
        let range = self.checked_range(addr, len).ok_or(Errno::ENOMEM)?;
        let space = self.lock();
        let (pieces, whole) = (space.vmas.pieces(range.clone()), space.vmas.covers(range));
        // Writing back may take long; the map is not needed for it.
        drop(space);
        pieces.iter().try_for_each(|piece| self.host_sync(&piece.range(), flags))?;
        if whole { Ok(()) } else { Err(Errno::ENOMEM) }
    }

    /// Sets where the heap begins; it is empty then.
    pub fn set_brk_start(&self, start: GuestAddr) {
        self.lock().brk = start.0..start.0;
        heap_changed(&(start.0..start.0));
    }

    /// `brk`: moves the break if that is possible; gives the break as it is then.
    pub fn brk(&self, wanted: GuestAddr) -> GuestAddr {
        let mut space = self.lock();
        let heap = space.brk.clone();
        let (Some(old_end), Some(new_end)) = (page_ceil(heap.end), page_ceil(wanted.0)) else {
            return GuestAddr(heap.end);
        };
        if wanted.0 < heap.start
            || new_end > self.limit()
            || (wanted.0 > heap.end && !self.check_heap(&heap, wanted.0))
        {
            return GuestAddr(heap.end);
        }
        let mut stale = Vec::new();
        if new_end < old_end {
            stale = self.unmap(&mut space, &(new_end..old_end));
        } else if new_end > old_end && self.grow_heap(&mut space, old_end..new_end).is_err() {
            return GuestAddr(heap.end);
        }
        space.brk.end = wanted.0;
        heap_changed(&space.brk);
        drop(space);
        self.invalidate(&stale);
        wanted
    }

    /// Where the main stack ends (its highest address), by the layout's seed.
    pub fn stack_top(&self) -> GuestAddr {
        GuestAddr(TASK_SIZE - PAGE_SIZE * (1 + random(self.layout.seed, 1) % STACK_RANDOM_PAGES))
    }

    /// Where position-independent programs go: two thirds up, as the kernel's `ELF_ET_DYN_BASE`, plus random pages.
    pub fn program_hint(&self) -> GuestAddr {
        GuestAddr(page_floor(TASK_SIZE / 3 * 2) + PAGE_SIZE * (random(self.layout.seed, 2) & 0x3_ffff))
    }

    /// Random distance in bytes between the end of a program and its heap.
    pub fn brk_gap(&self) -> u64 {
        PAGE_SIZE * (random(self.layout.seed, 3) & 0x1fff)
    }

    /// One mapping: finds the place, maps, records.
    fn map(
        &self,
        place: Place,
        len: u64,
        align: u64,
        backing: Backing,
        file: Option<MappedFile>,
        name: &'static str,
    ) -> Result<GuestAddr, Errno> {
        let mut space = self.lock();
        let grows_down = backing.flags & libc::MAP_GROWSDOWN != 0;
        let data = is_data(backing.prot, backing.flags & libc::MAP_TYPE != libc::MAP_PRIVATE, grows_down);
        // The host would let the area grow behind our back; `grow_down` does it.
        let backing = Backing { flags: backing.flags & !libc::MAP_GROWSDOWN, ..backing };
        match place {
            Place::Fixed(start) => {
                let range = start..start.saturating_add(len);
                self.check_sealed(&space, &range)?;
                self.check_limits_at(&space, &range, data)?;
            }
            _ => self.check_limits(&space, len, data)?,
        }
        let start = match place {
            Place::Fixed(start) => self.map_fixed(&space, start, len, backing)?,
            Place::FixedFree(start) if !space.vmas.pieces(start..start.saturating_add(len)).is_empty() => {
                return Err(Errno::EEXIST);
            }
            Place::FixedFree(start) => self.map_fixed(&space, start, len, backing)?,
            Place::Hint(hint) => self.map_anywhere(&space, hint, len, align, backing)?,
        };
        let vma = Vma {
            start,
            end: start + len,
            prot: backing.prot,
            shared: backing.flags & libc::MAP_TYPE != libc::MAP_PRIVATE,
            grows_down,
            file: None,
            offset: backing.offset,
            name,
        };
        let file = match file {
            None if vma.shared => Some(space.new_shared()),
            file => file.map(Arc::new),
        };
        let stale = self.record(&mut space, Vma { file, ..vma });
        drop(space);
        self.invalidate(&stale);
        Ok(GuestAddr(start))
    }

    /// Maps at exactly `start`.
    fn map_fixed(&self, space: &Space, start: u64, len: u64, backing: Backing) -> Result<u64, Errno> {
        let end = start.checked_add(len).filter(|&end| end <= self.limit()).ok_or(Errno::ENOMEM)?;
        if start < self.min {
            return Err(Errno::EPERM);
        }
        match self.host_map(space, &(start..end), backing) {
            // Free of the guest's areas, but the host has something there.
            Err(Errno::EEXIST) => Err(Errno::ENOMEM),
            result => result.map(|()| start),
        }
    }

    /// Maps at the hint if that is free, else at the highest free place that fits: first below the top of Sv39's mappings,
    /// then above.
    pub(super) fn map_anywhere(&self, space: &Space, hint: u64, len: u64, align: u64, backing: Backing) -> Result<u64, Errno> {
        let hinted = hint.checked_add(len).filter(|&end| hint >= self.min && end <= self.limit());
        if let Some(end) = hinted.filter(|_| hint.is_multiple_of(align))
            && space.vmas.pieces(hint..end).is_empty()
            && let Ok(()) = self.host_map(space, &(hint..end), backing)
        {
            return Ok(hint);
        }
        let anonymous = backing.flags & libc::MAP_ANONYMOUS != 0;
        let align = if anonymous && len >= HUGE { align.max(HUGE) } else { align };
        self.map_in(space, self.min..self.mmap_top, len, align, backing).or_else(|error| match self.limit() {
            TASK_SIZE => Err(error),
            // The rings of io_uring go where the kernel wants them, and nowhere else.
            _ if error == Errno::EINVAL && !anonymous => self.host_map_anywhere(len, backing),
            _ => self.map_in(space, TASK_SIZE..HIGH_END, len, align, backing),
        })
    }

    /// Maps at the highest free place in `within`. Where the host has something that the guest's map does not know of, goes
    /// on below it.
    fn map_in(&self, space: &Space, within: Range<u64>, len: u64, align: u64, backing: Backing) -> Result<u64, Errno> {
        let mut top = within.end;
        while let Some(start) = space.vmas.find_gap(len, align, within.start..top) {
            match self.host_map(space, &(start..start + len), backing) {
                Err(Errno::EEXIST) => top = start.max(start + len - 1) & !(align - 1),
                result => return result.map(|()| start),
            }
            top = top.min(start + len - PAGE_SIZE);
        }
        Err(Errno::ENOMEM)
    }

    /// First address that the guest can never have.
    fn limit(&self) -> u64 {
        if self.base == 0 { HOST_END } else { TASK_SIZE }
    }

    /// The pages of `addr..addr + len`, if `addr` is aligned and the end within the limit.
    pub(super) fn checked_range(&self, addr: GuestAddr, len: u64) -> Option<Range<u64>> {
        let span = page_span(addr.0, len)?;
        (page_aligned(addr.0) && span.end <= self.limit()).then_some(span)
    }

    /// Puts a new area into the map; gives what was executable there before.
    pub(super) fn record(&self, space: &mut Space, vma: Vma) -> Vec<Range<u64>> {
        let range = vma.range();
        self.top.fetch_max(range.end, Ordering::Relaxed);
        let executable_now = vma.prot.exec();
        let stale = executable(&space.vmas.insert(vma));
        if executable_now || !stale.is_empty() {
            code_changed(&range, executable_now);
        }
        self.forget_watched(space, &range);
        self.protect_aliases(space, &range);
        stale
    }

    /// Unmaps what the guest has in `range`; gives what was executable.
    pub(super) fn unmap(&self, space: &mut Space, range: &Range<u64>) -> Vec<Range<u64>> {
        let removed = space.vmas.remove(range.clone());
        for piece in &removed {
            self.host_unmap(&piece.range());
        }
        self.forget_watched(space, range);
        let stale = executable(&removed);
        if !stale.is_empty() {
            code_changed(range, false);
        }
        stale
    }

    /// Gives everything in `range` (without holes) the rights `prot`; gives what was executable before.
    fn protect_areas(&self, space: &mut Space, range: Range<u64>, prot: Prot) -> (Vec<Range<u64>>, Result<(), Errno>) {
        let mut stale = Vec::new();
        for piece in space.vmas.pieces(range) {
            if piece.prot == prot {
                continue;
            }
            let range = piece.range();
            let becomes_data = is_data(prot, piece.shared, piece.grows_down) && !piece.prot.write();
            if becomes_data && self.check_data(space, range.end - range.start).is_err() {
                return (stale, Err(Errno::ENOMEM));
            }
            if let Err(error) = self.host_protect(&range, prot) {
                return (stale, Err(error));
            }
            if piece.prot.exec() {
                stale.push(range.clone());
            }
            space.vmas.set_prot(range.clone(), prot);
            if piece.prot.exec() != prot.exec() {
                code_changed(&range, prot.exec());
            }
            self.forget_watched(space, &range);
            self.protect_aliases(space, &range);
        }
        (stale, Ok(()))
    }

    /// Gives protected pages their rights back and forgets their code; gives what was executable.
    fn unwatch(&self, space: &mut Space, range: &Range<u64>) -> Vec<Range<u64>> {
        let pieces = space.vmas.pieces(range.clone());
        for piece in pieces.iter().filter(|piece| piece.prot.write()) {
            // Failure means that the host could not merge or split areas; the move that follows reports it.
            let _ = self.host_protect(&piece.range(), piece.prot);
        }
        self.forget_watched(space, range);
        executable(&pieces)
    }

    /// `mremap` without a new address.
    fn resize(
        &self,
        space: &mut Space,
        vma: &Vma,
        from: &Range<u64>,
        new_len: u64,
        flags: i32,
        stale: &mut Vec<Range<u64>>,
    ) -> Result<u64, Errno> {
        let new_end = from.start.checked_add(new_len).ok_or(Errno::EINVAL)?;
        if new_end <= from.end {
            stale.extend(self.unmap(space, &(new_end..from.end)));
            self.protect_aliases(space, &(from.start..new_end));
            return Ok(from.start);
        }
        self.check_limits(space, new_len - (from.end - from.start), is_data(vma.prot, vma.shared, vma.grows_down))?;
        let grows_here = from.end == vma.end
            && !from.is_empty()
            && self.base == 0
            && new_end <= self.limit()
            && space.vmas.pieces(from.end..new_end).is_empty()
            && self.host_resize(from, new_len).is_ok();
        if grows_here {
            let offset = vma.offset_at(from.start);
            stale.extend(self.record(space, Vma { start: from.start, end: new_end, offset, ..vma.clone() }));
            return Ok(from.start);
        }
        if flags & libc::MREMAP_MAYMOVE == 0 {
            return Err(Errno::ENOMEM);
        }
        let align = if vma.file.is_none() && new_len >= HUGE { HUGE } else { PAGE_SIZE };
        let placeholder = Backing {
            prot: Prot(0),
            flags: libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            fd: -1,
            offset: 0,
        };
        let to = self.map_anywhere(space, 0, new_len, align, placeholder)?;
        self.move_claimed(space, vma, from, &(to..to + new_len), 0, stale)
    }

    /// `mremap` with `MREMAP_FIXED` or `MREMAP_DONTUNMAP`.
    #[allow(clippy::too_many_arguments)]
    fn move_to(
        &self,
        space: &mut Space,
        vma: &Vma,
        from: &Range<u64>,
        new_len: u64,
        flags: i32,
        to: GuestAddr,
        stale: &mut Vec<Range<u64>>,
    ) -> Result<u64, Errno> {
        let keep = flags & !(libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED);
        if flags & libc::MREMAP_FIXED == 0 {
            self.check_limits(space, new_len, is_data(vma.prot, vma.shared, vma.grows_down))?;
            let placeholder = Backing {
                prot: Prot(0),
                flags: libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                fd: -1,
                offset: 0,
            };
            let hint = page_ceil(to.0).unwrap_or(0);
            let to = self.map_anywhere(space, hint, new_len, PAGE_SIZE, placeholder)?;
            return self.move_claimed(space, vma, from, &(to..to + new_len), keep, stale);
        }
        let more = new_len.saturating_sub(from.end - from.start);
        self.check_limits(space, more, is_data(vma.prot, vma.shared, vma.grows_down))?;
        let target = self.checked_range(to, new_len).filter(|to| to.end <= from.start || from.end <= to.start);
        let target = target.ok_or(Errno::EINVAL)?;
        if target.start < self.min {
            return Err(Errno::EPERM);
        }
        if self.base == 0 {
            self.claim(&space.vmas.gaps(target.clone()))?;
        }
        stale.extend(executable(&space.vmas.remove(target.clone())));
        self.forget_watched(space, &target);
        self.move_claimed(space, vma, from, &target, keep, stale)
    }

    /// Moves `from` to `to`, where the host has nothing but the guest's claim. The part of `from` beyond the new length
    /// is unmapped.
    fn move_claimed(
        &self,
        space: &mut Space,
        vma: &Vma,
        from: &Range<u64>,
        to: &Range<u64>,
        keep: i32,
        stale: &mut Vec<Range<u64>>,
    ) -> Result<u64, Errno> {
        if let Err(error) = self.host_move(from, to, keep) {
            self.host_unmap(to);
            return Err(error);
        }
        if keep == 0 && !from.is_empty() {
            // The kernel unmapped it; with a base of its own the addresses must be held again.
            if !executable(&space.vmas.remove(from.clone())).is_empty() {
                code_changed(from, false);
            }
            if self.base != 0 {
                self.host_unmap(from);
            }
        }
        let offset = vma.offset_at(from.start);
        stale.extend(self.record(space, Vma { start: to.start, end: to.end, offset, name: "", ..vma.clone() }));
        Ok(to.start)
    }

    /// Maps more heap if nothing is in the way.
    fn grow_heap(&self, space: &mut Space, range: Range<u64>) -> Result<(), Errno> {
        if !space.vmas.pieces(range.clone()).is_empty() {
            return Err(Errno::ENOMEM);
        }
        self.check_limits(space, range.end - range.start, true)?;
        let prot = Prot(libc::PROT_READ | libc::PROT_WRITE);
        self.host_map(
            space,
            &range,
            Backing { prot, flags: libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, fd: -1, offset: 0 },
        )?;
        let (start, end) = (range.start, range.end);
        self.record(
            space,
            Vma { start, end, prot, shared: false, grows_down: false, file: None, offset: 0, name: "[heap]" },
        );
        Ok(())
    }
}

impl Space {
    /// The object behind a new shared anonymous mapping; every call makes another.
    fn new_shared(&mut self) -> Arc<MappedFile> {
        self.next_shared += 1;
        Arc::new(MappedFile { path: "/dev/zero (deleted)".into(), dev: libc::makedev(0, 1), ino: self.next_shared, key: 0 })
    }
}

/// Where the search for free addresses starts: below the gap for the stack, minus random pages (`mmap_base()` in
/// `mm/util.c`).
pub(super) fn mmap_top(layout: &Layout) -> u64 {
    const GUARD: u64 = 256 * PAGE_SIZE;
    let gap = layout.stack_size.saturating_add(GUARD + STACK_RANDOM_PAGES * PAGE_SIZE);
    let gap = gap.clamp(128 << 20, TASK_SIZE / 6 * 5);
    page_floor(TASK_SIZE - gap) - PAGE_SIZE * (random(layout.seed, 0) & 0x3_ffff)
}

/// Random bits for one purpose, out of the seed of a layout (SplitMix64).
pub fn random(seed: u64, purpose: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(purpose + 1));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Advice that takes contents away (`is_discard` in `mm/madvise.c`).
fn discards(advice: i32) -> bool {
    const DONTNEED_LOCKED: i32 = 24;
    const GUARD_INSTALL: i32 = 102;
    matches!(
        advice,
        libc::MADV_FREE | libc::MADV_DONTNEED | DONTNEED_LOCKED | libc::MADV_REMOVE | libc::MADV_DONTFORK | libc::MADV_WIPEONFORK | GUARD_INSTALL
    )
}

/// The ranges of executable areas.
fn executable(areas: &[Vma]) -> Vec<Range<u64>> {
    areas.iter().filter(|vma| vma.prot.exec()).map(Vma::range).collect()
}

fn page_aligned(value: u64) -> bool {
    value.is_multiple_of(PAGE_SIZE)
}

/// Rounds up to a multiple of a power of two.
fn align_up(value: u64, align: u64) -> Option<u64> {
    Some(value.checked_add(align - 1)? & !(align - 1))
}

/// Size of the pages that a mapping asks for: `MAP_HUGETLB` with its size in the upper bits, else ordinary ones.
fn huge_page(flags: i32) -> u64 {
    match (flags & libc::MAP_HUGETLB, (flags as u32) >> libc::MAP_HUGE_SHIFT & 0x3f) {
        (0, _) => PAGE_SIZE,
        (_, 0) => HUGE,
        (_, log) => (1u64 << log).clamp(PAGE_SIZE, 1 << 34),
    }
}

/// What a file descriptor refers to. With `code`, its content is identified too.
fn identify(fd: i32, code: bool) -> Result<MappedFile, Errno> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: `stat` has room for the answer, which is only read if the call succeeded.
    let stat = unsafe {
        if libc::fstat(fd, stat.as_mut_ptr()) != 0 {
            return Err(Errno::last());
        }
        stat.assume_init()
    };
    // Without /proc the mapping has no name; that is all it is used for.
    let path = std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap_or_default();
    let key = if code { crate::disk::key::of_file(fd, stat.st_size as u64).unwrap_or(0) } else { 0 };
    Ok(MappedFile { path, dev: stat.st_dev, ino: stat.st_ino, key })
}
