//! The guest's address space: what its memory calls answer, what can be read and written afterwards, and that writes to
//! code are noticed. Everything runs at identity mapping and at a base of its own.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd};
use std::sync::{Arc, Mutex};

use mynah_runtime::host::signal;
use mynah_runtime::linux::Errno;
use mynah_runtime::memory::{GuestAddr, Layout, Memory, PAGE_SIZE, TASK_SIZE};

const R: i32 = libc::PROT_READ;
const RW: i32 = libc::PROT_READ | libc::PROT_WRITE;
const RWX: i32 = RW | libc::PROT_EXEC;
const RX: i32 = R | libc::PROT_EXEC;
const ANON: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
const FIXED: i32 = ANON | libc::MAP_FIXED;
const P: u64 = PAGE_SIZE;

/// Runs a test at both bases, with the handler that turns faults into answers. `at` is an address that no other test uses.
fn both(test: impl Fn(Memory, u64)) {
    let _stack = signal::install();
    static NEXT: Mutex<u64> = Mutex::new(0x4_0000_0000);
    for fixed in [None, Some((0, P))] {
        let at = {
            let mut next = NEXT.lock().unwrap();
            *next += 1 << 30;
            *next
        };
        // Page 0 can never be mapped, so a program that needs it makes the base another.
        let memory = Memory::new(Layout { fixed, stack_size: 8 << 20, seed: at, ..Layout::default() }).unwrap();
        assert_eq!(memory.guest_base() == 0, fixed.is_none());
        test(memory, at);
    }
}

fn map(memory: &Memory, at: u64, len: u64, prot: i32) -> GuestAddr {
    memory.mmap(GuestAddr(at), len, prot, FIXED, -1, 0).unwrap()
}

fn anywhere(memory: &Memory, len: u64) -> GuestAddr {
    memory.mmap(GuestAddr::NULL, len, RW, ANON, -1, 0).unwrap()
}

fn readable(memory: &Memory, at: GuestAddr) -> bool {
    memory.read::<u8>(at).is_ok()
}

fn memfd(bytes: &[u8]) -> File {
    // SAFETY: the name ends with a 0, and the descriptor is fresh.
    let mut file = unsafe { File::from_raw_fd(libc::memfd_create(c"test".as_ptr(), libc::MFD_CLOEXEC)) };
    file.write_all(bytes).unwrap();
    file
}

#[test]
fn what_is_mapped_can_be_used_and_nothing_else() {
    both(|memory, at| {
        let addr = map(&memory, at, 2 * P, RW);
        memory.write(addr + 4, &0x1122_3344_5566_7788_u64).unwrap();
        assert_eq!(memory.read::<u16>(addr + 6), Ok(0x5566));
        memory.write_slice(addr + P - 4, &[1u32, 2, 3]).unwrap();
        assert_eq!(memory.read_slice::<u32>(addr + P - 4, 3).unwrap(), [1, 2, 3]);
        memory.munmap(addr + P, P).unwrap();
        assert_eq!(memory.read_slice::<u32>(addr + P - 4, 3), Err(Errno::EFAULT));
        assert_eq!(memory.write(addr + P - 4, &0u64), Err(Errno::EFAULT));
        assert_eq!(memory.read::<u32>(addr + P - 4), Ok(0), "a write that fails may have written what comes before");
        memory.zero(addr, P).unwrap();
        assert_eq!(memory.zero(addr, P + 1), Err(Errno::EFAULT));
    });
}

