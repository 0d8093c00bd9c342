//! Guest threads: each is a host thread. Starting one, ending one, and the calls a thread makes about itself.

use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use super::clone::{Request, flag};
use super::sigcalls::answer;
use super::syscall::pointer;
use super::{Answer, Errno, Outcome, process, signal};
use crate::host::signal::{self as host, SignalStack};
use crate::host::syscall::{blocking_syscall, syscall};
use crate::host::usercopy;
use crate::memory::GuestAddr;
use crate::vcpu::Vcpu;

/// Host stack of a guest thread in bytes. Guest calls nest on it as far as `Context::stack_limit` lets them.
pub const HOST_STACK: usize = 1 << 20;

/// Guest threads of this process. Mynah's own helper threads do not count: when the last guest thread ends, so does the
/// process.
static LIVE: AtomicUsize = AtomicUsize::new(1);

/// Exit status of the process's first thread, which is the process's if its threads end one by one.
static LEADER_STATUS: AtomicI32 = AtomicI32::new(0);

/// In the child of a fork: one thread is left.
pub(super) fn reset_count() {
    LIVE.store(1, Ordering::Relaxed);
}

/// Number of guest threads.
pub fn count() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// What a new host thread starts with.
struct Start {
    vcpu: Box<Vcpu>,
    flags: u64,
    child_tid: Option<GuestAddr>,
    parent_tid: Option<GuestAddr>,
    /// Lives on the parent's stack until it is not 0 any more.
    tid: *const AtomicI32,
}

/// Starts a guest thread; gives its id.
pub(super) fn spawn(vcpu: &mut Vcpu, request: &Request) -> Result<i32, Errno> {
    let mut child = vcpu.fork_copy();
    child.signals = vcpu.signals.for_thread();
    request.prepare(&mut child);
    let tid = AtomicI32::new(0);
    let start = Box::new(Start {
        vcpu: child,
        flags: request.flags,
        child_tid: request.pointer(flag::CHILD_SETTID, request.child_tid),
        parent_tid: request.pointer(flag::PARENT_SETTID, request.parent_tid),
        tid: &tid,
    });
    LIVE.fetch_add(1, Ordering::Relaxed);
    // The thread starts with everything blocked, until its vCPU is current.
    host::block_all();
    let created = create_host_thread(start);
    if created.is_err() {
        LIVE.fetch_sub(1, Ordering::Relaxed);
    }
    while created.is_ok() && tid.load(Ordering::Acquire) == 0 {
        wait_or_wake(&tid, libc::FUTEX_WAIT, 0);
    }
    // libc takes signal 33 for itself when it makes its first thread.
    vcpu.actions().reapply(33);
    signal::apply_mask(vcpu);
    created.map(|()| tid.load(Ordering::Acquire))
}

fn wait_or_wake(word: &AtomicI32, op: i32, value: u64) {
    let op = (op | libc::FUTEX_PRIVATE_FLAG) as u64;
    // SAFETY: the word outlives the call.
    unsafe { syscall(libc::SYS_futex, [word as *const AtomicI32 as u64, op, value, 0, 0, 0]) };
}

fn create_host_thread(start: Box<Start>) -> Result<(), Errno> {
    let start = Box::into_raw(start);
    // SAFETY: the attributes are initialised before use, and the box belongs to the new thread if there is one.
    unsafe {
        let mut attributes = std::mem::zeroed();
        libc::pthread_attr_init(&mut attributes);
        libc::pthread_attr_setstacksize(&mut attributes, HOST_STACK);
        libc::pthread_attr_setdetachstate(&mut attributes, libc::PTHREAD_CREATE_DETACHED);
        let mut thread = std::mem::zeroed();
        let error = libc::pthread_create(&mut thread, &attributes, run, start.cast());
        libc::pthread_attr_destroy(&mut attributes);
        if error != 0 {
            drop(Box::from_raw(start));
            return Err(Errno(error));
        }
    }
    Ok(())
}

