//! `clone` and `clone3`: threads, children with memory of their own, and children that borrow their parent's.
//!
//! | flags | here |
//! |---|---|
//! | `CLONE_THREAD` | a host thread ([`super::thread`]) |
//! | no `CLONE_VM` | `fork`; the host's `clone` where namespaces or other flags are asked for |
//! | `CLONE_VM` and `CLONE_VFORK` | the host's `clone` with both: the child runs a copy of the vCPU on a host stack of its own, on the memory and the thread-local state of the parent, which waits until the child executes a program or ends |
//! | `CLONE_VM` alone | the host's `clone` with thread-local state of its own ([`super::sharing`]); it shares everything of the runtime's |

use std::sync::Arc;

use super::{Errno, Outcome, exec, limits, sharing, signal, thread};
use crate::host::signal::{self as host};
use crate::host::{fork, syscall};
use crate::memory::GuestAddr;
use crate::vcpu::Vcpu;

/// Flags of `clone` (`uapi/linux/sched.h`).
pub mod flag {
    #![allow(missing_docs)]
    pub const VM: u64 = 0x100;
    pub const FS: u64 = 0x200;
    pub const FILES: u64 = 0x400;
    pub const SIGHAND: u64 = 0x800;
    pub const PIDFD: u64 = 0x1000;
    pub const VFORK: u64 = 0x4000;
    pub const THREAD: u64 = 0x1_0000;
    pub const SYSVSEM: u64 = 0x4_0000;
    pub const SETTLS: u64 = 0x8_0000;
    pub const PARENT_SETTID: u64 = 0x10_0000;
    pub const CHILD_CLEARTID: u64 = 0x20_0000;
    pub const DETACHED: u64 = 0x40_0000;
    pub const CHILD_SETTID: u64 = 0x100_0000;
    pub const CLEAR_SIGHAND: u64 = 0x1_0000_0000;
    /// What the runtime does for the guest, whatever the host's call is told.
    pub const OURS: u64 = VM | SETTLS | PARENT_SETTID | CHILD_CLEARTID | CHILD_SETTID | CLEAR_SIGHAND | SIGHAND;
    /// What a thread may ask for.
    pub const OF_THREAD: u64 = VM
        | FS
        | FILES
        | SIGHAND
        | THREAD
        | SYSVSEM
        | SETTLS
        | PARENT_SETTID
        | CHILD_CLEARTID
        | CHILD_SETTID
        | DETACHED;
}

/// What is to be made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Request {
    /// Flags, without the exit signal.
    pub flags: u64,
    /// Signal to the parent when the child ends.
    pub exit_signal: u64,
    /// The child's stack pointer; 0 for the parent's.
    pub stack: u64,
    /// Where the parent's view of the child's id goes.
    pub parent_tid: u64,
    /// Where the child's own view goes, and what is cleared when it ends.
    pub child_tid: u64,
    /// Thread pointer.
    pub tls: u64,
    /// Where the descriptor of the child goes.
    pub pidfd: u64,
}

impl Request {
    pub(super) fn has(&self, flags: u64) -> bool {
        self.flags & flags == flags
    }

    /// A pointer that counts only with its flag.
    pub(super) fn pointer(&self, flag: u64, address: u64) -> Option<GuestAddr> {
        self.has(flag).then_some(GuestAddr(address))
    }

    /// Sets a child's registers and what else it does not inherit. Its pc is already behind the `ecall`.
    pub(super) fn prepare(&self, child: &mut Vcpu) {
        child.set_x(10, 0);
        if self.stack != 0 {
            child.set_x(2, self.stack);
        }
        if self.has(flag::SETTLS) {
            child.set_x(4, self.tls);
        }
        child.clear_child_tid = self.pointer(flag::CHILD_CLEARTID, self.child_tid).unwrap_or_default();
        child.robust_list = GuestAddr::NULL;
        child.borrowed = None;
    }

    /// The kernel's rules, as far as they are not left to it.
    fn check(&self) -> Result<(), Errno> {
        let needs = |flag: u64, other: u64| self.has(flag) && !self.has(other);
        if needs(flag::THREAD, flag::SIGHAND) || needs(flag::SIGHAND, flag::VM) || self.has(flag::SIGHAND | flag::CLEAR_SIGHAND) {
            return Err(Errno::EINVAL);
        }
        Ok(())
    }
}