#[test]
fn pointers_that_cannot_be_are_refused() {
    both(|memory, at| {
        map(&memory, at, P, RW);
        for bad in [0, 1, at - 1, at + P, TASK_SIZE - 1, TASK_SIZE, 1 << 46, 1 << 63, u64::MAX] {
            assert_eq!(memory.read::<u8>(GuestAddr(bad)), Err(Errno::EFAULT), "{bad:#x}");
            assert_eq!(memory.write::<u8>(GuestAddr(bad), &0), Err(Errno::EFAULT), "{bad:#x}");
            assert_eq!(memory.read_cstr(GuestAddr(bad)), Err(Errno::EFAULT), "{bad:#x}");
            assert!(!memory.is_mapped(GuestAddr(bad), 1));
        }
        assert_eq!(memory.read_slice::<u64>(GuestAddr(at), usize::MAX / 4), Err(Errno::EFAULT));
        assert_eq!(memory.read_slice::<u64>(GuestAddr(at), 1 << 36), Err(Errno::EFAULT));
        assert_eq!(memory.read_slice::<u64>(GuestAddr(u64::MAX), 0), Err(Errno::EFAULT));
    });
}

#[test]
fn strings_end_at_zero_or_at_the_limit() {
    both(|memory, at| {
        let addr = map(&memory, at, 2 * P, RW);
        memory.write_bytes(addr + P - 3, b"hello\0").unwrap();
        assert_eq!(memory.read_cstr(addr + P - 3).unwrap().to_bytes(), b"hello");
        assert_eq!(memory.read_str(addr + P - 3, 5), Ok(None));
        memory.write_bytes(addr, &vec![b'x'; 2 * P as usize]).unwrap();
        assert_eq!(memory.read_cstr(addr), Err(Errno::ENAMETOOLONG));
        assert_eq!(memory.read_cstr(addr + 2 * P - 9), Err(Errno::EFAULT), "runs off the end of the mapping");
    });
}

#[test]
fn rights_are_the_guests() {
    both(|memory, at| {
        let addr = map(&memory, at, P, RW);
        memory.write(addr, &0x0001_8067_u32).unwrap();
        assert_eq!(memory.fetch16(addr), None, "not executable");
        memory.mprotect(addr, P, R).unwrap();
        assert_eq!(memory.write::<u8>(addr, &1), Err(Errno::EFAULT));
        memory.mprotect(addr, P, libc::PROT_NONE).unwrap();
        assert!(!readable(&memory, addr));
        memory.mprotect(addr, P, libc::PROT_EXEC).unwrap();
        assert_eq!(memory.fetch16(addr), Some(0x8067));
        assert_eq!(memory.fetch16(addr + P - 1), None, "the second byte is not mapped");
        memory.mprotect(addr, P, libc::PROT_WRITE).unwrap();
        assert_eq!(memory.read(addr), Ok(0x0001_8067_u32), "what may be written may be read");
        assert_eq!(memory.exec_range(addr), None);
    });
}

#[test]
fn fetching_goes_on_over_areas_that_touch() {
    both(|memory, at| {
        map(&memory, at, P, RX);
        map(&memory, at + P, P, RWX);
        map(&memory, at + 2 * P, P, RW);
        assert_eq!(memory.exec_range(GuestAddr(at + 8)), Some(GuestAddr(at)..GuestAddr(at + 2 * P)));
        assert_eq!(memory.exec_range(GuestAddr(at + 2 * P)), None);
    });
}

#[test]
fn mmap_checks_its_arguments() {
    both(|memory, at| {
        let mmap = |addr, len, flags, fd, offset| memory.mmap(GuestAddr(addr), len, RW, flags, fd, offset);
        assert_eq!(mmap(0, 0, ANON, -1, 0), Err(Errno::EINVAL));
        assert_eq!(mmap(0, P, ANON, -1, 12), Err(Errno::EINVAL));
        assert_eq!(mmap(at + 1, P, FIXED, -1, 0), Err(Errno::EINVAL));
        assert_eq!(mmap(0, P, FIXED, -1, 0), Err(Errno::EPERM));
        assert_eq!(mmap(0, u64::MAX, ANON, -1, 0), Err(Errno::ENOMEM));
        assert_eq!(mmap(0, 1 << 60, ANON, -1, 0), Err(Errno::ENOMEM));
        assert_eq!(mmap((1 << 47) - P, 2 * P, FIXED, -1, 0), Err(Errno::ENOMEM));
        assert_eq!(mmap(0, P, libc::MAP_PRIVATE, -1, 0), Err(Errno::EBADF));
        assert_eq!(mmap(0, P, libc::MAP_ANONYMOUS, -1, 0), Err(Errno::EINVAL));
        assert!(memory.areas().is_empty(), "nothing was left behind: {:?}", memory.areas());
        // The bits that are MAP_32BIT and MAP_ABOVE4G on x86 mean nothing to a riscv64 kernel.
        assert!(mmap(0, P, ANON | 0x40 | 0x80, -1, 0).unwrap().0 > 1 << 32);
    });
}