/// A guest thread's life.
extern "C" fn run(start: *mut libc::c_void) -> *mut libc::c_void {
    // SAFETY: `create_host_thread` made it from a box and gave it away.
    let Start { mut vcpu, flags, child_tid, parent_tid, tid } = *unsafe { Box::from_raw(start.cast::<Start>()) };
    vcpu.tid = gettid_of_host();
    // The kernel wants all of these shared with a thread; what the guest did not ask to share is taken apart again.
    let unshared = !flags & (flag::FS | flag::FILES | flag::SYSVSEM);
    if unshared & (flag::FS | flag::FILES) != 0 {
        // SAFETY: no memory is involved.
        unsafe { syscall(libc::SYS_unshare, [unshared & (flag::FS | flag::FILES), 0, 0, 0, 0, 0]) };
    }
    for word in [child_tid, parent_tid].into_iter().flatten() {
        // The kernel does not fail for a bad pointer here either.
        let _ = vcpu.process.memory.write(word, &vcpu.tid);
    }
    // SAFETY: the parent waits until the word is set, and wakes by its address only afterwards.
    unsafe {
        (*tid).store(vcpu.tid, Ordering::Release);
        wait_or_wake(&*tid, libc::FUTEX_WAKE, 1);
    }
    let stack = SignalStack::new();
    host::set_current(&mut *vcpu);
    signal::start(&mut vcpu);
    let status = vcpu.run();
    end(&mut vcpu, status);
    drop(vcpu);
    drop(stack);
    std::ptr::null_mut()
}

fn gettid_of_host() -> i32 {
    // SAFETY: no memory is involved.
    unsafe { libc::gettid() }
}

/// Ends a guest thread whose vCPU has stopped running: what the kernel does for a dying thread is done for the guest. The
/// last thread ends the process. Returns only for a thread that was not the process's first: its host thread may end.
pub fn end(vcpu: &mut Vcpu, status: i32) {
    host::block_all();
    host::set_current(std::ptr::null_mut());
    let leader = vcpu.tid as u32 == std::process::id();
    if leader {
        LEADER_STATUS.store(status, Ordering::Relaxed);
    }
    release_robust_locks(vcpu);
    if !vcpu.clear_child_tid.is_null() && vcpu.process.memory.write(vcpu.clear_child_tid, &0u32).is_ok() {
        wake(vcpu, vcpu.clear_child_tid, 1);
    }
    if LIVE.fetch_sub(1, Ordering::AcqRel) == 1 {
        process::end(vcpu, LEADER_STATUS.load(Ordering::Relaxed));
    }
    if leader {
        // Not through libc: the process goes on without its first thread.
        // SAFETY: the thread never runs again, and its stack stays.
        unsafe { syscall(libc::SYS_exit, [status as u64, 0, 0, 0, 0, 0]) };
    }
}

fn wake(vcpu: &Vcpu, word: GuestAddr, count: u64) {
    if let Ok(word) = vcpu.process.memory.pointer(word, 4) {
        // SAFETY: only an address is needed. Not private: the word may be in shared memory.
        unsafe { syscall(libc::SYS_futex, [word as u64, libc::FUTEX_WAKE as u64, count, 0, 0, 0]) };
    }
}

/// Bytes of `struct robust_list_head`: the list, the offset from an entry to its futex, the entry being changed.
const ROBUST_HEAD: u64 = 24;

/// Marks the locks that a dying thread holds and wakes a waiter each (`kernel/futex/core.c: exit_robust_list`). The kernel
/// does the same with its own list of this thread, but later: by then the guest may have reused the memory, since it has
/// been told that the thread is gone.
fn release_robust_locks(vcpu: &mut Vcpu) {
    /// The kernel's limit against circular lists.
    const LIMIT: usize = 2048;
    let head = std::mem::take(&mut vcpu.robust_list);
    if head.is_null() {
        return;
    }
    // SAFETY: the kernel forgets the list.
    unsafe { syscall(libc::SYS_set_robust_list, [0, ROBUST_HEAD, 0, 0, 0, 0]) };
    let Ok([first, offset, pending]) = vcpu.process.memory.read::<[u64; 3]>(head) else { return };
    let mut entry = first;
    for _ in 0..LIMIT {
        // Bit 0 marks priority-inheriting locks.
        let address = entry & !1;
        if address == head.0 {
            break;
        }
        // The successor has to be read before the owner may take the lock's memory away.
        let next = vcpu.process.memory.read::<u64>(GuestAddr(address));
        if address != pending & !1 && release_robust_lock(vcpu, GuestAddr(address) + offset).is_err() {
            return;
        }
        let Ok(next) = next else { return };
        entry = next;
    }
    if pending & !1 != 0 {
        let _ = release_robust_lock(vcpu, GuestAddr(pending & !1) + offset);
    }
}

/// Marks one lock as its dead owner's.
fn release_robust_lock(vcpu: &Vcpu, word: GuestAddr) -> Result<(), Errno> {
    const TID_MASK: u32 = 0x3fff_ffff;
    const OWNER_DIED: u32 = 0x4000_0000;
    const WAITERS: u32 = 0x8000_0000;
    let memory = &vcpu.process.memory;
    loop {
        let old: u32 = memory.read(word)?;
        if old & TID_MASK != vcpu.tid as u32 {
            return Ok(());
        }
        let new = old & WAITERS | OWNER_DIED;
        // SAFETY: `pointer` checked that the word is the guest's.
        let seen = unsafe { usercopy::cas_u32(memory.pointer(word, 4)?, u64::from(old), u64::from(new)) };
        if seen.map_err(|_| Errno::EFAULT)? as u32 == old {
            if old & WAITERS != 0 {
                wake(vcpu, word, 1);
            }
            return Ok(());
        }
    }
}

