//! Host signals: installing, masking, capturing.
//!
//! The kernel keeps the guest's signals. A thread's host mask is the guest's blocked mask, a signal's host disposition is
//! default or ignored where the guest's is, so that queueing, `sigpending`, `signalfd`, job control, reaping of children and
//! inheritance over `exec` are the kernel's own. Only a signal with a guest handler is caught here.
//!
//! **At most one asynchronous signal is captured at a time.** The host handler stores it in the vCPU, asks for an exit and
//! returns with every asynchronous signal blocked; the dispatcher delivers it and then unblocks what the guest has unblocked.
//! So nothing but that one signal ever leaves the kernel's queues, and the kernel's order is the guest's order.
//!
//! SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGTRAP ([`SYNCHRONOUS`]) are always caught and never blocked on the host: guest
//! memory accesses fault at any time. The guest's mask for them is applied by the dispatcher.
//!
//! Raw system calls throughout: libc keeps signals 32 and 33 from its callers, and the guest uses them.

use std::arch::global_asm;
use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, compiler_fence};

use crate::host::{syscall, usercopy};
use crate::memory::{GuestAddr, Pod};
use crate::observe::sample;
use crate::vcpu::Vcpu;

/// Number of signals; they are numbered from 1.
pub const SIGNALS: i32 = 64;

/// The bit of a signal in a mask.
pub const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// Signals that a faulting instruction raises.
pub const SYNCHRONOUS: u64 =
    bit(libc::SIGSEGV) | bit(libc::SIGBUS) | bit(libc::SIGFPE) | bit(libc::SIGILL) | bit(libc::SIGTRAP);

/// Every signal that a host thread may have blocked.
pub const ASYNCHRONOUS: u64 = !SYNCHRONOUS;

/// Linux's `siginfo_t`, the same 128 bytes on host and guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct SigInfo {
    /// Signal number.
    pub signo: i32,
    /// An error number, or 0.
    pub errno: i32,
    /// Why it was sent: above 0 by the kernel, else by a process.
    pub code: i32,
    /// Alignment of what follows.
    pub pad: i32,
    /// The fields that depend on the code: address; or pid, uid and value; ...
    pub fields: [u64; 14],
}

const _: () = assert!(size_of::<SigInfo>() == 128 && std::mem::offset_of!(SigInfo, fields) == 16);

// SAFETY: integers without padding between them, as the assertion shows.
unsafe impl Pod for SigInfo {}

impl SigInfo {
    /// No signal.
    pub const NONE: SigInfo = SigInfo { signo: 0, errno: 0, code: 0, pad: 0, fields: [0; 14] };

    /// A fault at a guest address.
    pub const fn fault(signo: i32, code: i32, addr: GuestAddr) -> SigInfo {
        let mut info = SigInfo { signo, code, ..SigInfo::NONE };
        info.fields[0] = addr.0;
        info
    }

    /// A signal that the kernel forces without saying more.
    pub const fn kernel(signo: i32) -> SigInfo {
        SigInfo { signo, code: libc::SI_KERNEL, ..SigInfo::NONE }
    }

    /// `si_addr` of a fault.
    pub const fn addr(&self) -> u64 {
        self.fields[0]
    }
}

/// A place for one [`SigInfo`] that the thread's own signal handler fills and the thread empties.
#[derive(Debug)]
pub struct Slot {
    full: AtomicBool,
    info: UnsafeCell<SigInfo>,
}

impl Default for Slot {
    fn default() -> Slot {
        Slot { full: AtomicBool::new(false), info: UnsafeCell::new(SigInfo::NONE) }
    }
}

impl Slot {
    /// Whether it holds a signal.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    /// Fills it, unless it is full: standard signals do not queue.
    fn put(&self, info: SigInfo) {
        if !self.is_full() {
            // SAFETY: an empty slot is read by nobody; only this thread and its own signal handlers, one at a time, write.
            unsafe { self.info.get().write_volatile(info) };
            self.full.store(true, Ordering::Release);
        }
    }