/// `clone(flags, stack, parent_tid, tls, child_tid)`: riscv64 has the thread pointer before the child's word.
pub fn clone(vcpu: &mut Vcpu, [flags, stack, parent_tid, tls, child_tid, _]: [u64; 6]) -> Outcome {
    const SIGNAL: u64 = 0xff;
    let flags = flags & 0xffff_ffff;
    let request = Request {
        flags: flags & !SIGNAL,
        exit_signal: flags & SIGNAL,
        stack,
        parent_tid,
        child_tid,
        tls,
        // Without `clone3` there is one pointer for both.
        pidfd: parent_tid,
    };
    if request.has(flag::PIDFD | flag::PARENT_SETTID) {
        return Errno::EINVAL.into();
    }
    make(vcpu, &request)
}

/// `clone3(arguments, size)`.
pub fn clone3(vcpu: &mut Vcpu, [arguments, size, ..]: [u64; 6]) -> Outcome {
    match read_arguments(vcpu, arguments, size) {
        Ok(request) => make(vcpu, &request),
        Err(errno) => errno.into(),
    }
}

/// Reads a `struct clone_args` of any of its sizes.
fn read_arguments(vcpu: &Vcpu, arguments: u64, size: u64) -> Result<Request, Errno> {
    const WORDS: usize = 11;
    match size {
        0..64 => return Err(Errno::EINVAL),
        4097.. => return Err(Errno::E2BIG),
        _ => {}
    }
    let mut bytes = vec![0u8; (size as usize).max(WORDS * 8)];
    vcpu.process.memory.read_bytes(GuestAddr(arguments), &mut bytes[..size as usize])?;
    if bytes[WORDS * 8..].iter().any(|&byte| byte != 0) {
        return Err(Errno::E2BIG);
    }
    let word = |n: usize| bytes[n * 8..].first_chunk().map_or(0, |chunk| u64::from_ne_bytes(*chunk));
    let [stack, stack_size] = [word(5), word(6)];
    if (stack == 0) != (stack_size == 0) || word(4) > 64 {
        return Err(Errno::EINVAL);
    }
    let (set_tid, cgroup) = (word(9), word(0) & 0x2_0000_0000);
    if set_tid != 0 || cgroup != 0 {
        tracing::debug!(target: "unimp", "clone3 with set_tid or a cgroup");
        return Err(Errno::EINVAL);
    }
    Ok(Request {
        flags: word(0),
        pidfd: word(1),
        child_tid: word(2),
        parent_tid: word(3),
        exit_signal: word(4),
        stack: stack.wrapping_add(stack_size),
        tls: word(7),
    })
}

fn make(vcpu: &mut Vcpu, request: &Request) -> Outcome {
    let mut made = request.check().and_then(|()| make_any(vcpu, request));
    if made == Err(Errno::EAGAIN) && vcpu.borrowed.is_none() {
        // RLIMIT_NPROC counts Mynah's own thread too.
        vcpu.process.background.stop();
        made = make_any(vcpu, request);
    }
    made.map(|id| id as u64).into()
}

fn make_any(vcpu: &mut Vcpu, request: &Request) -> Result<i32, Errno> {
    match request {
        _ if request.has(flag::THREAD) => make_thread(vcpu, request),
        _ if request.has(flag::VM | flag::VFORK) => borrow(vcpu, request),
        _ if request.has(flag::VM) => sharing::spawn(vcpu, request),
        _ => fork_process(vcpu, request),
    }
}

fn make_thread(vcpu: &mut Vcpu, request: &Request) -> Result<i32, Errno> {
    if request.flags & !flag::OF_THREAD != 0 {
        tracing::debug!(target: "unimp", "a thread with clone flags {:#x}", request.flags & !flag::OF_THREAD);
        return Err(Errno::EINVAL);
    }
    thread::spawn(vcpu, request)
}