#[test]
fn places_are_chosen_downwards_and_hints_are_followed_where_free() {
    both(|memory, at| {
        let (a, b) = (anywhere(&memory, P), anywhere(&memory, 3 * P));
        assert!(a.0 < TASK_SIZE && a.0 > TASK_SIZE / 2, "{a:?}");
        assert_eq!(b, a - 3 * P);
        memory.munmap(a, P).unwrap();
        assert_eq!(anywhere(&memory, P), a, "the highest gap that fits");
        let hinted = memory.mmap(GuestAddr(at + 1), P, RW, ANON, -1, 0).unwrap();
        assert_eq!(hinted.0, at + P, "a hint is rounded up");
        let other = memory.mmap(hinted, P, RW, ANON, -1, 0).unwrap();
        assert_eq!(other, b - P, "an occupied hint is ignored");
        let huge = anywhere(&memory, 4 << 20);
        assert!(huge.is_aligned(2 << 20), "large memory can have huge pages: {huge:?}");
    });
}

#[test]
fn fixed_mappings_replace_or_refuse() {
    both(|memory, at| {
        let addr = map(&memory, at, 3 * P, RW);
        memory.write(addr, &7u8).unwrap();
        memory.write(addr + P, &8u8).unwrap();
        let no_replace = ANON | libc::MAP_FIXED_NOREPLACE;
        assert_eq!(memory.mmap(addr + P, 4 * P, RW, no_replace, -1, 0), Err(Errno::EEXIST));
        assert_eq!(memory.read(addr + P), Ok(8u8));
        assert_eq!(memory.mmap(addr + 3 * P, P, RW, no_replace, -1, 0), Ok(addr + 3 * P));
        map(&memory, at + P, P, R);
        assert_eq!((memory.read(addr), memory.read(addr + P)), (Ok(7u8), Ok(0u8)));
        assert_eq!(memory.areas().len(), 3);
    });
}

#[test]
fn the_hosts_own_mappings_are_never_touched() {
    let _stack = signal::install();
    let memory = Memory::new(Layout { seed: 99, ..Layout::default() }).unwrap();
    for at in [0x3_0000_0000_u64, 0x200_0000_0000, 0x5000_0000_0000] {
        let own = at as *mut libc::c_void;
        let flags = ANON | libc::MAP_FIXED_NOREPLACE;
        // SAFETY: nothing is replaced.
        assert_eq!(unsafe { libc::mmap(own, P as usize, RW, flags, -1, 0) }, own);
        // SAFETY: the page was just mapped.
        unsafe { own.cast::<u64>().write(0x5afe) };
        map(&memory, at - 2 * P, 2 * P, RW);
        memory.write(GuestAddr(at - 2 * P), &1u8).unwrap();
        let fixed = |at, len| memory.mmap(GuestAddr(at), len, RW, FIXED, -1, 0);
        assert_eq!(fixed(at, P), Err(Errno::ENOMEM));
        assert_eq!(fixed(at - P, 4 * P), Err(Errno::ENOMEM), "partly the guest's, partly free, partly the host's");
        assert_eq!(memory.munmap(GuestAddr(at), P), Ok(()), "nothing of the guest's is there");
        assert_eq!(memory.mprotect(GuestAddr(at), P, 0), Err(Errno::ENOMEM));
        assert_eq!(memory.madvise(GuestAddr(at), P, libc::MADV_DONTNEED), Err(Errno::ENOMEM));
        let target = GuestAddr(at);
        let moved = memory.mremap(target - 2 * P, P, P, libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED, target);
        assert_eq!(moved, Err(Errno::ENOMEM));
        assert_ne!(memory.mmap(target, P, RW, ANON, -1, 0), Ok(target), "a hint does not win over the host");
        // SAFETY: the page is still mapped if the guest could not touch it.
        assert_eq!(unsafe { own.cast::<u64>().read() }, 0x5afe);
        assert_eq!(memory.read::<u8>(GuestAddr(at - 2 * P)), Ok(1), "a call that fails changes nothing");
        assert!(fixed(at + P, P).is_ok(), "what was probed is free again");
        // SAFETY: the page is the test's own.
        unsafe { libc::munmap(own, P as usize) };
    }
}

