//! Signals as the guest sees them: dispositions, masks, delivery, restarting of system calls.
//!
//! `host::signal` says how signals reach a vCPU's inbox. Here the dispatcher, between two guest instructions, chooses the
//! signal, looks up what the guest wants, and writes the frame ([`super::sigframe`]) or acts by default.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::host::signal::{self as host, Disposition, Inbox, SIGNALS, SYNCHRONOUS, bit};
use crate::debug;
use crate::linux::{Errno, Outcome, coredump, process, sigframe};
use crate::memory::{GuestAddr, Pod};
use crate::vcpu::Vcpu;

pub use super::sigcalls::*;
pub use crate::host::signal::SigInfo;

/// The default action.
pub const SIG_DFL: u64 = 0;
/// The signal is dropped.
pub const SIG_IGN: u64 = 1;

/// Signals that nothing can block, catch or ignore.
pub const UNCATCHABLE: u64 = bit(libc::SIGKILL) | bit(libc::SIGSTOP);

/// Flags of a disposition (`asm-generic/signal-defs.h`).
pub mod sa {
    #![allow(missing_docs)]
    pub const NOCLDSTOP: u64 = 1;
    pub const NOCLDWAIT: u64 = 2;
    pub const SIGINFO: u64 = 4;
    pub const EXPOSE_TAGBITS: u64 = 0x800;
    pub const ONSTACK: u64 = 0x0800_0000;
    pub const RESTART: u64 = 0x1000_0000;
    pub const NODEFER: u64 = 0x4000_0000;
    pub const RESETHAND: u64 = 0x8000_0000;
    /// What the kernel keeps; it clears all other bits so that programs can probe for new ones.
    pub const KNOWN: u64 = NOCLDSTOP | NOCLDWAIT | SIGINFO | EXPOSE_TAGBITS | ONSTACK | RESTART | NODEFER | RESETHAND;
}

/// The guest's `struct sigaction`: riscv64's has no restorer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Action {
    /// [`SIG_DFL`], [`SIG_IGN`] or a guest address.
    pub handler: u64,
    /// Flags of [`sa`].
    pub flags: u64,
    /// What is blocked while the handler runs.
    pub mask: u64,
}

const _: () = assert!(size_of::<Action>() == 24 && std::mem::offset_of!(Action, mask) == 16);

// SAFETY: three integers without padding.
unsafe impl Pod for Action {}

impl Action {
    fn disposition(&self) -> Disposition {
        match self.handler {
            SIG_DFL => Disposition::Default,
            SIG_IGN => Disposition::Ignore,
            _ => Disposition::Catch,
        }
    }

    /// Makes the host's disposition of a signal follow. Signals that dump core by default are caught then: the kernel's
    /// core file would be Mynah's.
    fn apply(&self, signal: i32) {
        let caught = self.handler == SIG_DFL && coredump::SIGNALS & bit(signal) != 0;
        let disposition = if caught { Disposition::Catch } else { self.disposition() };
        host::set_disposition(signal, disposition, self.flags & if caught { !sa::RESETHAND } else { u64::MAX });
    }
}

/// The dispositions of a process. The host's follow them under the same lock.
#[derive(Debug)]
pub struct Actions {
    table: Mutex<[Action; SIGNALS as usize]>,
}

impl Default for Actions {
    fn default() -> Actions {
        Actions::new()
    }
}

impl Actions {
    /// What the process was started with: `exec` resets handlers and keeps what is ignored.
    pub fn new() -> Actions {
        let mut table = [Action::default(); SIGNALS as usize];
        for (signal, action) in (1..).zip(&mut table) {
            if host::initial_ignored() & bit(signal) != 0 {
                action.handler = SIG_IGN;
            }
        }
        Actions { table: Mutex::new(table) }
    }

    /// A table of its own with the same entries, for a child that shares memory but not dispositions.
    pub fn copy(&self) -> Actions {
        Actions { table: Mutex::new(*self.lock()) }
    }

