//! Observers: whoever wants to know what a guest does, from the profile to a cache simulation.
//!
//! An [`Observer`] says what it wants; what nobody wants is neither measured nor called, and without observers the
//! dispatcher does not even pass through this folder. What is wanted decides the way guest code runs:
//!
//! | wanted | how |
//! |---|---|
//! | counts | translated code adds to a counter of each block ([`counts`]) |
//! | samples | a timer on the thread's CPU time; the guest never sees its signal ([`sample`]) |
//! | blocks, instructions, accesses | tier 0 alone, one call for each event ([`precise`]) |
//! | system calls, translations | a call for each |

pub mod counts;
pub mod perf;
pub(crate) mod precise;
pub mod profile;
pub mod record;
mod run;
pub mod sample;
pub mod vectors;

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mynah_backend::Compiled;
use mynah_frontend::riscv64::Insn;
use mynah_ir::Region;
use rustc_hash::FxHashMap;

use crate::host::signal::SigInfo;
use crate::process::Process;
use crate::vcpu::Vcpu;
use counts::{Counters, Numbers};
pub use precise::{Access, AccessKind};

/// What an observer wants to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wants {
    /// [`Observer::block_known`], and exact counts of executions in [`Observer::settle`].
    pub counts: bool,
    /// [`Observer::block_executed`]. Like the next two, this runs the guest in tier 0 alone.
    pub blocks: bool,
    /// [`Observer::instruction`].
    pub instructions: bool,
    /// [`Observer::access`].
    pub accesses: bool,
    /// [`Observer::system_call`].
    pub system_calls: bool,
    /// [`Observer::stages`].
    pub stages: bool,
    /// [`Observer::sample`], so many times in a second of CPU time; 0 for never.
    pub samples: u32,
}

impl Wants {
    fn or(self, other: Wants) -> Wants {
        Wants {
            counts: self.counts | other.counts,
            blocks: self.blocks | other.blocks,
            instructions: self.instructions | other.instructions,
            accesses: self.accesses | other.accesses,
            system_calls: self.system_calls | other.system_calls,
            stages: self.stages | other.stages,
            samples: self.samples.max(other.samples),
        }
    }

    /// Whether each event is to be told by itself.
    pub fn precise(&self) -> bool {
        self.blocks || self.instructions || self.accesses
    }
}

/// A block as observers know it: the same whichever tier executes it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct BlockInfo {
    /// Guest address of its first instruction.
    pub pc: u64,
    /// Guest address after its last one.
    pub end: u64,
    /// The code, `end - pc` bytes.
    pub bytes: Box<[u8]>,
}

/// A region that was translated.
#[derive(Clone, Debug)]
pub struct Translation {
    /// Guest address of its entry.
    pub pc: u64,
    /// Guest code: start and end of each block.
    pub guest: Vec<(u64, u64)>,
    /// Guest instructions.
    pub insns: u32,
    /// Bytes of host code.
    pub host_bytes: usize,
    /// Host address of the entry; 0 if the guest's code changed meanwhile and nothing was published.
    pub host: u64,
    /// Time from the region to the published code, nanoseconds.
    pub ns: u64,
}

/// A system call that ended.
#[derive(Clone, Copy, Debug)]
pub struct SystemCall {
    /// Number.
    pub number: u64,
    /// Arguments.
    pub args: [u64; 6],
    /// The result register, an error negative; `None` for a call that does not come back or is made again.
    pub result: Option<i64>,
    /// How long it took, nanoseconds.
    pub ns: u64,
}

/// What a thread was doing when it was sampled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Doing {
    /// Executing pre-decoded guest code.
    Tier0,
    /// Executing translated guest code.
    Tier1,
    /// In the system call of this number.
    SystemCall(u64),
    /// Waiting for its translation.
    Translating,
}