#[test]
fn the_guest_may_have_more_than_fits_below() {
    let _stack = signal::install();
    let memory = Memory::new(Layout { seed: 98, ..Layout::default() }).unwrap();
    let flags = ANON | libc::MAP_NORESERVE;
    let big = memory.mmap(GuestAddr::NULL, 1 << 40, libc::PROT_NONE, flags, -1, 0).unwrap();
    assert!(big.0 >= TASK_SIZE);
    memory.mprotect(big + (1 << 39), P, RW).unwrap();
    memory.write(big + (1 << 39), &3u8).unwrap();
}

#[test]
fn munmap_and_mprotect_split_areas() {
    both(|memory, at| {
        let addr = map(&memory, at, 5 * P, RW);
        memory.munmap(addr + 2 * P, P).unwrap();
        let mapped: Vec<bool> = (0..5).map(|page| readable(&memory, addr + page * P)).collect();
        assert_eq!(mapped, [true, true, false, true, true]);
        assert_eq!(memory.mprotect(addr + P, 3 * P, R), Err(Errno::ENOMEM));
        let writable: Vec<bool> = (0..5).map(|page| memory.write(addr + page * P, &0u8).is_ok()).collect();
        assert_eq!(writable, [true, false, false, true, true], "what lies below the hole was changed");
        assert_eq!(memory.mprotect(addr + 1, P, R), Err(Errno::EINVAL));
        assert_eq!(memory.mprotect(addr, P, 0x40), Err(Errno::EINVAL));
        assert_eq!(memory.mprotect(addr, 0, R), Ok(()));
        assert_eq!(memory.munmap(addr, 0), Err(Errno::EINVAL));
        assert_eq!(memory.munmap(addr + 1, P), Err(Errno::EINVAL));
        assert_eq!(memory.munmap(addr, u64::MAX - P), Err(Errno::EINVAL));
        assert_eq!(memory.munmap(addr + 2 * P, P), Ok(()), "nothing there is no error");
    });
}

#[test]
fn stacks_can_be_made_executable_from_any_page() {
    both(|memory, at| {
        let grows = ANON | libc::MAP_FIXED | libc::MAP_GROWSDOWN;
        let addr = memory.mmap(GuestAddr(at), 4 * P, RW, grows, -1, 0).unwrap();
        memory.mprotect(addr + 2 * P, P, RWX | libc::PROT_GROWSDOWN).unwrap();
        assert_eq!(memory.exec_range(addr), Some(addr..addr + 3 * P));
        let plain = map(&memory, at + 64 * P, P, RW);
        assert_eq!(memory.mprotect(plain, P, RWX | libc::PROT_GROWSDOWN), Err(Errno::EINVAL));
    });
}