    /// Empties it.
    pub fn take(&self) -> Option<SigInfo> {
        if !self.is_full() {
            return None;
        }
        // SAFETY: a full slot is not written, and only this thread empties it.
        let info = unsafe { self.info.get().read_volatile() };
        self.full.store(false, Ordering::Release);
        Some(info)
    }
}

/// What a thread's host handlers leave for its dispatcher.
#[derive(Debug, Default)]
pub struct Inbox {
    /// The asynchronous signal that was captured. While it is full, the host blocks all others.
    captured: Slot,
    /// Signals of [`SYNCHRONOUS`] that somebody sent; by number, most slots unused.
    sent: [Slot; 16],
    /// The last synchronous fault.
    fault: Slot,
}

impl Inbox {
    /// Whether an asynchronous signal waits for the dispatcher.
    pub fn has_captured(&self) -> bool {
        self.captured.is_full()
    }

    /// The captured signal. The host's mask still blocks all others.
    pub fn take_captured(&self) -> Option<SigInfo> {
        self.captured.take()
    }

    /// The synchronous signals that were sent and wait.
    pub fn sent(&self) -> u64 {
        let full = |&signal: &i32| SYNCHRONOUS & bit(signal) != 0 && self.sent[signal as usize].is_full();
        (1..16).filter(full).fold(0, |mask, signal| mask | bit(signal))
    }

    /// A synchronous signal that was sent.
    pub fn take_sent(&self, signal: i32) -> Option<SigInfo> {
        self.sent.get(signal as usize)?.take()
    }

    /// Puts in a synchronous signal as if it had been sent.
    pub fn put_sent(&self, info: SigInfo) {
        if let Some(slot) = self.sent.get(info.signo as usize) {
            slot.put(info);
        }
    }

    /// The last synchronous fault of this thread, with the host's address in it.
    pub fn take_fault(&self) -> Option<SigInfo> {
        self.fault.take()
    }

    /// Forgets everything: a new process inherits no pending signal.
    pub fn clear(&self) {
        for slot in [&self.captured, &self.fault].into_iter().chain(&self.sent) {
            slot.take();
        }
    }
}

thread_local! {
    // No destructor and no lazy initialisation: signal handlers read it.
    static CURRENT: Cell<*mut Vcpu> = const { Cell::new(std::ptr::null_mut()) };
}

/// Says which vCPU this host thread runs; null for none. The vCPU must stay where it is until this is called again.
pub fn set_current(vcpu: *mut Vcpu) {
    CURRENT.set(vcpu);
}

/// The vCPU that this host thread runs; null if none.
pub fn current() -> *mut Vcpu {
    CURRENT.get()
}

/// The signals this process was started with, before libc and Rust's runtime changed anything.
static INITIAL_MASK: AtomicU64 = AtomicU64::new(0);
static INITIAL_IGNORED: AtomicU64 = AtomicU64::new(0);

/// Runs before `main`: Rust's runtime ignores SIGPIPE, so what was inherited has to be read before it starts.
extern "C" fn record_initial() {
    let ignored = (1..=SIGNALS).filter(|&signal| read_action(signal).handler == libc::SIG_IGN as u64);
    INITIAL_IGNORED.store(ignored.fold(0, |mask, signal| mask | bit(signal)), Ordering::Relaxed);
    INITIAL_MASK.store(change_mask(libc::SIG_BLOCK, 0), Ordering::Relaxed);
}

#[used]
#[unsafe(link_section = ".init_array")]
static RECORD_INITIAL: extern "C" fn() = record_initial;

/// The mask that the process inherited.
pub fn initial_mask() -> u64 {
    INITIAL_MASK.load(Ordering::Relaxed)
}

/// The signals that were ignored when the process started.
pub fn initial_ignored() -> u64 {
    INITIAL_IGNORED.load(Ordering::Relaxed)
}