/// Makes a child with a copy of the memory. Returns in both processes.
fn fork_process(vcpu: &mut Vcpu, request: &Request) -> Result<i32, Errno> {
    // Whatever comes for the parent meanwhile stays in the kernel, where the child does not inherit it.
    host::block_all();
    let plain = request.flags & !flag::OURS == 0 && request.exit_signal == libc::SIGCHLD as u64;
    let id = {
        let process = vcpu.process;
        fork::with_locks_held(|| {
            let _memory = process.memory.lock_for_fork();
            let _actions = vcpu.actions().lock();
            let _sharing = sharing::hold();
            if plain { fork_through_libc() } else { fork_directly(vcpu, request) }
        })
    };
    match id {
        Ok(0) => become_child(vcpu, request),
        Ok(id) => {
            if let Some(word) = request.pointer(flag::PARENT_SETTID, request.parent_tid) {
                let _ = vcpu.process.memory.write(word, &id);
            }
        }
        Err(_) => {}
    }
    signal::apply_mask(vcpu);
    id
}

/// libc's `fork` also takes the allocator's locks.
fn fork_through_libc() -> Result<i32, Errno> {
    // SAFETY: the locks that the child needs are held by this thread.
    match unsafe { libc::fork() } {
        -1 => Err(Errno::last()),
        id => Ok(id),
    }
}

/// The host's `clone` for what libc's `fork` cannot express. The allocator's locks are not taken: a helper thread that is
/// just allocating can leave one of its own arenas locked in the child, which the child's only thread then avoids.
fn fork_directly(vcpu: &Vcpu, request: &Request) -> Result<i32, Errno> {
    let flags = request.flags & !flag::OURS | request.exit_signal;
    let pidfd = vcpu.process.memory.g2h(GuestAddr(request.pidfd)) as u64;
    if request.has(flag::PIDFD) {
        vcpu.process.memory.prepare_write(GuestAddr(request.pidfd), 4);
    }
    // SAFETY: without CLONE_VM and without a stack this returns twice, like `fork`.
    let result = unsafe { syscall::syscall(libc::SYS_clone, [flags, 0, pidfd, 0, 0, 0]) };
    Errno::from_host(result).map(|id| id as i32)
}

/// In the child of a fork: the vCPU becomes that of the new process's only thread.
fn become_child(vcpu: &mut Vcpu, request: &Request) {
    // SAFETY: no memory is involved.
    vcpu.tid = unsafe { libc::gettid() };
    thread::reset_count();
    sharing::after_fork();
    vcpu.process.after_fork(&vcpu.ctx);
    vcpu.signals.inbox.clear();
    vcpu.ctx.clear_exit_request();
    vcpu.inherited_blocks = vcpu.counts.tier0_blocks;
    crate::observe::after_fork(vcpu);
    if let Some(debugger) = vcpu.debug.take() {
        debugger.after_fork();
    }
    request.prepare(vcpu);
    if let Some(word) = request.pointer(flag::CHILD_SETTID, request.child_tid) {
        let _ = vcpu.process.memory.write(word, &vcpu.tid);
    }
    if request.has(flag::CLEAR_SIGHAND) {
        vcpu.actions().clear_handlers();
    }
}

/// What a child that borrows its parent's memory keeps there until the parent can free it: `exec` in the child never
/// returns to drop anything.
#[derive(Debug, Default)]
pub struct Borrowed {
    /// The program that the child executes.
    pub command: Option<exec::Command>,
    /// Its own resource limits.
    pub limits: limits::Limits,
}

impl Borrowed {
    /// Nothing yet, but limits of its own.
    pub(super) fn with_limits(limits: limits::Limits) -> Borrowed {
        Borrowed { command: None, limits }
    }
}

/// What the child's first function needs.
struct Child<'a> {
    vcpu: Box<Vcpu>,
    request: &'a Request,
}