#[test]
fn mremap_in_all_its_forms() {
    const MAY: i32 = libc::MREMAP_MAYMOVE;
    const TO: i32 = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    both(|memory, at| {
        let addr = map(&memory, at, 2 * P, RW);
        memory.write(addr + P, &5u8).unwrap();
        assert_eq!(memory.mremap(addr, 2 * P, 2 * P, 0, addr), Ok(addr));
        // Grows, in place or elsewhere, and keeps its content.
        let grown = memory.mremap(addr, 2 * P, 8 * P, MAY, addr).unwrap();
        assert_eq!((memory.read(grown + P), memory.read(grown + 7 * P)), (Ok(5u8), Ok(0u8)));
        assert!(grown == addr || !readable(&memory, addr));
        // Shrinks in place.
        assert_eq!(memory.mremap(grown, 8 * P, 2 * P, 0, grown), Ok(grown));
        assert!(!readable(&memory, grown + 2 * P));
        // Cannot grow without moving.
        map(&memory, grown.0 + 2 * P, P, RW);
        assert_eq!(memory.mremap(grown, 2 * P, 3 * P, 0, grown), Err(Errno::ENOMEM));
        // To a given place, over what is there.
        let target = map(&memory, at + 256 * P, P, RW);
        memory.write(target, &1u8).unwrap();
        assert_eq!(memory.mremap(grown, 2 * P, 3 * P, TO, target), Ok(target));
        assert_eq!(
            (memory.read(target), memory.read(target + P), memory.read(target + 2 * P)),
            (Ok(0u8), Ok(5u8), Ok(0u8))
        );
        assert!(!readable(&memory, grown));
        assert_eq!(memory.mremap(target, 3 * P, 3 * P, TO, target + P), Err(Errno::EINVAL), "overlap");
        assert_eq!(memory.mremap(target, 3 * P, 3 * P, libc::MREMAP_FIXED, addr), Err(Errno::EINVAL));
        // Leaves the old addresses mapped and empty.
        let kept = memory.mremap(target, 3 * P, 3 * P, MAY | 4, GuestAddr::NULL).unwrap();
        assert_eq!((memory.read(kept + P), memory.read(target + P)), (Ok(5u8), Ok(0u8)));
        // Old length 0 makes an alias of shared memory, and nothing else.
        assert_eq!(memory.mremap(kept, 0, P, MAY, addr), Err(Errno::EINVAL));
        let shared = memory.mmap(GuestAddr::NULL, P, RW, libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1, 0).unwrap();
        let alias = memory.mremap(shared, 0, P, MAY, addr).unwrap();
        memory.write(alias + 9, &6u8).unwrap();
        assert_eq!(memory.read(shared + 9), Ok(6u8));
        // What is not mapped, or not one area.
        assert_eq!(memory.mremap(GuestAddr(at + 1024 * P), P, P, MAY, addr), Err(Errno::EFAULT));
        assert_eq!(memory.mremap(shared, 1 << 30, 1 << 31, MAY, addr), Err(Errno::EFAULT));
        assert_eq!(memory.mremap(shared + 1, P, P, MAY, addr), Err(Errno::EINVAL));
        assert_eq!(memory.mremap(shared, P, 0, MAY, addr), Err(Errno::EINVAL));
    });
}

#[test]
fn the_break_moves_within_what_is_free() {
    both(|memory, at| {
        let start = GuestAddr(at + 0x123);
        memory.set_brk_start(start);
        assert_eq!(memory.brk(GuestAddr::NULL), start);
        assert_eq!(memory.brk(start + 3 * P), start + 3 * P);
        memory.write(start + 2 * P, &1u8).unwrap();
        assert_eq!(memory.areas()[0].name, "[heap]");
        assert_eq!(memory.brk(start + P), start + P);
        assert!(!readable(&memory, start + 3 * P));
        assert_eq!(memory.brk(start + 3 * P), start + 3 * P);
        assert_eq!(memory.read(start + 2 * P), Ok(0u8), "what was given back comes back empty");
        assert_eq!(memory.brk(start - 1), start + 3 * P, "not below the start");
        map(&memory, at + 8 * P, P, RW);
        assert_eq!(memory.brk(start + 16 * P), start + 3 * P, "not through a mapping");
        assert_eq!(memory.brk(GuestAddr(u64::MAX)), start + 3 * P);
    });
}

