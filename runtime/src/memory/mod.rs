//! The guest's address space: the only place that turns a [`GuestAddr`] into a pointer.
//!
//! Host address = guest address + `guest_base`. The base is 0 wherever possible (*identity mapping*): the kernel then sees
//! the guest's own pointers. Guest addresses are handed out below 2^38, the user half of Sv39, top-down as Linux does; far
//! below everything of Mynah's own. With another base the whole of the guest's range is reserved first.
//!
//! Host mappings are never executable: guest code is data. The guest's execute permission is kept in the map of areas and
//! honoured when code is fetched.
//!
//! | file | topic |
//! |---|---|
//! | `addr` | [`GuestAddr`], [`Pod`], pages |
//! | `access` | fault-safe copies |
//! | `vma` | the map of areas, pure |
//! | `host` | raw host calls: map, unmap, reserve |
//! | `map` | `mmap`, `munmap`, `mprotect`, `mremap`, `brk`, `madvise`, `msync` |
//! | `limit` | what RLIMIT_AS, RLIMIT_DATA and RLIMIT_STACK allow |
//! | `watch` | code watching and fetching |

mod access;
mod addr;
mod host;
mod limit;
mod map;
mod vma;
mod watch;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};

pub use addr::{GuestAddr, PAGE_SIZE, Pod, page_ceil, page_floor};
pub use map::random;
pub use vma::{MappedFile, Prot, Vma, VmaMap};

use crate::linux::Errno;
pub use watch::CodeFile;
use watch::Watched;

/// Size of the address space that a riscv64 process has on Sv39 hardware: what Linux calls `TASK_SIZE` there.
pub const TASK_SIZE: u64 = 1 << 38;
/// Above [`TASK_SIZE`], what the guest may have at identity mapping if it asks for more than fits below; the host's own
/// mappings are far above this.
pub const HIGH_END: u64 = 1 << 45;
/// Where no host mapping can be: the end of the host's user addresses.
const HOST_END: u64 = (1 << 47) - PAGE_SIZE;

/// How the address space is laid out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout {
    /// Host address of guest address 0; a multiple of the page size. `None`: 0 if possible, else chosen.
    pub guest_base: Option<u64>,
    /// Guest addresses that the program to load needs free, if it cannot be moved.
    pub fixed: Option<(u64, u64)>,
    /// Size of the main stack in bytes: the gap kept below [`TASK_SIZE`] depends on it.
    pub stack_size: u64,
    /// Random bits that move stack, mappings, programs and `brk`; the same seed gives the same layout.
    pub seed: u64,
}

/// The hook that drops everything translated from `start..end`.
type InvalidateHook = Box<dyn Fn(u64, u64) + Send + Sync>;

/// What changes under the lock.
struct Space {
    vmas: VmaMap,
    watched: Watched,
    /// Start of the heap and current break.
    brk: Range<u64>,
    /// Ranges whose mappings can no longer be changed (`mseal`).
    sealed: Vec<Range<u64>>,
    /// Inode number for the next shared anonymous mapping.
    next_shared: u64,
}

/// The guest's address space.
pub struct Memory {
    base: u64,
    /// First address that is never the guest's. Grows when the guest maps memory above [`TASK_SIZE`].
    top: AtomicU64,
    /// Lowest address the guest may map: the host's `vm.mmap_min_addr`, at least a page.
    min: u64,
    /// Where the top-down search for free addresses begins.
    mmap_top: u64,
    layout: Layout,
    space: Mutex<Space>,
    /// Number of pages that are write-protected because of code: 0 makes [`prepare_write`](Memory::prepare_write) free.
    protected: AtomicUsize,
    hook: OnceLock<InvalidateHook>,
    limits: limit::Limits,
}

impl Memory {
    /// What is added to a guest address to get a host address.
    #[inline(always)]
    pub fn guest_base(&self) -> u64 {
        self.base
    }

    /// The pointer for a guest address, whether anything is mapped there or not. Using it is as safe as the address.
    #[inline(always)]
    pub fn g2h(&self, addr: GuestAddr) -> *mut u8 {
        std::ptr::with_exposed_provenance_mut(self.base.wrapping_add(addr.0) as usize)
    }

    /// The guest address of a pointer into guest memory.
    #[inline(always)]
    pub fn h2g<T>(&self, ptr: *const T) -> GuestAddr {
        GuestAddr((ptr.expose_provenance() as u64).wrapping_sub(self.base))
    }

    /// The pointer for `addr`, if `addr..addr + len` lies in the guest's range: EFAULT where it wraps or leaves it. Says
    /// nothing about what is mapped; for system calls that hand guest pointers to the host kernel.
    #[inline]
    pub fn pointer(&self, addr: GuestAddr, len: usize) -> Result<*mut u8, Errno> {
        match addr.0.checked_add(len as u64) {
            Some(end) if end <= self.top.load(Ordering::Relaxed) => Ok(self.g2h(addr)),
            _ => Err(Errno::EFAULT),
        }
    }

    /// All areas in ascending order, for `/proc/self/maps`.
    pub fn areas(&self) -> Vec<Vma> {
        self.lock().vmas.iter().cloned().collect()
    }

    /// The area that holds `addr`.
    pub fn area(&self, addr: GuestAddr) -> Option<Vma> {
        self.lock().vmas.find(addr.0).cloned()
    }

    /// Whether every byte of `addr..addr + len` is mapped.
    pub fn is_mapped(&self, addr: GuestAddr, len: u64) -> bool {
        addr.checked_add(len).is_some_and(|end| self.lock().vmas.covers(addr.0..end.0))
    }

    /// Whether nothing of the guest's is mapped in `addr..addr + len`.
    pub fn is_free(&self, addr: GuestAddr, len: u64) -> bool {
        addr.checked_add(len).is_some_and(|end| self.lock().vmas.overlapping(addr.0..end.0).next().is_none())
    }

    /// Installs the hook that drops everything translated from `start..end`. Called without any lock held, before the
    /// operation that made it necessary returns to the guest. Only the first call counts.
    pub fn set_invalidate_hook(&self, hook: impl Fn(u64, u64) + Send + Sync + 'static) {
        // Set once, at the start of the process: a second hook would be a second dispatcher.
        let _ = self.hook.set(Box::new(hook));
    }

    /// Keeps the map of areas still, so that `fork` copies it unlocked and whole. Drop the guard in parent and child.
    pub fn lock_for_fork(&self) -> impl Drop + '_ {
        self.lock()
    }

    /// A panic elsewhere never leaves the map half changed, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Space> {
        self.space.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Calls the hook for ranges whose translations are stale.
    fn invalidate(&self, ranges: &[Range<u64>]) {
        if let Some(hook) = self.hook.get() {
            for range in ranges {
                hook(range.start, range.end);
            }
        }
    }
}