    /// Holds the table still; for `fork`, so that the child's is consistent and unlocked.
    pub fn lock(&self) -> MutexGuard<'_, [Action; SIGNALS as usize]> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The disposition of a signal, 1 to 64.
    pub fn get(&self, signal: i32) -> Action {
        self.lock()[signal as usize - 1]
    }

    /// Replaces a disposition, on the host too; gives the old one.
    pub fn set(&self, signal: i32, action: Action) -> Action {
        let mut table = self.lock();
        action.apply(signal);
        std::mem::replace(&mut table[signal as usize - 1], action)
    }

    /// The disposition with which a signal is delivered now; a handler with SA_RESETHAND is used up.
    fn take(&self, signal: i32) -> Action {
        let mut table = self.lock();
        let entry = &mut table[signal as usize - 1];
        let action = *entry;
        if action.flags & sa::RESETHAND != 0 && action.disposition() == Disposition::Catch {
            entry.handler = SIG_DFL;
            entry.apply(signal);
        }
        action
    }

    /// Resets every handler, as CLONE_CLEAR_SIGHAND asks.
    pub fn clear_handlers(&self) {
        let mut table = self.lock();
        for (signal, action) in (1..).zip(&mut *table) {
            if action.disposition() == Disposition::Catch {
                *action = Action::default();
                action.apply(signal);
            }
        }
    }

    /// Applies the host's disposition of a signal again, after libc changed it for its own purposes.
    pub fn reapply(&self, signal: i32) {
        let table = self.lock();
        table[signal as usize - 1].apply(signal);
    }

    /// Applies the dispositions of signals that dump core, at the start.
    pub fn catch_core_signals(&self) {
        (1..=SIGNALS).filter(|&signal| coredump::SIGNALS & bit(signal) != 0).for_each(|signal| self.reapply(signal));
    }
}

/// The guest's `stack_t`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct AltStack {
    /// Lowest address.
    pub base: u64,
    /// SS_DISABLE, SS_AUTODISARM.
    pub flags: i32,
    /// Alignment of what follows.
    pub pad: i32,
    /// Bytes.
    pub size: u64,
}

const _: () = assert!(size_of::<AltStack>() == 24 && std::mem::offset_of!(AltStack, size) == 16);

// SAFETY: integers without padding between them.
unsafe impl Pod for AltStack {}

impl AltStack {
    /// No alternate stack, as a thread starts; a program's first thread starts without the flag.
    pub const NONE: AltStack = AltStack { base: 0, flags: libc::SS_DISABLE, pad: 0, size: 0 };
    /// The kernel's SS_AUTODISARM.
    pub const AUTODISARM: i32 = i32::MIN;

    /// Whether a stack pointer lies on it. With SS_AUTODISARM it never counts.
    pub fn holds(&self, sp: u64) -> bool {
        self.flags & AltStack::AUTODISARM == 0 && sp > self.base && sp - self.base <= self.size
    }
}

/// A system call that waits to be made again, unless a handler runs that forbids it.
#[derive(Clone, Copy, Debug)]
struct Restart {
    ecall: u64,
    unless: Unless,
}

/// Which handlers turn a restart into EINTR.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unless {
    Never,
    WithoutSaRestart,
    AnyHandler,
}

/// The signal state of a guest thread.
#[derive(Debug)]
pub struct ThreadSignals {
    /// What the guest blocks. The host's mask is this without the synchronous signals.
    pub mask: u64,
    /// The mask of a call like `ppoll` or `sigsuspend` that a signal interrupted: the signal is delivered under it.
    temporary: Option<u64>,
    /// Where handlers with SA_ONSTACK run.
    pub altstack: AltStack,
    /// What host handlers left.
    pub inbox: Inbox,
    restart: Option<Restart>,
    /// Dispositions apart from the process's: those of a `vfork` child.
    pub own_actions: Option<Arc<Actions>>,
}

impl Default for ThreadSignals {
    fn default() -> ThreadSignals {
        ThreadSignals::new()
    }
}

