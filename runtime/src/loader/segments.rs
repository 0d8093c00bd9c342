//! Maps the segments of a program or a dynamic linker (`elf_load` in `fs/binfmt_elf.c`).

use std::os::fd::AsRawFd;

use super::elf::Segment;
use super::error::Reason;
use super::program::Program;
use crate::linux::Errno;
use crate::memory::{GuestAddr, Memory, page_ceil, page_floor};

/// Where a program ended up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loaded {
    /// What was added to its addresses.
    pub bias: u64,
    /// Guest address of its first instruction.
    pub entry: u64,
    /// Guest address of its program headers; 0 if they are not in memory.
    pub phdr: u64,
    /// Number of program headers.
    pub phnum: u64,
    /// Guest address after its last segment.
    pub end: u64,
}

/// Maps all segments: where the file says, or for a movable program near `hint` (anywhere if null).
pub(super) fn load(memory: &Memory, program: &Program, hint: GuestAddr) -> Result<Loaded, Reason> {
    let plan = &program.plan;
    let (start, end) = plan.span();
    let no_room = |errno| Reason::NoRoom { start, len: end - start, errno };
    let bias = match plan.movable {
        true => memory.reserve(hint, end - start, plan.align).map_err(no_room)?.0.wrapping_sub(start),
        false => 0,
    };
    if !plan.movable && !memory.is_free(GuestAddr(start), end - start) {
        return Err(no_room(Errno::EEXIST));
    }
    let mut mapped_to = start;
    for segment in &plan.segments {
        // What the reservation holds between segments is free for others.
        let first = page_floor(segment.vaddr);
        if plan.movable && mapped_to < first {
            memory.munmap(GuestAddr(mapped_to.wrapping_add(bias)), first - mapped_to).map_err(no_room)?;
        }
        map_segment(memory, program.file.as_raw_fd(), segment, bias).map_err(no_room)?;
        mapped_to = page_ceil(segment.end()).unwrap_or(end);
    }
    Ok(Loaded {
        bias,
        entry: plan.entry.wrapping_add(bias),
        phdr: plan.phdr.map_or(0, |phdr| phdr.wrapping_add(bias)),
        phnum: plan.phnum,
        end: plan.segments.last().map_or(end, Segment::end).wrapping_add(bias),
    })
}

/// Maps one segment: pages of the file, then zeros.
fn map_segment(memory: &Memory, fd: i32, segment: &Segment, bias: u64) -> Result<(), Errno> {
    let start = page_floor(segment.vaddr);
    let file_end = page_ceil(segment.file_end()).ok_or(Errno::ENOMEM)?;
    let end = page_ceil(segment.end()).ok_or(Errno::ENOMEM)?;
    let flags = libc::MAP_PRIVATE | libc::MAP_FIXED;
    let zeros_from = if segment.file_size == 0 {
        start
    } else {
        let (at, offset) = (GuestAddr(start.wrapping_add(bias)), page_floor(segment.offset));
        memory.mmap(at, file_end - start, segment.prot.0, flags, fd, offset)?;
        if segment.size > segment.file_size && segment.prot.write() {
            // To the end of the page, not only of the segment, as the kernel does.
            memory.zero(GuestAddr(segment.file_end().wrapping_add(bias)), file_end - segment.file_end())?;
        }
        file_end
    };
    if zeros_from < end {
        // The kernel makes these pages readable and writable whatever the segment says.
        let prot = segment.prot.0 | libc::PROT_READ | libc::PROT_WRITE;
        let at = GuestAddr(zeros_from.wrapping_add(bias));
        memory.mmap(at, end - zeros_from, prot, flags | libc::MAP_ANONYMOUS, -1, 0)?;
    }
    Ok(())
}