/// The kernel's `struct sigaction` on x86-64.
#[derive(Clone, Copy)]
#[repr(C)]
struct HostAction {
    handler: u64,
    flags: u64,
    restorer: u64,
    mask: u64,
}

/// The kernel's flag for a `restorer`, which x86-64 demands.
const SA_RESTORER: u64 = 0x0400_0000;

global_asm!(
    ".pushsection .text.mynah_sigreturn, \"ax\", @progbits",
    ".balign 16",
    // Unwinders recognise a signal frame by these very bytes.
    ".globl mynah_host_sigreturn",
    "mynah_host_sigreturn:",
    "mov rax, {number}",
    "syscall",
    ".popsection",
    number = const libc::SYS_rt_sigreturn,
);

unsafe extern "C" {
    fn mynah_host_sigreturn();
}

/// What the host does on a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disposition {
    /// The kernel's default action.
    Default,
    /// The kernel drops it.
    Ignore,
    /// It is caught and left for the dispatcher.
    Catch,
}

fn read_action(signal: i32) -> HostAction {
    let mut action = HostAction { handler: 0, flags: 0, restorer: 0, mask: 0 };
    let args = [signal as u64, 0, &raw mut action as u64, 8, 0, 0];
    // SAFETY: the kernel writes one `struct sigaction`.
    unsafe { syscall::syscall(libc::SYS_rt_sigaction, args) };
    action
}

/// Sets the host's disposition of a signal. `flags` are the guest's: of these, SA_RESTART, SA_NOCLDSTOP, SA_NOCLDWAIT and
/// SA_RESETHAND are the kernel's business too.
pub fn set_disposition(signal: i32, disposition: Disposition, flags: u64) {
    const KERNELS: u64 = (libc::SA_RESTART | libc::SA_NOCLDSTOP | libc::SA_NOCLDWAIT) as u64 | SA_RESETHAND;
    let synchronous = SYNCHRONOUS & bit(signal) != 0;
    let handler = match disposition {
        _ if synchronous => on_fault as *const () as u64,
        Disposition::Default if TELL_ENDS.load(Ordering::Relaxed) && HARMLESS & bit(signal) == 0 => {
            on_signal as *const () as u64
        }
        Disposition::Default => libc::SIG_DFL as u64,
        Disposition::Ignore => libc::SIG_IGN as u64,
        Disposition::Catch => on_signal as *const () as u64,
    };
    // A reset would leave the host without its fault handler.
    let kernels = if synchronous { KERNELS & !SA_RESETHAND } else { KERNELS };
    write_action(signal, handler, flags & kernels);
}

const SA_RESETHAND: u64 = libc::SA_RESETHAND as u32 as u64;

fn write_action(signal: i32, handler: u64, flags: u64) {
    let flags = flags | (libc::SA_SIGINFO | libc::SA_ONSTACK) as u64 | SA_RESTORER;
    let action = HostAction { handler, flags, restorer: mynah_host_sigreturn as *const () as u64, mask: ASYNCHRONOUS };
    let args = [signal as u64, &raw const action as u64, 0, 8, 0, 0];
    // SAFETY: the kernel reads one `struct sigaction`; the handlers are async-signal-safe.
    unsafe { syscall::syscall(libc::SYS_rt_sigaction, args) };
}

/// Prepares a synchronous signal for `exec`, which hands on what is ignored; [`set_disposition`] undoes it.
pub fn ignore_for_exec(signal: i32) {
    write_action(signal, libc::SIG_IGN as u64, 0);
}

/// Changes the thread's host mask; gives the old one.
fn change_mask(how: i32, mask: u64) -> u64 {
    let mut old = 0u64;
    let args = [how as u64, &raw const mask as u64, &raw mut old as u64, 8, 0, 0];
    // SAFETY: the kernel reads one mask and writes another.
    unsafe { syscall::syscall(libc::SYS_rt_sigprocmask, args) };
    old
}