impl ThreadSignals {
    /// The state of a process's first thread: only the mask is inherited.
    pub fn new() -> ThreadSignals {
        ThreadSignals { altstack: AltStack { flags: 0, ..AltStack::NONE }, ..ThreadSignals::with_mask(host::initial_mask()) }
    }

    fn with_mask(mask: u64) -> ThreadSignals {
        let mask = mask & !UNCATCHABLE;
        ThreadSignals {
            mask,
            temporary: None,
            altstack: AltStack::NONE,
            inbox: Inbox::default(),
            restart: None,
            own_actions: None,
        }
    }

    /// The state of a thread that this one creates: the mask is inherited, nothing is pending, no alternate stack.
    pub fn for_thread(&self) -> ThreadSignals {
        ThreadSignals { own_actions: self.own_actions.clone(), ..ThreadSignals::with_mask(self.mask) }
    }

    /// The mask under which signals are delivered now.
    fn effective_mask(&self) -> u64 {
        self.temporary.unwrap_or(self.mask)
    }
}

impl Vcpu {
    /// The dispositions that hold for this thread.
    pub fn actions(&self) -> &Actions {
        self.signals.own_actions.as_deref().unwrap_or(&self.process.actions)
    }

    /// The resource limits that hold for this thread.
    pub fn limits(&self) -> &super::limits::Limits {
        self.borrowed.as_ref().map_or(&self.process.limits, |borrowed| &borrowed.limits)
    }

    /// Makes this thread come back to [`deliver_pending`] before the next guest instruction.
    pub fn request_exit(&self) {
        self.ctx.request_exit();
    }
}

/// Writes the outcome of the system call at `ecall_pc` to the guest's registers. The state's pc must already be behind the
/// `ecall`; a call to be restarted moves it back and restores `a0`.
pub fn finish_syscall(vcpu: &mut Vcpu, ecall_pc: u64, original_a0: u64, outcome: Outcome) {
    vcpu.signals.restart = None;
    let unless = match outcome {
        Outcome::Return(value) => return vcpu.set_x(10, value),
        Outcome::Errno(errno) => return vcpu.set_x(10, i64::from(-errno.0) as u64),
        Outcome::NoReturn | Outcome::Exit(_) => return,
        Outcome::RestartAlways => Unless::Never,
        Outcome::Restart => Unless::WithoutSaRestart,
        Outcome::RestartNoHandler => Unless::AnyHandler,
    };
    vcpu.set_x(10, original_a0);
    vcpu.set_pc(ecall_pc);
    vcpu.signals.restart = Some(Restart { ecall: ecall_pc, unless });
}

/// Delivers what is pending and not blocked; called between guest instructions when `exit_request` is set. Afterwards the
/// host's mask is the guest's.
pub fn deliver_pending(vcpu: &mut Vcpu) {
    loop {
        vcpu.ctx.clear_exit_request();
        match next_signal(vcpu) {
            Some(info) => deliver(vcpu, info),
            None => break,
        }
        // Under the guest's new mask the kernel hands over the next one at once, if there is one.
        apply_mask(vcpu);
    }
    vcpu.signals.restart = None;
    if vcpu.signals.temporary.take().is_some() {
        apply_mask(vcpu);
    }
}

/// Sets the host's mask to the guest's, unless a captured signal keeps all others blocked until it has been delivered.
pub(super) fn apply_mask(vcpu: &Vcpu) {
    if !vcpu.signals.inbox.has_captured() {
        host::set_mask(vcpu.signals.effective_mask());
    }
}

/// Lets the signals through that the guest does not block; for a thread whose vCPU has just become current.
pub fn start(vcpu: &mut Vcpu) {
    vcpu.ctx.clear_exit_request();
    apply_mask(vcpu);
}