#[test]
fn files_end_where_they_end() {
    both(|memory, at| {
        let file = memfd(b"tail");
        let shared = libc::MAP_SHARED | libc::MAP_FIXED;
        let addr = memory.mmap(GuestAddr(at), 2 * P, RW, shared, file.as_raw_fd(), 0).unwrap();
        assert_eq!(memory.read::<[u8; 6]>(addr), Ok(*b"tail\0\0"));
        assert_eq!(memory.read::<u8>(addr + P), Err(Errno::EFAULT), "SIGBUS");
        file.set_len(2 * P).unwrap();
        assert_eq!(memory.read::<u8>(addr + P), Ok(0));
        let area = memory.area(addr).unwrap();
        assert!(area.shared && area.file.as_ref().is_some_and(|file| file.path.starts_with("/memfd:test (deleted)")));
        assert_eq!(area.offset_at(addr.0 + P), P);
    });
}

#[test]
fn advice_and_sync_reach_the_guests_pages_only() {
    both(|memory, at| {
        let addr = map(&memory, at, 2 * P, RW);
        memory.write(addr, &1u8).unwrap();
        assert_eq!(memory.madvise(addr, P, libc::MADV_DONTNEED), Ok(()));
        assert_eq!(memory.read(addr), Ok(0u8));
        assert_eq!(memory.madvise(addr, 3 * P, libc::MADV_NORMAL), Err(Errno::ENOMEM), "a hole");
        assert_eq!(memory.madvise(addr, P, 12345), Err(Errno::EINVAL));
        assert_eq!(memory.madvise(addr + 1, P, libc::MADV_NORMAL), Err(Errno::EINVAL));
        assert_eq!(memory.msync(addr, 2 * P, libc::MS_SYNC), Ok(()));
        assert_eq!(memory.msync(addr, 3 * P, libc::MS_SYNC), Err(Errno::ENOMEM));
        assert_eq!(memory.msync(addr, P, libc::MS_SYNC | libc::MS_ASYNC), Err(Errno::EINVAL));
    });
}

#[test]
fn the_seed_decides_the_layout() {
    let place = |seed| {
        let memory = Memory::new(Layout { seed, stack_size: 8 << 20, ..Layout::default() }).unwrap();
        (memory.stack_top(), memory.program_hint(), anywhere(&memory, P))
    };
    assert_eq!(place(41), place(41));
    let (a, b) = (place(42), place(43));
    assert!(a.0 != b.0 && a.1 != b.1 && a.2 != b.2);
    assert!(a.2.0 < a.0.0 - (8 << 20), "mappings begin below the stack");
}

#[test]
fn a_base_that_cannot_be_is_refused() {
    let base =
        |base| Memory::new(Layout { guest_base: Some(base), ..Layout::default() }).map(|memory| memory.guest_base());
    assert_eq!(base(0x123), Err(Errno::EINVAL));
    assert_eq!(base(1 << 47), Err(Errno::EINVAL));
    assert_eq!(base(0x2000_0000_0000), Ok(0x2000_0000_0000));
}

/// The ranges that the invalidation hook was called for.
type Stale = Arc<Mutex<Vec<(u64, u64)>>>;

fn watch_hook(memory: &Memory) -> Stale {
    let stale = Stale::default();
    let seen = stale.clone();
    memory.set_invalidate_hook(move |start, end| seen.lock().unwrap().push((start, end)));
    stale
}

fn take(stale: &Stale) -> Vec<(u64, u64)> {
    let mut ranges = std::mem::take(&mut *stale.lock().unwrap());
    ranges.sort();
    ranges
}