/// Applies a guest's blocked mask to the calling host thread. Signals may be captured before this returns.
pub fn set_mask(guest: u64) {
    change_mask(libc::SIG_SETMASK, guest & ASYNCHRONOUS);
}

/// Blocks on the host even what it never blocks while a guest runs, so that `exec` hands on the guest's mask.
pub fn set_mask_for_exec(guest: u64) {
    change_mask(libc::SIG_SETMASK, guest);
}

/// Blocks every asynchronous signal of the calling host thread; gives the old mask.
pub fn block_all() -> u64 {
    change_mask(libc::SIG_BLOCK, ASYNCHRONOUS)
}

/// Goes back to the mask that [`block_all`] gave.
pub fn restore_mask(mask: u64) {
    change_mask(libc::SIG_SETMASK, mask);
}

/// Dies by a signal's default action, without a core file: it would be Mynah's, not the guest's.
pub fn die(signal: i32) -> ! {
    block_all();
    let limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: plain calls; the signal is sent to this very thread, whose mask then lets it through.
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &limit);
        write_action(signal, libc::SIG_DFL as u64, 0);
        let thread = [libc::getpid() as u64, libc::gettid() as u64, signal as u64, 0, 0, 0];
        syscall::syscall(libc::SYS_tgkill, thread);
        change_mask(libc::SIG_UNBLOCK, bit(signal));
        // Only a signal whose default action is not to die gets here.
        libc::_exit(128 + signal)
    }
}

/// Catches the synchronous signals, gives the calling thread its signal stack, and takes SIGPIPE back from Rust's runtime.
/// The thread keeps every asynchronous signal blocked until its dispatcher applies a guest's mask.
pub fn install() -> SignalStack {
    block_all();
    let stack = SignalStack::new();
    for signal in (1..16).filter(|&signal| SYNCHRONOUS & bit(signal) != 0) {
        set_disposition(signal, Disposition::Catch, 0);
    }
    let pipe = if initial_ignored() & bit(libc::SIGPIPE) != 0 { Disposition::Ignore } else { Disposition::Default };
    set_disposition(libc::SIGPIPE, pipe, 0);
    stack
}

/// A host thread's stack for signal handlers, with a guard page below. Handlers must not run on the stack that overflowed.
#[derive(Debug)]
pub struct SignalStack {
    base: *mut libc::c_void,
    size: usize,
}

impl SignalStack {
    /// Handlers here need little; the kernel's frame holds the vector state, whose size the kernel tells.
    const HANDLER: usize = 32 << 10;
    const GUARD: usize = 4096;

    /// Makes one and gives it to the calling thread. Without memory for it the process cannot go on.
    #[allow(clippy::new_without_default)]
    pub fn new() -> SignalStack {
        // SAFETY: asks for a number.
        let frame = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
        let size = (frame.max(libc::MINSIGSTKSZ) + SignalStack::HANDLER + SignalStack::GUARD).next_multiple_of(4096);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        // SAFETY: a fresh mapping, whose lowest page becomes the guard.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), size, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        assert!(base != libc::MAP_FAILED, "no memory for a thread's signal stack");
        let stack = SignalStack { base, size };
        // SAFETY: the guard is ours, and the rest stays mapped as long as the thread uses it.
        unsafe {
            libc::mprotect(base, SignalStack::GUARD, libc::PROT_NONE);
            let usable = base.byte_add(SignalStack::GUARD);
            let alt = libc::stack_t { ss_sp: usable, ss_flags: 0, ss_size: size - SignalStack::GUARD };
            libc::sigaltstack(&alt, std::ptr::null_mut());
        }
        stack
    }
}