/// The next signal to deliver: synchronous ones first, as the kernel does.
fn next_signal(vcpu: &mut Vcpu) -> Option<SigInfo> {
    let signals = &vcpu.signals;
    let open = signals.inbox.sent() & !signals.effective_mask();
    if open != 0 {
        return signals.inbox.take_sent(open.trailing_zeros() as i32 + 1);
    }
    let info = signals.inbox.take_captured()?;
    if signals.effective_mask() & bit(info.signo) == 0 {
        return Some(info);
    }
    // It was captured before a handler for a synchronous signal blocked it. Back to the kernel with it.
    send_back(vcpu, info);
    None
}

/// Queues a signal to this very thread again; the host's mask still blocks it.
fn send_back(vcpu: &mut Vcpu, mut info: SigInfo) {
    let args = [u64::from(std::process::id()), vcpu.tid as u64, info.signo as u64, &raw mut info as u64, 0, 0];
    // SAFETY: the kernel reads one siginfo.
    unsafe { crate::host::syscall::syscall(libc::SYS_rt_tgsigqueueinfo, args) };
    apply_mask(vcpu);
}

/// Delivers one signal by its disposition.
fn deliver(vcpu: &mut Vcpu, info: SigInfo) {
    let Some(info) = debug::filter_signal(vcpu, info) else { return };
    tell(vcpu, &info);
    let action = vcpu.actions().take(info.signo);
    match action.disposition() {
        Disposition::Ignore => {}
        Disposition::Default => act_by_default(vcpu, info),
        Disposition::Catch => run_handler(vcpu, info, action),
    }
}

/// Tells the observers, if there are any.
fn tell(vcpu: &Vcpu, info: &SigInfo) {
    if let Some(observers) = &vcpu.process.observers {
        observers.tell(|observer| observer.signal(vcpu, info));
    }
}

/// Continues in a guest handler.
fn run_handler(vcpu: &mut Vcpu, info: SigInfo, action: Action) {
    if let Some(restart) = vcpu.signals.restart.take() {
        let restarts = match restart.unless {
            Unless::Never => true,
            Unless::WithoutSaRestart => action.flags & sa::RESTART != 0,
            Unless::AnyHandler => false,
        };
        if !restarts {
            vcpu.set_pc(restart.ecall + sigframe::ECALL_SIZE);
            vcpu.set_x(10, i64::from(-Errno::EINTR.0) as u64);
        }
    }
    if sigframe::push(vcpu, &info, &action).is_err() {
        return frame_failed(vcpu, info.signo);
    }
    let mut mask = vcpu.signals.effective_mask() | action.mask;
    if action.flags & sa::NODEFER == 0 {
        mask |= bit(info.signo);
    }
    vcpu.signals.temporary = None;
    vcpu.signals.mask = mask & !UNCATCHABLE;
}

/// The guest's stack could not take, or did not hold, a frame: SIGSEGV, fatal if that is what was being delivered.
fn frame_failed(vcpu: &mut Vcpu, signal: i32) {
    let info = SigInfo::kernel(libc::SIGSEGV);
    if signal == libc::SIGSEGV { die_of_fault(vcpu, info) } else { force(vcpu, info) }
}

/// The default action of a signal that reached us although the host would have acted by itself: synchronous signals that
/// were sent, and signals whose handler went away after they were captured.
fn act_by_default(vcpu: &mut Vcpu, info: SigInfo) {
    const IGNORED: u64 = bit(libc::SIGCHLD) | bit(libc::SIGCONT) | bit(libc::SIGURG) | bit(libc::SIGWINCH);
    const STOPS: u64 = bit(libc::SIGTSTP) | bit(libc::SIGTTIN) | bit(libc::SIGTTOU);
    let signal = bit(info.signo);
    if signal & IGNORED != 0 {
    } else if signal & STOPS != 0 {
        // The host's disposition is the default again, so the kernel stops us as soon as the mask lets it.
        send_back(vcpu, info);
    } else {
        debug::process_dies(vcpu, info.signo);
        coredump::dump(vcpu, &info);
        process::before_exit(vcpu);
        host::die(info.signo)
    }
}