/// What was seen of a thread at one moment.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What it was doing.
    pub doing: Doing,
    /// Guest address that it was at.
    pub pc: u64,
    /// Guest addresses of the calls that led there, innermost first; walked a moment later, so that the first may be of
    /// a function that has been left or entered since.
    pub stack: Vec<u64>,
}

/// Why translated code was left, for counts of exits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ExitKind {
    /// To code without a translation.
    NotTranslated,
    /// By an indirect jump that neither cache knew.
    Indirect,
    /// For a system call.
    SystemCall,
    /// A memory access faulted.
    Fault,
    /// Somebody asked for it: a signal, a sample, a change of code.
    Interrupted,
    /// An instruction that traps.
    Trap,
    /// An instruction that only tier 0 executes.
    Interpret,
}

impl ExitKind {
    /// Every kind with its name in reports.
    pub const ALL: [(ExitKind, &'static str); 7] = [
        (ExitKind::NotTranslated, "not translated"),
        (ExitKind::Indirect, "indirect"),
        (ExitKind::SystemCall, "system call"),
        (ExitKind::Fault, "fault"),
        (ExitKind::Interrupted, "interrupted"),
        (ExitKind::Trap, "trap"),
        (ExitKind::Interpret, "interpret"),
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        ExitKind::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

/// Exact counts since the last [`Observer::settle`].
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// By the block's number: executions to the end without and with its branch taken.
    pub blocks: Vec<[u64; 2]>,
    /// What is rare.
    pub rare: Rare,
    /// Blocks that got no number because there were too many; what they executed is missing.
    pub unnumbered: u64,
}

/// Counts of what is rare.
#[derive(Clone, Debug, Default)]
pub struct Rare {
    /// (number, pc): executions of a block that ended before the instruction at pc was complete.
    pub aborted: FxHashMap<(u32, u64), u64>,
    /// Instructions that were executed by themselves, by address.
    pub single: FxHashMap<u64, u64>,
    /// Exits from translated code, by the guest address at which it was left.
    pub exits: FxHashMap<(u64, ExitKind), u64>,
}

impl Rare {
    fn add(&mut self, other: Rare) {
        let Rare { aborted, single, exits } = other;
        aborted.into_iter().for_each(|(key, n)| *self.aborted.entry(key).or_default() += n);
        single.into_iter().for_each(|(key, n)| *self.single.entry(key).or_default() += n);
        exits.into_iter().for_each(|(key, n)| *self.exits.entry(key).or_default() += n);
    }
}

/// Sees what a guest does. Calls come from the guest's threads, in no order between threads; none may use guest memory
/// that is not mapped otherwise than through [`Process::memory`].
#[allow(unused_variables)]
pub trait Observer: Send + Sync {
    /// What to tell it. Asked once.
    fn wants(&self) -> Wants;
    /// A block was decoded for the first time, under a number that counts refer to.
    fn block_known(&self, process: &Process, number: u32, block: &BlockInfo) {}
    /// The program has been loaded and is about to begin.
    fn begins(&self, process: &Process) {}
    /// A region at three stages of its translation: as lifted, after the passes, compiled.
    fn stages(&self, process: &Process, before: &Region, after: &Region, compiled: &Compiled) {}
    /// A signal is about to be delivered to the guest, or to end it.
    fn signal(&self, vcpu: &Vcpu, info: &SigInfo) {}
    /// A region was translated.
    fn translated(&self, process: &Process, translation: &Translation) {}
    /// Guest code in a range changed or went away, and with it the translations that begin at `entries`.
    fn code_changed(&self, start: u64, end: u64, entries: &[u64]) {}
    /// A block is about to be executed.
    fn block_executed(&self, vcpu: &Vcpu, pc: u64, insns: usize) {}
    /// An instruction is about to be executed.
    fn instruction(&self, vcpu: &Vcpu, insn: &Insn) {}
    /// An instruction read or wrote memory.
    fn access(&self, vcpu: &Vcpu, access: &Access) {}
    /// A system call came back, or never will.
    fn system_call(&self, vcpu: &Vcpu, call: &SystemCall) {}
    /// A thread was looked at.
    fn sample(&self, vcpu: &Vcpu, sample: &Sample) {}
    /// The process ends or executes another program: here is what was counted since the last time. Called once more if
    /// the program could not be executed.
    fn settle(&self, process: &Process, totals: &Totals) {}
    /// This is the child of a `fork`, with nothing counted yet.
    fn forked(&self, process: &Process) {}
    /// Holds every lock that the observer has while the process forks.
    fn fork_guard(&'static self) -> Box<dyn Any> {
        Box::new(())
    }
}

/// The observers of a process.
pub struct Observers {
    list: Vec<Box<dyn Observer>>,
    /// What any of them wants.
    pub wants: Wants,
    inner: Mutex<Inner>,
}

/// What observers' machinery knows of the process.
#[derive(Default)]
struct Inner {
    numbers: Numbers,
    threads: Vec<Arc<Watched>>,
    ended: Totals,
}

/// The counts of one thread, as others see them.
pub(crate) struct Watched {
    counters: Counters,
    rare: Mutex<Rare>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic aborts the process, so no lock is ever poisoned.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread under observation: what its vCPU keeps.
pub(crate) struct Watch {
    observers: &'static Observers,
    pub(crate) thread: Arc<Watched>,
    timer: Option<sample::Timer>,
    /// The system call that has not come back, with its arguments.
    calling: Option<(u64, [u64; 6])>,
}

impl Observers {
    /// `None` if there is nobody.
    pub fn new(list: Vec<Box<dyn Observer>>) -> Option<Observers> {
        let wants = list.iter().map(|observer| observer.wants()).reduce(Wants::or)?;
        Some(Observers { list, wants, inner: Mutex::default() })
    }

    /// Tells all of them.
    pub(crate) fn tell(&self, event: impl Fn(&dyn Observer)) {
        self.list.iter().for_each(|observer| event(&**observer));
    }

    /// Begins to watch a thread.
    pub(crate) fn watch(&'static self) -> Watch {
        let thread = Arc::new(Watched { counters: Counters::new(self.wants.counts), rare: Mutex::default() });
        lock(&self.inner).threads.push(thread.clone());
        Watch { observers: self, thread, timer: None, calling: None }
    }

    /// Takes the counts of a thread that ends.
    fn thread_ends(&self, thread: &Arc<Watched>) {
        let mut inner = lock(&self.inner);
        let before = inner.threads.len();
        inner.threads.retain(|other| !Arc::ptr_eq(other, thread));
        if inner.threads.len() < before {
            let numbers = inner.numbers.len();
            take_counts(thread, numbers, &mut inner.ended);
        }
    }

    /// The number of a block, and its news to the observers if it is a new one; `None` if there are too many.
    pub(crate) fn number(&self, process: &Process, block: BlockInfo) -> Option<u32> {
        let mut inner = lock(&self.inner);
        let (number, new) = match inner.numbers.number(&block) {
            Some(found) => found,
            None => {
                inner.ended.unnumbered += 1;
                return None;
            }
        };
        drop(inner);
        if new {
            self.tell(|observer| observer.block_known(process, number, &block));
        }
        Some(number)
    }

    /// Start and end of a block with a number.
    fn range(&self, number: u32) -> Option<(u64, u64)> {
        lock(&self.inner).numbers.range(number)
    }

    /// Hands out what was counted since the last time.
    fn settle(&self, process: &Process) {
        let mut inner = lock(&self.inner);
        let mut totals = std::mem::take(&mut inner.ended);
        let numbers = inner.numbers.len();
        for thread in &inner.threads {
            take_counts(thread, numbers, &mut totals);
        }
        drop(inner);
        self.tell(|observer| observer.settle(process, &totals));
    }

    /// Holds what observers' machinery knows still while the process forks.
    pub(crate) fn fork_guard(&'static self) -> Box<dyn Any> {
        let own = lock(&self.inner);
        let others: Vec<Box<dyn Any>> = self.list.iter().map(|observer| observer.fork_guard()).collect();
        Box::new((others, own))
    }
}

/// Moves a thread's counts into `totals`.
fn take_counts(thread: &Watched, numbers: usize, totals: &mut Totals) {
    thread.counters.take(numbers, &mut totals.blocks);
    totals.rare.add(std::mem::take(&mut lock(&thread.rare)));
}

/// The calling thread's process ends.
pub(crate) fn process_ends(vcpu: &mut Vcpu) {
    leave(vcpu);
}

/// The calling thread's process is about to execute another program, if that succeeds.
pub(crate) fn before_exec(vcpu: &mut Vcpu) {
    leave(vcpu);
}

/// It did not succeed.
pub(crate) fn exec_failed(vcpu: &mut Vcpu) {
    if let Some(watch) = vcpu.watch.as_mut()
        && vcpu.borrowed.is_none()
    {
        watch.timer = sample::Timer::start(watch.observers.wants.samples);
    }
}

fn leave(vcpu: &mut Vcpu) {
    vcpu.settle_counts();
    let Some(mut watch) = vcpu.watch.take() else {
        // The last thread has ended already, by itself.
        if let (Some(observers), None) = (&vcpu.process.observers, &vcpu.borrowed) {
            observers.settle(vcpu.process);
        }
        return;
    };
    watch.timer = None;
    if let Some((number, args)) = watch.calling.take() {
        let call = SystemCall { number, args, result: None, ns: 0 };
        watch.observers.tell(|observer| observer.system_call(vcpu, &call));
    }
    if vcpu.borrowed.is_some() {
        // A child on its parent's memory: what it did is its parent's to tell.
        let mut inner = lock(&watch.observers.inner);
        let numbers = inner.numbers.len();
        take_counts(&watch.thread, numbers, &mut inner.ended);
    } else {
        watch.observers.settle(vcpu.process);
    }
    vcpu.watch = Some(watch);
}

/// A vCPU begins to run.
pub(crate) fn thread_begins(vcpu: &mut Vcpu) {
    let Some(observers) = vcpu.process.observers.as_ref() else { return };
    let mut watch = observers.watch();
    vcpu.ctx.counters = watch.thread.counters.cells();
    if vcpu.borrowed.is_none() {
        watch.timer = sample::Timer::start(observers.wants.samples);
    }
    vcpu.watch = Some(Box::new(watch));
}

/// A vCPU has stopped running.
pub(crate) fn thread_ends(vcpu: &mut Vcpu) {
    vcpu.ctx.counters = std::ptr::null_mut();
    vcpu.watch = None;
}

impl Drop for Watch {
    /// Not only in [`thread_ends`]: the child of a `vfork` that executes a program leaves this to its parent.
    fn drop(&mut self) {
        self.observers.thread_ends(&self.thread);
    }
}

/// In the child of a `fork`, whose only thread is the calling one.
pub(crate) fn after_fork(vcpu: &mut Vcpu) {
    let Some(watch) = vcpu.watch.as_mut() else { return };
    let observers = watch.observers;
    let mut inner = lock(&observers.inner);
    inner.threads.retain(|thread| Arc::ptr_eq(thread, &watch.thread));
    inner.ended = Totals::default();
    watch.thread.counters.clear();
    *lock(&watch.thread.rare) = Rare::default();
    drop(inner);
    // The kernel's timers stay with the parent; there is nothing to delete here.
    watch.timer.take().map(std::mem::forget).unwrap_or_default();
    watch.timer = sample::Timer::start(observers.wants.samples);
    watch.calling = None;
    observers.tell(|observer| observer.forked(vcpu.process));
}
