//! Memory for host code and its links.
//!
//! One range of host addresses is reserved, so that everything in it is within reach of a 32-bit displacement. Its
//! first part holds links (ordinary private memory). The rest is filled with chunks of code, each a memfd that is
//! mapped twice: executable here, writable elsewhere. No page is ever both. Code is only appended, so the executable
//! view never changes under a running thread. After a fork the child gives up the parent's chunk, which both can
//! still execute, and starts one of its own.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;

use crate::enter;
use crate::entry::Entry;
use crate::lower::{IMAGE_BASE, LinkTarget};

/// Bytes of links at the start of the range.
const LINK_BYTES: usize = 64 << 20;
/// Bytes of the whole range.
const RANGE: usize = 1 << 30;
/// Bytes of a chunk; memory is used only for what is written.
const CHUNK: usize = 8 << 20;

/// The place where code goes, and a translated exit's link slots.
#[derive(Debug)]
pub struct Arena {
    base: usize,
    links: usize,
    /// Numbers of the links of entries from disk. Links are numbered by their distance from the start of the range, so
    /// those in front of an entry's code have numbers too.
    entries: Vec<Range<usize>>,
    /// Executable address and writable alias of the current chunk, and how much of it is used.
    chunk: Option<Chunk>,
    next_chunk: usize,
}

#[derive(Debug)]
struct Chunk {
    exec: usize,
    write: usize,
    used: usize,
    len: usize,
}

/// A link slot: generated code jumps or calls through `entry`.
#[derive(Debug)]
#[repr(C)]
pub struct Link {
    /// Host entry of the target's translation, or the stub for unlinked exits.
    pub entry: std::sync::atomic::AtomicU64,
    /// Guest pc of the target. Odd in an inline cache that was not filled yet.
    pub pc: std::sync::atomic::AtomicU64,
}

fn map(addr: usize, len: usize, prot: i32, flags: i32, fd: i32) -> io::Result<usize> {
    map_at(addr, len, prot, flags, fd, 0)
}

fn map_at(addr: usize, len: usize, prot: i32, flags: i32, fd: i32, offset: i64) -> io::Result<usize> {
    // SAFETY: fixed mappings are made only inside the arena's own reservation.
    let p = unsafe { libc::mmap(addr as *mut _, len, prot, flags, fd, offset) };
    if p == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(p as usize) }
}