/// Delivers a signal that the instruction at the state's pc raised. Blocked or ignored it kills, as in the kernel.
pub fn force(vcpu: &mut Vcpu, info: SigInfo) {
    if vcpu.signals.inbox.has_captured() {
        // That one came first. The instruction raises its signal again when the handler has returned.
        return deliver_pending(vcpu);
    }
    let action = vcpu.actions().get(info.signo);
    let blocked = vcpu.signals.effective_mask() & bit(info.signo) != 0;
    if blocked || action.disposition() != Disposition::Catch {
        match debug::filter_signal(vcpu, info) {
            Some(info) => die_of_fault(vcpu, info),
            // The debugger lets the instruction be executed again.
            None => return,
        }
    }
    deliver(vcpu, info);
    vcpu.signals.temporary = None;
    apply_mask(vcpu);
}

/// [`force`] for a frame that `rt_sigreturn` could not read: it cannot be raised again by running on.
pub fn force_bad_frame(vcpu: &mut Vcpu) {
    frame_failed(vcpu, 0);
}

/// The last fault of this thread's host accesses, as the guest sees it: guest address, and the instruction pointer's own
/// address where the host told none (x86 does not for non-canonical addresses).
pub fn take_fault(vcpu: &mut Vcpu) -> SigInfo {
    let Some(mut info) = vcpu.signals.inbox.take_fault() else {
        return SigInfo::kernel(libc::SIGSEGV);
    };
    if info.signo == libc::SIGSEGV && info.code == libc::SI_KERNEL {
        return SigInfo::fault(libc::SIGSEGV, SEGV_MAPERR, GuestAddr(info.addr()));
    }
    info.fields[0] = info.fields[0].wrapping_sub(vcpu.process.memory.guest_base());
    info
}

/// `si_code` of a fault at an address that is not mapped.
pub const SEGV_MAPERR: i32 = 1;
/// `si_code` of a fault at an address that is mapped otherwise.
pub const SEGV_ACCERR: i32 = 2;

/// Says what killed the guest and where it was, and dies of it.
fn die_of_fault(vcpu: &mut Vcpu, info: SigInfo) -> ! {
    debug::process_dies(vcpu, info.signo);
    tell(vcpu, &info);
    let (pc, name) = (vcpu.pc(), signal_name(info.signo));
    let symbol = vcpu.process.image.symbol(&vcpu.process.memory, pc);
    let place = symbol.map(|symbol| format!(" ({symbol})")).unwrap_or_default();
    eprintln!("mynah: guest killed by {name} at {pc:#x}{place}: address {:#x}", info.addr());
    eprint!("{}", crate::unwind::report(vcpu));
    coredump::dump(vcpu, &info);
    process::before_exit(vcpu);
    host::die(info.signo)
}

/// The name of a signal that a fault can raise.
fn signal_name(signal: i32) -> String {
    let names = [
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGTRAP, "SIGTRAP"),
    ];
    let known = names.iter().find(|(number, _)| *number == signal);
    known.map(|(_, name)| name.to_string()).unwrap_or_else(|| format!("signal {signal}"))
}

/// Makes a call that the kernel runs under another mask (`ppoll`, `pselect6`, `epoll_pwait`, `rt_sigsuspend`). `call` gets a
/// pointer to the host's form of `mask`, null if there is none, to hand to the kernel, which alone can change masks and
/// wait in one step; it gives the result of [`blocking_syscall`](crate::host::syscall::blocking_syscall).
///
/// A signal that ends the wait with EINTR is then delivered under `mask`, and its handler returns to the old one.
pub fn with_temp_mask(vcpu: &mut Vcpu, mask: Option<u64>, call: impl FnOnce(&mut Vcpu, *const u64) -> i64) -> i64 {
    let host = mask.map(|mask| mask & !SYNCHRONOUS);
    let result = call(vcpu, host.as_ref().map_or(std::ptr::null(), |mask| mask as *const u64));
    if result == i64::from(-libc::EINTR) {
        vcpu.signals.temporary = mask.map(|mask| mask & !UNCATCHABLE);
    }
    result
}