/// Makes a child that shares the memory, and waits until it executes a program or ends.
fn borrow(vcpu: &mut Vcpu, request: &Request) -> Result<i32, Errno> {
    let mut child = vcpu.fork_copy();
    child.signals = vcpu.signals.for_thread();
    // The stack of a `vfork` child is its parent's, and so is its alternate stack.
    child.signals.altstack = vcpu.signals.altstack;
    request.prepare(&mut child);
    child.borrowed = Some(Box::new(Borrowed::with_limits(vcpu.limits().copy())));
    if !request.has(flag::SIGHAND) {
        child.signals.own_actions = Some(Arc::new(vcpu.actions().copy()));
    }
    let mut start = Child { vcpu: child, request };
    let stack = HostStack::new()?;
    let flags = child_flags(request);
    let pidfd = vcpu.process.memory.g2h(GuestAddr(request.pidfd));
    host::block_all();
    // SAFETY: the child runs on a stack of its own; the parent, whose thread-local state it uses, waits for it.
    let id = unsafe {
        let argument = (&raw mut start).cast();
        libc::clone(run_child, stack.top(), flags, argument, pidfd, std::ptr::null_mut::<u8>(), std::ptr::null_mut::<u8>())
    };
    let id = if id == -1 { Err(Errno::last()) } else { Ok(id) };
    // A child that executed a program or was killed could not do it itself.
    vcpu.process.unregister(&start.vcpu.ctx);
    host::set_current(vcpu);
    signal::apply_mask(vcpu);
    id
}

/// What the host's `clone` is told for a child that shares the memory.
pub(super) fn child_flags(request: &Request) -> i32 {
    (request.flags & !(flag::OURS & !(flag::VM | flag::SIGHAND)) | request.exit_signal) as i32
}

/// The life of a child that runs beside its parent.
pub(super) extern "C" fn run_sharing(start: *mut libc::c_void) -> i32 {
    // SAFETY: `sharing::spawn` gave a box away.
    let sharing::Start { mut vcpu, request } = *unsafe { Box::from_raw(start.cast::<sharing::Start>()) };
    let _stack = host::SignalStack::new();
    run_vcpu(&mut vcpu, &request)
}

extern "C" fn run_child(start: *mut libc::c_void) -> i32 {
    // SAFETY: `borrow` gave a pointer to its own variable, and waits.
    let Child { vcpu, request } = unsafe { &mut *start.cast::<Child>() };
    run_vcpu(vcpu, request)
}

/// Runs the vCPU of a child that shares the memory to the end of its process.
fn run_vcpu(vcpu: &mut Vcpu, request: &Request) -> i32 {
    // SAFETY: no memory is involved.
    vcpu.tid = unsafe { libc::gettid() };
    let words = [(flag::CHILD_SETTID, request.child_tid), (flag::PARENT_SETTID, request.parent_tid)];
    for word in words.into_iter().filter_map(|(flag, word)| request.pointer(flag, word)) {
        let _ = vcpu.process.memory.write(word, &vcpu.tid);
    }
    host::set_current(vcpu);
    if request.has(flag::CLEAR_SIGHAND) {
        vcpu.actions().clear_handlers();
    }
    signal::start(vcpu);
    let status = vcpu.run();
    host::block_all();
    // Not through libc, whose exit handlers are the parent's.
    // SAFETY: ends this process.
    unsafe { syscall::syscall(libc::SYS_exit_group, [status as u64, 0, 0, 0, 0, 0]) };
    unreachable!("the process has ended")
}

/// A host stack with a guard page below.
pub(super) struct HostStack {
    base: *mut libc::c_void,
}

impl HostStack {
    pub(super) fn new() -> Result<HostStack, Errno> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE;
        // SAFETY: a fresh mapping.
        let base =
            unsafe { libc::mmap(std::ptr::null_mut(), thread::HOST_STACK, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        // SAFETY: the lowest page is ours.
        unsafe { libc::mprotect(base, 4096, libc::PROT_NONE) };
        Ok(HostStack { base })
    }

    pub(super) fn top(&self) -> *mut libc::c_void {
        // SAFETY: one past the end of the mapping.
        unsafe { self.base.byte_add(thread::HOST_STACK) }
    }
}

impl Drop for HostStack {
    fn drop(&mut self) {
        // SAFETY: the child that ran on it is gone or has another address space.
        unsafe { libc::munmap(self.base, thread::HOST_STACK) };
    }
}