/// `exit(status)`: ends the calling thread.
pub fn exit(_: &mut Vcpu, [status, ..]: [u64; 6]) -> Outcome {
    Outcome::Exit(status as i32 & 0xff)
}

/// `gettid()`.
pub fn gettid(_: &mut Vcpu, _: [u64; 6]) -> Outcome {
    Outcome::Return(gettid_of_host() as u64)
}

/// `set_tid_address(word)`.
pub fn set_tid_address(vcpu: &mut Vcpu, [word, ..]: [u64; 6]) -> Outcome {
    vcpu.clear_child_tid = GuestAddr(word);
    Outcome::Return(vcpu.tid as u64)
}

/// `set_robust_list(head, size)`. The kernel is told as well where it can follow the guest's pointers: it releases the locks
/// of threads that are killed.
pub fn set_robust_list(vcpu: &mut Vcpu, [head, size, ..]: [u64; 6]) -> Answer {
    if size != ROBUST_HEAD {
        return Err(Errno::EINVAL.into());
    }
    vcpu.robust_list = GuestAddr(head);
    if vcpu.process.memory.guest_base() == 0 {
        // SAFETY: the kernel follows the list when the thread dies, and copes with bad pointers.
        unsafe { syscall(libc::SYS_set_robust_list, [head, size, 0, 0, 0, 0]) };
    }
    Ok(0)
}

/// `get_robust_list(thread, head, size)`. The host's answer for another thread is the guest's only if that thread has set its
/// list; libc sets one for every host thread.
pub fn get_robust_list(vcpu: &mut Vcpu, [thread, head, size, ..]: [u64; 6]) -> Answer {
    let (mut list, mut bytes) = (vcpu.robust_list.0, ROBUST_HEAD);
    if thread as i32 != 0 && thread as i32 != vcpu.tid {
        let args = [thread, &raw mut list as u64, &raw mut bytes as u64, 0, 0, 0];
        // SAFETY: the kernel writes two words.
        answer(unsafe { syscall(libc::SYS_get_robust_list, args) })?;
        list = list.wrapping_sub(vcpu.process.memory.guest_base());
    }
    let memory = &vcpu.process.memory;
    memory.write(GuestAddr(size), &bytes)?;
    memory.write(GuestAddr(head), &list)?;
    Ok(0)
}

/// `futex(word, op, value, timeout or count, word 2, value 3)`.
pub fn futex(vcpu: &mut Vcpu, [word, op, value, timeout, word2, value3]: [u64; 6]) -> Answer {
    use libc::{FUTEX_CMP_REQUEUE, FUTEX_CMP_REQUEUE_PI, FUTEX_REQUEUE, FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_WAKE, FUTEX_WAKE_OP};
    let memory = &vcpu.process.memory;
    let command = op as i32 & libc::FUTEX_CMD_MASK;
    let counts = [FUTEX_WAKE, FUTEX_WAKE_OP, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_CMP_REQUEUE_PI].contains(&command);
    let only_reads = [FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_WAKE].contains(&command);
    if !only_reads {
        memory.prepare_write(GuestAddr(word), 4);
        memory.prepare_write(GuestAddr(word2), 4);
    }
    let host = |address: u64| memory.g2h(GuestAddr(address)) as u64;
    let timeout = if counts || timeout == 0 { timeout } else { host(timeout) };
    let args = [pointer(memory, word, 4), op, value, timeout, host(word2), value3];
    // SAFETY: the kernel checks the addresses; they lie in the guest's part of the address space.
    answer(unsafe { blocking_syscall(&vcpu.ctx.exit_request, libc::SYS_futex, args) })
}

/// `membarrier(command, flags, cpu)`: guest threads are host threads, so the host's barrier is the guest's.
pub fn membarrier(_: &mut Vcpu, [command, flags, cpu, ..]: [u64; 6]) -> Answer {
    // SAFETY: no memory is involved.
    answer(unsafe { syscall(libc::SYS_membarrier, [command, flags, cpu, 0, 0, 0]) })
}

/// `rseq`: refused, as by a kernel without it. A restartable sequence would have to be aborted inside translated code.
pub fn rseq(_: &mut Vcpu, _: [u64; 6]) -> Outcome {
    Errno::ENOSYS.into()
}
