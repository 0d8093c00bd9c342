//! The gdb stub: a debugger that is connected from outside stops the guest, looks at it and lets it run on.
//!
//! Guest threads and the stub meet in [`Debugger`]. A thread that has something to report leaves an event and parks; the stub
//! then calls all others to park too (*all-stop*), and everything that a debugger reads and writes belongs to parked
//! threads. Threads come to [`Debugger::checkpoint`] between two guest instructions, so what is seen is the architectural
//! state; calls that wait in the kernel are made again afterwards.
//!
//! A breakpoint changes no memory: blocks that hold one are not translated, and tier 0 looks before each instruction.
//! Watchpoints make all threads run in tier 0, which tells each access.
//!
//! | file | topic |
//! |---|---|
//! | `arch` | registers as gdb numbers them |
//! | `run` | how a thread under a debugger runs |
//! | `serve` | the thread that talks to gdb |
//! | `target` | what gdb may ask |

mod arch;
mod run;
mod serve;
mod target;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use gdbstub::stub::MultiThreadStopReason;
use gdbstub::target::ext::breakpoints::WatchKind;

use crate::host;
use crate::host::signal::SigInfo;
use crate::vcpu::Vcpu;

pub use serve::{Address, listen};

/// What a thread reports.
pub(crate) type Stop = MultiThreadStopReason<u64>;

/// A range of memory that is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Watchpoint {
    addr: u64,
    len: u64,
    kind: WatchKind,
}

/// How a thread goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Action {
    /// The debugger did not say.
    #[default]
    Unnamed,
    Continue,
    Step,
    /// It stays where it is while others run.
    Stay,
}

/// A guest thread, as the stub sees it.
struct Thread {
    vcpu: *mut Vcpu,
    parked: bool,
    action: Action,
    /// The signal that the debugger lets through, by its number here; `None` before it was asked.
    signal: Option<i32>,
}

// SAFETY: the pointer is followed only while the thread is parked, under the debugger's lock.
unsafe impl Send for Thread {}

#[derive(Default)]
struct State {
    threads: BTreeMap<usize, Thread>,
    events: VecDeque<(usize, Stop)>,
    /// Counts the times that the world was let go; a parked thread waits for the next.
    turn: u64,
    /// How the process ended, if it has; the thread that ends it waits until the debugger knows.
    told: bool,
}