impl Arena {
    /// Reserves the range. Nothing is committed yet.
    pub fn new() -> io::Result<Arena> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let base = map(0, RANGE, libc::PROT_NONE, flags, -1)?;
        map(base, LINK_BYTES, libc::PROT_READ | libc::PROT_WRITE, flags | libc::MAP_FIXED, -1)?;
        Ok(Arena { base, links: 0, entries: Vec::new(), chunk: None, next_chunk: base + LINK_BYTES })
    }

    /// The host addresses that code may lie at.
    pub fn code_range(&self) -> std::ops::Range<u64> {
        (self.base + LINK_BYTES) as u64..(self.base + RANGE) as u64
    }

    /// The address of link number `index`.
    pub fn link_addr(&self, index: usize) -> u64 {
        (self.base + index * size_of::<Link>()) as u64
    }

    /// Link number `index`, which must have been allocated.
    pub fn link(&self, index: usize) -> &Link {
        assert!(index < self.links || self.entries.iter().any(|links| links.contains(&index)));
        // SAFETY: the link areas are mapped for the process's life and holds only atomics, valid for any bits.
        unsafe { &*(self.link_addr(index) as *const Link) }
    }

    /// Maps an entry's code for execution, with memory for its links in front of it; gives the number of the first link
    /// and the host address of the code. `None` when the range is used up.
    pub fn map_entry(&mut self, entry: &Entry, file: &File) -> io::Result<Option<(usize, u64)>> {
        let (links, code) = (entry.link_bytes(), entry.code());
        let len = links + code.len().next_multiple_of(4096);
        let start = self.next_chunk;
        if code.is_empty() || start + len > self.base + RANGE {
            return Ok(None);
        }
        let flags = libc::MAP_PRIVATE | libc::MAP_NORESERVE | libc::MAP_FIXED;
        let prot = libc::PROT_READ | libc::PROT_EXEC;
        map_at(start + links, code.len(), prot, flags, file.as_raw_fd(), code.start as i64)?;
        if links != 0 {
            map(start, links, libc::PROT_READ | libc::PROT_WRITE, flags | libc::MAP_ANONYMOUS, -1)?;
        }
        // The current chunk lies below: it keeps its room, and the next one comes after this.
        self.next_chunk += len;
        let first = self.link_index(start as u64);
        self.entries.push(first..first + entry.links());
        Ok(Some((first, (start + links) as u64)))
    }

    /// Gives links their first values: unlinked, an empty inline cache, or the image base.
    pub fn start_links(&self, first: usize, targets: &[LinkTarget], image_base: u64) {
        for (i, target) in targets.iter().enumerate() {
            let link = self.link(first + i);
            let entry = if *target == IMAGE_BASE { image_base } else { enter::unlinked_stub() };
            link.entry.store(entry, Ordering::Relaxed);
            link.pc.store(*target, Ordering::Release);
        }
    }

    /// The number of the link at a host address.
    pub fn link_index(&self, addr: u64) -> usize {
        (addr as usize - self.base) / size_of::<Link>()
    }

    /// Allocates `n` links with consecutive numbers; `None` when the area is full.
    pub fn alloc_links(&mut self, n: usize) -> Option<usize> {
        let first = self.links;
        if (first + n) * size_of::<Link>() > LINK_BYTES {
            return None;
        }
        self.links += n;
        Some(first)
    }

    /// Reserves room for `len` bytes of code and gives the address at which it will execute; `None` when the range
    /// is used up.
    pub fn reserve_code(&mut self, len: usize) -> io::Result<Option<u64>> {
        let fits = self.chunk.as_ref().is_some_and(|c| c.used + len <= c.len);
        if !fits {
            let size = CHUNK.max(len.next_multiple_of(4096));
            if self.next_chunk + size > self.base + RANGE {
                return Ok(None);
            }
            self.open_chunk(size)?;
        }
        Ok(self.chunk.as_ref().map(|c| (c.exec + c.used) as u64))
    }

    fn open_chunk(&mut self, size: usize) -> io::Result<()> {
        // SAFETY: plain system calls on a descriptor made and closed here.
        let fd = unsafe { libc::memfd_create(c"mynah-code".as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: as above.
        let sized = unsafe { libc::ftruncate(fd, size as i64) } == 0;
        let mapped = if sized {
            let exec = map(self.next_chunk, size, libc::PROT_READ | libc::PROT_EXEC, libc::MAP_SHARED | libc::MAP_FIXED, fd);
            exec.and_then(|exec| Ok((exec, map(0, size, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, fd)?)))
        } else {
            Err(io::Error::last_os_error())
        };
        // SAFETY: the mappings keep the memory; the descriptor stays out of the guest's sight.
        unsafe { libc::close(fd) };
        let (exec, write) = mapped?;
        self.drop_chunk();
        self.chunk = Some(Chunk { exec, write, used: 0, len: size });
        self.next_chunk = exec + size;
        Ok(())
    }

    fn drop_chunk(&mut self) {
        if let Some(c) = self.chunk.take() {
            // SAFETY: the writable alias is used only through `self.chunk`.
            unsafe { libc::munmap(c.write as *mut _, c.len) };
        }
    }

    /// Writes code at the place that [`Arena::reserve_code`] gave.
    pub fn commit_code(&mut self, code: &[u8]) {
        let c = self.chunk.as_mut().expect("code is committed after it was reserved");
        assert!(c.used + code.len() <= c.len);
        // SAFETY: the alias is mapped writable for `len` bytes, and the bounds were just checked.
        unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), (c.write + c.used) as *mut u8, code.len()) };
        c.used = (c.used + code.len()).next_multiple_of(16).min(c.len);
    }

    /// In a forked child: the current chunk is shared with the parent, so leave it.
    pub fn after_fork(&mut self) {
        self.drop_chunk();
    }

    /// Forgets all code and links. The caller guarantees that no thread executes or will enter any of it.
    pub fn reset(&mut self) -> io::Result<()> {
        self.drop_chunk();
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
        map(self.base, LINK_BYTES, libc::PROT_READ | libc::PROT_WRITE, flags, -1)?;
        map(self.base + LINK_BYTES, RANGE - LINK_BYTES, libc::PROT_NONE, flags, -1)?;
        self.links = 0;
        self.entries.clear();
        self.next_chunk = self.base + LINK_BYTES;
        Ok(())
    }
}