#[test]
fn writes_to_code_are_noticed_once() {
    both(|memory, at| {
        let stale = watch_hook(&memory);
        let addr = map(&memory, at, 3 * P, RWX);
        memory.watch_code(addr + P + 8..addr + P + 20);
        memory.write(addr, &1u8).unwrap();
        assert_eq!(take(&stale), [], "another page");
        // As a system call would, without asking first.
        // SAFETY: the pointer is the guest's; the kernel refuses it.
        let got = unsafe { libc::getcwd(memory.g2h(addr + P).cast(), 100) };
        assert!(got.is_null() && Errno::last() == Errno::EFAULT, "the page is write-protected");
        memory.prepare_write(addr, 4 * P);
        assert_eq!(take(&stale), [(at + P, at + 2 * P)]);
        // SAFETY: the pointer is the guest's, and the page has room.
        assert!(!unsafe { libc::getcwd(memory.g2h(addr + P).cast(), 100) }.is_null());
        // Mynah's own writes, and the guest's through the fault handler.
        memory.watch_code(addr + P..addr + P + 2);
        memory.write(addr + P - 2, &0x0102_0304_u32).unwrap();
        assert_eq!(take(&stale), [(at + P, at + 2 * P)]);
        assert_eq!(memory.read(addr + P - 2), Ok(0x0102_0304_u32));
        memory.watch_code(addr + P..addr + P + 2);
        assert!(memory.write_fault(addr + P + 100));
        assert_eq!(take(&stale), [(at + P, at + 2 * P)]);
        assert!(memory.write_fault(addr + P + 100), "another thread's turn: the access succeeds now");
        assert_eq!(take(&stale), []);
        // Faults that are the guest's.
        memory.mprotect(addr, P, R).unwrap();
        assert!(!memory.write_fault(addr));
        assert!(!memory.write_fault(addr + 3 * P));
    });
}

#[test]
fn changing_executable_areas_drops_their_code() {
    both(|memory, at| {
        let stale = watch_hook(&memory);
        let addr = map(&memory, at, 4 * P, RX);
        memory.watch_code(addr..addr + 4 * P);
        memory.mprotect(addr, P, RX).unwrap();
        assert_eq!(take(&stale), [], "the same rights");
        memory.mprotect(addr, P, RW).unwrap();
        assert_eq!(take(&stale), [(at, at + P)]);
        memory.write(addr, &1u8).unwrap();
        assert_eq!(take(&stale), [], "it is no code any more");
        map(&memory, at + P, P, R);
        assert_eq!(take(&stale), [(at + P, at + 2 * P)]);
        memory.munmap(addr, 4 * P).unwrap();
        assert_eq!(take(&stale), [(at + 2 * P, at + 4 * P)]);
        let moving = map(&memory, at, P, RWX);
        memory.watch_code(moving..moving + 4);
        let moved =
            memory.mremap(moving, P, 2 * P, libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED, moving + 16 * P).unwrap();
        assert_eq!(take(&stale), [(at, at + P)]);
        memory.write(moved, &1u8).unwrap();
    });
}

#[test]
fn writes_through_an_alias_are_noticed() {
    both(|memory, at| {
        let stale = watch_hook(&memory);
        let file = memfd(&[0; 4 * P as usize]);
        let shared = |addr: u64, prot, offset| {
            let flags = libc::MAP_SHARED | libc::MAP_FIXED;
            memory.mmap(GuestAddr(addr), 2 * P, prot, flags, file.as_raw_fd(), offset).unwrap()
        };
        // The writable view exists first, as in .NET's W^X; page 1 of the code is page 0 of the view.
        let view = shared(at, RW, P);
        let code = shared(at + 16 * P, RX, 0);
        memory.watch_code(code + P..code + P + 4);
        memory.write(view + P, &1u8).unwrap();
        assert_eq!(take(&stale), [], "another page of the file");
        memory.write(view, &1u8).unwrap();
        assert_eq!(take(&stale), [(code.0 + P, code.0 + 2 * P)]);
        memory.write(view, &2u8).unwrap();
        assert_eq!(take(&stale), [], "noticed once");
        assert_eq!(memory.read(code + P), Ok(2u8));
        // A view that appears later, and one that becomes writable later.
        memory.watch_code(code..code + 4);
        let late = shared(at + 32 * P, RW, 0);
        memory.write(late, &3u8).unwrap();
        assert_eq!(take(&stale), [(code.0, code.0 + P)]);
        memory.watch_code(code..code + 4);
        let locked = shared(at + 48 * P, R, 0);
        memory.mprotect(locked, 2 * P, RW).unwrap();
        memory.write(locked, &4u8).unwrap();
        assert_eq!(take(&stale), [(code.0, code.0 + P)]);
    });
}