impl Drop for SignalStack {
    /// Must run on the thread that made it.
    fn drop(&mut self) {
        let none = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
        // SAFETY: the thread stops using the stack before it is unmapped.
        unsafe {
            libc::sigaltstack(&none, std::ptr::null_mut());
            libc::munmap(self.base, self.size);
        }
    }
}

/// Catches an asynchronous signal: leaves it for the dispatcher and lets no other one through until then.
extern "C" fn on_signal(signal: i32, info: *const SigInfo, context: *mut libc::ucontext_t) {
    // SAFETY: the kernel gives a valid siginfo and context; the vCPU outlives its being current.
    let (info, context, vcpu) = unsafe { (*info, &mut *context, current().as_ref()) };
    // SAFETY: the kernel's mask is the first word of libc's larger set.
    unsafe { (&raw mut context.uc_sigmask).cast::<u64>().write(ASYNCHRONOUS) };
    let Some(vcpu) = vcpu else {
        // A helper thread, which should have blocked it. Now it has: let a thread of the guest take it.
        // SAFETY: sends a signal to this process.
        unsafe { syscall::syscall(libc::SYS_kill, [libc::getpid() as u64, signal as u64, 0, 0, 0, 0]) };
        return;
    };
    vcpu.signals.inbox.captured.put(info);
    request_exit(vcpu, context);
}

/// Makes the interrupted thread come back to its dispatcher soon.
fn request_exit(vcpu: &Vcpu, context: &mut libc::ucontext_t) {
    compiler_fence(Ordering::SeqCst);
    vcpu.ctx.request_exit();
    let pc = &mut context.uc_mcontext.gregs[libc::REG_RIP as usize];
    *pc = syscall::interrupt(*pc as u64) as i64;
}

/// Catches a synchronous signal: an access to guest memory that failed, one that somebody sent, or a bug in Mynah.
extern "C" fn on_fault(signal: i32, info: *const SigInfo, context: *mut libc::ucontext_t) {
    // SAFETY: as in `on_signal`. A mutable reference would claim too much: the interrupted code may hold one.
    let (info, context, vcpu) = unsafe { (*info, &mut *context, current()) };
    if sample::is_tick(&info) {
        return on_tick(context);
    }
    if info.code == libc::SI_QUEUE && info.fields[1] == NUDGE {
        return quietly(context, |_, _| {});
    }
    if info.code <= 0 {
        return on_sent(signal, info, context);
    }
    let [rip, rsp] = [libc::REG_RIP, libc::REG_RSP].map(|register| context.uc_mcontext.gregs[register as usize] as u64);
    if let Some(fixup) = usercopy::fixup(rip) {
        record_fault(vcpu, info);
        context.uc_mcontext.gregs[libc::REG_RIP as usize] = fixup as i64;
        return;
    }
    if !vcpu.is_null() && mynah_backend::enter::in_code(rip) {
        record_fault(vcpu, info);
        let (mut rip, mut rsp) = (rip, rsp);
        // SAFETY: translated code was interrupted, so nothing in Rust holds the context now.
        mynah_backend::enter::abandon(unsafe { &mut (*vcpu).ctx }, &mut rip, &mut rsp);
        context.uc_mcontext.gregs[libc::REG_RIP as usize] = rip as i64;
        context.uc_mcontext.gregs[libc::REG_RSP as usize] = rsp as i64;
        return;
    }
    report_own_fault(signal, rip, info.addr());
    // Back to the instruction, which faults again, now by the default action.
    write_action(signal, libc::SIG_DFL as u64, 0);
}

fn record_fault(vcpu: *mut Vcpu, info: SigInfo) {
    // SAFETY: a current vCPU is valid; only its inbox is touched.
    if let Some(vcpu) = unsafe { vcpu.as_ref() } {
        vcpu.signals.inbox.fault.take();
        vcpu.signals.inbox.fault.put(info);
    }
}

/// The sampling timer.
fn on_tick(context: &mut libc::ucontext_t) {
    quietly(context, |vcpu, rip| vcpu.tick.note(if mynah_backend::enter::in_code(rip) { rip } else { 0 }));
}