/// A debugged process.
pub struct Debugger {
    state: Mutex<State>,
    changed: Condvar,
    /// Whether a debugger is connected; without one threads run as if there were no stub.
    attached: AtomicBool,
    /// Whether threads are to park.
    stop: AtomicBool,
    breakpoints: Mutex<BTreeSet<u64>>,
    breakpoint_count: AtomicUsize,
    watchpoints: Mutex<Vec<Watchpoint>>,
    watchpoint_count: AtomicUsize,
    /// System calls that are caught: `None` for none, an empty set for all.
    caught: Mutex<Option<BTreeSet<u64>>>,
    catching: AtomicBool,
    /// Written when there is an event.
    bell: i32,
    /// Whether this is a process that was forked: its stub stayed with the parent.
    gone: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic aborts the process, so no lock is ever poisoned.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Debugger {
    /// A debugger's side of a process; nobody is connected yet. With `wait`, threads park before their first instruction.
    fn new(wait: bool) -> Debugger {
        // SAFETY: no memory is involved.
        let bell = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        Debugger {
            state: Mutex::default(),
            changed: Condvar::new(),
            attached: AtomicBool::new(wait),
            stop: AtomicBool::new(wait),
            breakpoints: Mutex::default(),
            breakpoint_count: AtomicUsize::new(0),
            watchpoints: Mutex::default(),
            watchpoint_count: AtomicUsize::new(0),
            caught: Mutex::default(),
            catching: AtomicBool::new(false),
            bell,
            gone: AtomicBool::new(false),
        }
    }

    /// Whether a debugger is connected.
    pub(crate) fn is_attached(&self) -> bool {
        self.attached.load(Ordering::Relaxed)
    }

    /// A vCPU begins to run.
    pub(crate) fn thread_begins(&self, vcpu: &mut Vcpu) {
        let thread = Thread { vcpu, parked: false, action: Action::Unnamed, signal: None };
        lock(&self.state).threads.insert(vcpu.tid as usize, thread);
        if self.stop.load(Ordering::SeqCst) {
            vcpu.ctx.request_exit();
        }
    }

    /// A vCPU has stopped running.
    pub(crate) fn thread_ends(&self, vcpu: &Vcpu) {
        lock(&self.state).threads.remove(&(vcpu.tid as usize));
        self.changed.notify_all();
    }

    /// In the child of a fork, which is not debugged: the stub stayed with the parent.
    pub(crate) fn after_fork(&self) {
        self.gone.store(true, Ordering::SeqCst);
        self.attached.store(false, Ordering::SeqCst);
        self.stop.store(false, Ordering::SeqCst);
        self.breakpoint_count.store(0, Ordering::SeqCst);
        self.watchpoint_count.store(0, Ordering::SeqCst);
        self.catching.store(false, Ordering::SeqCst);
    }

    /// Whether an address has a breakpoint.
    pub(crate) fn has_breakpoint(&self, pc: u64) -> bool {
        self.breakpoint_count.load(Ordering::Relaxed) != 0 && lock(&self.breakpoints).contains(&pc)
    }

    /// Whether a range of addresses has a breakpoint.
    pub(crate) fn has_breakpoint_in(&self, start: u64, end: u64) -> bool {
        self.breakpoint_count.load(Ordering::Relaxed) != 0
            && start < end
            && lock(&self.breakpoints).range(start..end).next().is_some()
    }

    pub(crate) fn is_watching(&self) -> bool {
        self.watchpoint_count.load(Ordering::Relaxed) != 0
    }

    /// The watchpoint that an access hits.
    fn watched(&self, addr: u64, size: u64, writes: bool) -> Option<Watchpoint> {
        let hits = |w: &&Watchpoint| {
            let wanted = match w.kind {
                WatchKind::Write => writes,
                WatchKind::Read => !writes,
                WatchKind::ReadWrite => true,
            };
            wanted && addr < w.addr.saturating_add(w.len) && w.addr < addr.saturating_add(size)
        };
        lock(&self.watchpoints).iter().find(hits).copied()
    }

    /// Whether a system call is to be told.
    pub(crate) fn catches(&self, number: u64) -> bool {
        self.catching.load(Ordering::Relaxed)
            && lock(&self.caught).as_ref().is_some_and(|set| set.is_empty() || set.contains(&number))
    }

    /// Between two guest instructions: parks if the world is to stop.
    pub(crate) fn checkpoint(&self, vcpu: &mut Vcpu) {
        if self.stop.load(Ordering::SeqCst) && self.is_attached() {
            self.park(vcpu, None);
        }
    }

    /// Reports what happened to this thread and parks; gives the signal that the debugger lets through.
    pub(crate) fn report(&self, vcpu: &mut Vcpu, stop: Stop) -> Option<i32> {
        self.park(vcpu, Some(stop))
    }

    fn park(&self, vcpu: &mut Vcpu, event: Option<Stop>) -> Option<i32> {
        let tid = vcpu.tid as usize;
        let mut state = lock(&self.state);
        if let Some(event) = event {
            state.events.push_back((tid, event));
            self.call_all(&state);
            self.ring();
        }
        loop {
            let turn = state.turn;
            if let Some(thread) = state.threads.get_mut(&tid) {
                // The pointer that was registered has been reborrowed since.
                thread.vcpu = vcpu;
                thread.parked = true;
            }
            self.changed.notify_all();
            while state.turn == turn && self.is_attached() {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let attached = self.is_attached();
            let Some(thread) = state.threads.get_mut(&tid) else { return None };
            if thread.action == Action::Stay && attached {
                continue;
            }
            thread.parked = false;
            vcpu.stepping = thread.action == Action::Step && attached;
            return thread.signal.take();
        }
    }

    /// Asks every thread that runs to park.
    fn call_all(&self, state: &State) {
        self.stop.store(true, Ordering::SeqCst);
        for (tid, thread) in state.threads.iter().filter(|(_, thread)| !thread.parked) {
            // SAFETY: registered vCPUs live; only an atomic is touched.
            unsafe { (*thread.vcpu).ctx.request_exit() };
            host::signal::nudge(*tid as i32);
        }
    }

    fn ring(&self) {
        let one = 1u64;
        // SAFETY: writes 8 initialised bytes.
        unsafe { libc::write(self.bell, (&raw const one).cast(), 8) };
    }
}

/// A signal is about to be delivered: the one that the debugger wants delivered instead, if any.
pub(crate) fn filter_signal(vcpu: &mut Vcpu, info: SigInfo) -> Option<SigInfo> {
    let Some(debugger) = vcpu.debugger().filter(|debugger| debugger.is_attached()) else { return Some(info) };
    let Some(tid) = tid(vcpu) else { return Some(info) };
    let signal = arch::to_gdb(info.signo);
    match debugger.report(vcpu, Stop::SignalWithThread { tid, signal }) {
        Some(number) if number == info.signo => Some(info),
        Some(number) => Some(SigInfo::kernel(number)),
        None if debugger.is_attached() => None,
        None => Some(info),
    }
}

/// The process ends with a status.
pub(crate) fn process_ends(vcpu: &mut Vcpu, status: i32) {
    tell_end(vcpu, Stop::Exited(status as u8));
}

/// The process ends by a signal.
pub(crate) fn process_dies(vcpu: &mut Vcpu, signal: i32) {
    tell_end(vcpu, Stop::Terminated(arch::to_gdb(signal)));
}

/// Tells the debugger how the process ends, and waits for a moment until that has been said.
fn tell_end(vcpu: &mut Vcpu, end: Stop) {
    let Some(debugger) = vcpu.debugger().filter(|debugger| debugger.is_attached()) else { return };
    let mut state = lock(&debugger.state);
    if std::mem::replace(&mut state.told, true) {
        return;
    }
    state.events.clear();
    state.events.push_back((vcpu.tid as usize, end));
    debugger.ring();
    let limit = std::time::Duration::from_secs(2);
    let attached = |_: &mut State| debugger.is_attached();
    drop(debugger.changed.wait_timeout_while(state, limit, attached));
}

fn tid(vcpu: &Vcpu) -> Option<gdbstub::common::Tid> {
    gdbstub::common::Tid::new(vcpu.tid as usize)
}

impl Vcpu {
    /// The debugger that this thread belongs to. A child that borrows its parent's memory has none.
    pub(crate) fn debugger(&self) -> Option<&'static Debugger> {
        let debugger = self.process.debugger.get().filter(|debugger| !debugger.gone.load(Ordering::Relaxed));
        if self.borrowed.is_some() { None } else { debugger }
    }
}