#[test]
fn flushing_drops_only_what_may_have_been_missed() {
    both(|memory, at| {
        let stale = watch_hook(&memory);
        let private = map(&memory, at, P, RWX);
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        let shared = memory.mmap(GuestAddr::NULL, P, RX, flags, -1, 0).unwrap();
        memory.watch_code(private..private + 4);
        memory.watch_code(shared..shared + 4);
        memory.flush_code(private..private + 64);
        assert_eq!(take(&stale), [], "every write to it is noticed");
        memory.flush_code(shared + 16..shared + 64);
        assert_eq!(take(&stale), [(shared.0 + 16, shared.0 + 64)], "another process may have written");
        memory.flush_code(GuestAddr(0)..GuestAddr(u64::MAX));
        assert_eq!(take(&stale), [(shared.0, shared.0 + P)]);
    });
}

/// A generator of test cases: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Random calls on a few pages, against a model that keeps the rights and first byte of each.
#[test]
fn random_calls_agree_with_a_model() {
    const PAGES: u64 = 24;
    both(|memory, at| {
        let stale = watch_hook(&memory);
        let mut model: Vec<Option<(i32, u8)>> = vec![None; PAGES as usize];
        let mut random = Random(at | 1);
        let page_at = |page: u64| GuestAddr(at + page * P);
        for step in 0..4000u32 {
            let (first, len) = (random.below(PAGES), 1 + random.below(6));
            let len = len.min(PAGES - first);
            let range = first as usize..(first + len) as usize;
            let prot = [libc::PROT_NONE, R, RW, RX, RWX][random.below(5) as usize];
            match random.below(6) {
                0 => {
                    map(&memory, page_at(first).0, len * P, prot);
                    model[range].fill(Some((prot, 0)));
                }
                1 => {
                    memory.munmap(page_at(first), len * P).unwrap();
                    model[range].fill(None);
                }
                2 => {
                    let hole = model[range.clone()].iter().position(Option::is_none);
                    let expected = if hole.is_some() { Err(Errno::ENOMEM) } else { Ok(()) };
                    assert_eq!(memory.mprotect(page_at(first), len * P, prot), expected, "step {step}");
                    let changed = hole.unwrap_or(len as usize);
                    model[range.start..range.start + changed].iter_mut().flatten().for_each(|page| page.0 = prot);
                }
                3 => memory.watch_code(page_at(first)..page_at(first + len)),
                4 => {
                    let writable = matches!(model[range.start], Some((prot, _)) if prot & libc::PROT_WRITE != 0);
                    assert_eq!(memory.write(page_at(first), &(step as u8)).is_ok(), writable, "step {step}");
                    if writable && let Some(page) = &mut model[range.start] {
                        page.1 = step as u8;
                    }
                }
                _ => {
                    let expected = model[range.start].filter(|page| page.0 != libc::PROT_NONE).map(|page| page.1);
                    assert_eq!(memory.read::<u8>(page_at(first)).ok(), expected, "step {step}");
                }
            }
        }
        let found: Vec<_> = (0..PAGES).map(|page| memory.area(page_at(page)).map(|area| area.prot.0)).collect();
        assert_eq!(found, model.iter().map(|page| page.map(|page| page.0)).collect::<Vec<_>>());
        assert!(!take(&stale).is_empty());
    });
}