/// Brings a thread to its dispatcher without the guest's noticing: a wait in the kernel that the signal ended is made again.
fn quietly(context: &mut libc::ucontext_t, note: impl FnOnce(&Vcpu, u64)) {
    // SAFETY: a current vCPU is valid.
    let Some(vcpu) = (unsafe { current().as_ref() }) else { return };
    let rip = context.uc_mcontext.gregs[libc::REG_RIP as usize] as u64;
    note(vcpu, rip);
    let result = &mut context.uc_mcontext.gregs[libc::REG_RAX as usize];
    if syscall::is_return(rip) && *result == i64::from(-libc::EINTR) && !vcpu.signals.inbox.has_captured() {
        *result = -syscall::ERESTARTSYS;
    }
    request_exit(vcpu, context);
}

/// What the siginfo of [`nudge`] carries.
const NUDGE: u64 = 0x6d79_6e61_6820_676f;

/// Brings a thread of this process to its dispatcher, even out of a wait in the kernel. The signal is Mynah's own: see
/// [`sample`] for why SIGFPE.
pub fn nudge(tid: i32) {
    let mut info = SigInfo { signo: libc::SIGFPE, code: libc::SI_QUEUE, ..SigInfo::NONE };
    info.fields[1] = NUDGE;
    let args = [u64::from(std::process::id()), tid as u64, libc::SIGFPE as u64, &raw const info as u64, 0, 0];
    // SAFETY: the kernel reads one siginfo.
    unsafe { syscall::syscall(libc::SYS_rt_tgsigqueueinfo, args) };
}

/// Whether signals that would end the process are caught even where the guest leaves them to the kernel, so that somebody
/// can be told of the end.
static TELL_ENDS: AtomicBool = AtomicBool::new(false);

/// Signals whose default action does not end a process, or that cannot be caught.
const HARMLESS: u64 = bit(libc::SIGCHLD)
    | bit(libc::SIGCONT)
    | bit(libc::SIGURG)
    | bit(libc::SIGWINCH)
    | bit(libc::SIGSTOP)
    | bit(libc::SIGTSTP)
    | bit(libc::SIGTTIN)
    | bit(libc::SIGTTOU)
    | bit(libc::SIGKILL);

/// From now on catches what would end the process; the dispatcher then ends it in the same way.
pub fn tell_ends() {
    TELL_ENDS.store(true, Ordering::Relaxed);
    for signal in (1..=SIGNALS).filter(|&signal| (HARMLESS | SYNCHRONOUS | initial_ignored()) & bit(signal) == 0) {
        set_disposition(signal, Disposition::Default, 0);
    }
}

/// A synchronous signal that came from `kill` and the like.
fn on_sent(signal: i32, info: SigInfo, context: &mut libc::ucontext_t) {
    // SAFETY: a current vCPU is valid.
    match unsafe { current().as_ref() } {
        Some(vcpu) => {
            vcpu.signals.inbox.put_sent(info);
            request_exit(vcpu, context);
        }
        // SAFETY: sends a signal to this process, whose main thread will take it.
        None => unsafe {
            let pid = libc::getpid() as u64;
            syscall::syscall(libc::SYS_tgkill, [pid, pid, signal as u64, 0, 0, 0]);
        },
    }
}

/// Says on standard error that Mynah itself is at fault; async-signal-safe.
fn report_own_fault(signal: i32, rip: u64, addr: u64) {
    let mut text = [0u8; 128];
    let mut rest = &mut text[..];
    let _ = std::io::Write::write_fmt(
        &mut rest,
        format_args!("mynah: internal error: signal {signal} at host pc {rip:#x}, address {addr:#x}\n"),
    );
    let left = rest.len();
    // SAFETY: writes initialised bytes.
    unsafe { libc::write(2, text.as_ptr().cast(), text.len() - left) };
}
