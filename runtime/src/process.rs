//! What the threads of a guest process share.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use mynah_backend::cache::{ImageId, Published};
use mynah_backend::entry::View;
use mynah_backend::{CodeCache, Compiled, Context};
use mynah_ir::Region;

use crate::debug::Debugger;
use crate::disk::Disk;
use crate::linux::limits::Limits;
use crate::linux::signal::Actions;
use crate::loader::{Image, Sysroot};
use crate::memory::Memory;
use crate::observe::{Observers, Translation};
use crate::options::Options;
use crate::background::Background;
use crate::stats::{Counts, Stats};
use crate::translate::{TranslateOptions, Translator};
use crate::vcpu::Vcpu;

/// A guest process. Lives as long as the host process: threads hold `&'static Process`.
pub struct Process {
    /// What was chosen on the command line.
    pub options: Options,
    /// The guest's address space.
    pub memory: Memory,
    /// Where guest paths are looked up.
    pub sysroot: Sysroot,
    /// The program that was loaded: entry, program headers, brk start, stack, auxv, names.
    pub image: Image,
    /// Signal dispositions.
    pub actions: Actions,
    /// Resource limits that Mynah keeps.
    pub limits: Limits,
    /// Translations.
    pub code: CodeCache,
    /// Translations of earlier processes, and for later ones.
    pub disk: Disk,
    /// Translates what is hot beside the guest's threads.
    pub background: Background,
    /// Who wants to know what the guest does; `None` if nobody does.
    pub observers: Option<Observers>,
    /// The gdb stub, once it listens.
    pub debugger: OnceLock<Debugger>,
    /// Counts of all threads that ended, and of the process as a whole.
    pub stats: Stats,
    translator: Mutex<Option<Translator>>,
    changes: Changes,
    threads: Mutex<Vec<Thread>>,
}

/// A registered vCPU, as other threads see it.
struct Thread(*const Context, *const AtomicBool);

// SAFETY: both pointers lead to a vCPU that stays registered only while it lives, and only atomics are reached through
// them.
unsafe impl Send for Thread {}

/// What happened to guest code or to the code cache, for every vCPU to take note of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Guest code in a range changed or went away.
    Code {
        /// First address.
        start: u64,
        /// Address after the last.
        end: u64,
        /// Guest pcs of the translations that were dropped for it.
        entries: Arc<[u64]>,
    },
    /// The code cache was emptied.
    Flush,
}

impl Change {
    /// Whether code in any of the ranges changed.
    fn touches(&self, ranges: &[(u64, u64)]) -> bool {
        match self {
            Change::Code { start, end, .. } => ranges.iter().any(|(s, e)| s < end && start < e),
            Change::Flush => false,
        }
    }
}

/// A log of changes. Each vCPU remembers how far it has read.
#[derive(Default)]
struct Changes {
    /// Number of changes so far.
    version: AtomicU64,
    /// The latest of them; what is older than the log is as good as a flush.
    log: Mutex<VecDeque<Change>>,
    /// Somebody wants every thread out of translated code.
    stop: AtomicBool,
}

/// Changes that are kept.
const LOG: usize = 1024;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic aborts the process, so no lock is ever poisoned.
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

impl Process {
    /// Puts a process together. What its owner may still replace before it runs: `limits`, which are all 0 here.
    pub fn new(options: Options, memory: Memory, sysroot: Sysroot, image: Image, actions: Actions) -> Process {
        let code = CodeCache::new(options.cache_size);
        let disk = Disk::new(&options, &memory);
        Process {
            options,
            memory,
            sysroot,
            image,
            actions,
            limits: Limits::default(),
            code,
            disk,
            background: Background::default(),
            observers: None,
            debugger: OnceLock::new(),
            stats: Stats::default(),
            translator: Mutex::new(None),
            changes: Changes::default(),
            threads: Mutex::new(Vec::new()),
        }
    }

    /// The guest's view of `/proc/self/exe`.
    pub fn exe(&self) -> &PathBuf {
        &self.image.exe
    }

    /// The guest's argument vector.
    pub fn argv(&self) -> &[OsString] {
        &self.image.argv
    }

    /// Translates a region whose bytes were read when there had been `version` changes of code, and publishes it; gives
    /// its host entry. Waits for other threads that translate.
    pub fn translate(&self, mut region: Region, version: u64) -> Option<u64> {
        let mut translator = lock(&self.translator);
        let begin = Instant::now();
        if translator.is_none() {
            *translator = self.make_translator();
        }
        let stages = self.observers.as_ref().filter(|observers| observers.wants.stages);
        let lifted = stages.map(|_| region.clone());
        let result = translator.as_mut()?.translate(&mut region);
        let compiled = match result {
            Ok(compiled) => compiled,
            Err(error) => {
                tracing::error!("{error} at {:#x}", region.pc());
                self.stats.add(&Counts { failed: 1, ..Counts::default() });
                return None;
            }
        };
        let piece = self.disk.piece(&self.memory, &compiled);
        if let (Some(observers), Some(lifted)) = (stages, &lifted) {
            observers.tell(|observer| observer.stages(self, lifted, &region, &compiled));
        }
        let entry = self.publish(&compiled, version);
        if let (Some(_), Some(piece)) = (entry, piece) {
            self.disk.keep(piece);
        }
        let translate_ns = begin.elapsed().as_nanos() as u64;
        self.stats.add(&Counts { regions: 1, translate_ns, ..Counts::default() });
        if let Some(observers) = &self.observers {
            let translation = Translation {
                pc: compiled.pc,
                guest: compiled.guest.clone(),
                insns: compiled.guest_insns,
                host_bytes: compiled.code.len(),
                host: entry.unwrap_or(0),
                ns: translate_ns,
            };
            observers.tell(|observer| observer.translated(self, &translation));
        }
        entry
    }

    /// Puts a translation into the code cache, unless guest code that it came from has changed since there had been
    /// `version` changes.
    fn publish(&self, compiled: &Compiled, version: u64) -> Option<u64> {
        let mut published = self.publish_unchanged(compiled, version)?;
        if matches!(published, Ok(Published::Full)) {
            published = match self.flush_code() {
                Ok(()) => self.publish_unchanged(compiled, version)?,
                Err(error) => Err(error),
            };
        }
        match published {
            Ok(Published::Entry(entry)) => Some(entry),
            Ok(Published::Full) => None,
            Err(error) => {
                tracing::error!("no memory for translated code: {error}");
                None
            }
        }
    }

    /// The look at the changes and the publication are one step: no change can come between them, so translations of
    /// code that has changed are never in the code cache, not even for a moment.
    fn publish_unchanged(&self, compiled: &Compiled, version: u64) -> Option<std::io::Result<Published>> {
        let log = lock(&self.changes.log);
        let missed = (self.version() - version) as usize;
        let changed = missed > log.len() || log.iter().rev().take(missed).any(|change| change.touches(&compiled.guest));
        (!changed).then(|| self.code.publish(compiled))
    }

    /// Activates a region of an entry from disk whose bytes were compared when there had been `version` changes of code, as
    /// [`publish_unchanged`](Process::publish_unchanged) publishes a translation.
    pub(crate) fn activate(&self, image: ImageId, region: usize, view: &View, base: u64, version: u64) -> Option<u64> {
        let guest: Vec<(u64, u64)> =
            view.guest.iter().map(|(s, e)| (base.wrapping_add(*s), base.wrapping_add(*e))).collect();
        let log = lock(&self.changes.log);
        let missed = (self.version() - version) as usize;
        let changed = missed > log.len() || log.iter().rev().take(missed).any(|change| change.touches(&guest));
        if changed { None } else { self.code.activate(image, region, view) }
    }

    fn make_translator(&self) -> Option<Translator> {
        let options = TranslateOptions {
            add_guest_base: self.memory.guest_base() != 0,
            host: self.options.host,
            passes: self.options.passes,
            verify: self.options.verify,
        };
        Translator::new(options).map_err(|error| tracing::error!("{error}")).ok()
    }

    /// Drops everything that came from a guest range: at once from the code cache, and from each vCPU's own tables before
    /// it runs on.
    pub fn invalidate(&self, start: u64, end: u64) {
        let mut dropped: Arc<[u64]> = Arc::default();
        self.change(|| {
            dropped = self.code.invalidate(start, end).into();
            Change::Code { start, end, entries: dropped.clone() }
        });
        if let Some(observers) = &self.observers {
            observers.tell(|observer| observer.code_changed(start, end, &dropped));
        }
    }

    /// Makes a change and notes it, in one step for whoever publishes translations, and calls every vCPU to look at it.
    fn change(&self, make: impl FnOnce() -> Change) {
        let mut log = lock(&self.changes.log);
        if log.len() == LOG {
            log.pop_front();
        }
        log.push_back(make());
        self.changes.version.fetch_add(1, Ordering::SeqCst);
        drop(log);
        for thread in lock(&self.threads).iter() {
            // SAFETY: registered vCPUs live.
            unsafe { (*thread.0).request_exit() };
        }
    }

    /// The number of changes so far.
    #[inline(always)]
    pub fn version(&self) -> u64 {
        self.changes.version.load(Ordering::Acquire)
    }

    /// The changes after number `seen`, and the number to remember; `None` if the log does not reach so far back.
    pub fn changes_since(&self, seen: u64) -> (Option<Vec<Change>>, u64) {
        let log = lock(&self.changes.log);
        let version = self.version();
        let missed = (version - seen) as usize;
        let list = (missed <= log.len()).then(|| log.iter().skip(log.len() - missed).cloned().collect());
        (list, version)
    }

    /// Registers a vCPU that is about to run.
    pub(crate) fn register(&self, ctx: &Context, in_code: &AtomicBool) {
        lock(&self.threads).push(Thread(ctx, in_code));
    }

    /// Takes it out again.
    pub(crate) fn unregister(&self, ctx: &Context) {
        lock(&self.threads).retain(|t| !std::ptr::eq(t.0, ctx));
    }

    /// In the child of a fork: `ctx` is the only thread left.
    pub fn after_fork(&self, ctx: &Context) {
        lock(&self.threads).retain(|t| std::ptr::eq(t.0, ctx));
        self.code.after_fork();
        self.background.after_fork();
    }

    /// Locks of this process that must be held while it forks, innermost last.
    pub fn hold_for_fork(&'static self) {
        crate::host::fork::hold_at_fork(move || Box::new(self.background.fork_guard()));
        crate::host::fork::hold_at_fork(move || Box::new(lock(&self.translator)));
        crate::host::fork::hold_at_fork(move || Box::new(lock(&self.changes.log)));
        crate::host::fork::hold_at_fork(move || Box::new(lock(&self.threads)));
        crate::host::fork::hold_at_fork(move || Box::new(self.disk.fork_guard()));
        crate::host::fork::hold_at_fork(move || Box::new(self.code.fork_guard()));
        if let Some(observers) = &self.observers {
            crate::host::fork::hold_at_fork(move || observers.fork_guard());
        }
    }

    /// Whether threads must stay out of translated code for now.
    #[inline(always)]
    pub(crate) fn is_stopped(&self) -> bool {
        self.changes.stop.load(Ordering::SeqCst)
    }

    /// Stops every thread but the calling one between two instructions or in a system call, as far as each gets there within
    /// a moment, and shows their vCPUs. They never run again: the process is about to die.
    pub(crate) fn stop_others(&self, own: &Vcpu, mut show: impl FnMut(&Vcpu)) {
        /// How long a thread has to come out of translated code.
        const PATIENCE: Duration = Duration::from_millis(200);
        let begin = Instant::now();
        self.changes.stop.store(true, Ordering::SeqCst);
        for thread in lock(&self.threads).iter().filter(|thread| !std::ptr::eq(thread.0, &own.ctx)) {
            // SAFETY: registered vCPUs live, and begin with their contexts. One that does not stop in time is read while it
            // runs: what is shown of it may then be torn, which the core file of a dying process can bear.
            unsafe {
                (*thread.0).request_exit();
                while (*thread.1).load(Ordering::SeqCst) && begin.elapsed() < PATIENCE {
                    std::thread::yield_now();
                }
                show(&*thread.0.cast::<Vcpu>());
            }
        }
    }

    /// Empties the code cache; the calling thread is not in translated code.
    pub(crate) fn flush_code(&self) -> std::io::Result<()> {
        self.changes.stop.store(true, Ordering::SeqCst);
        for thread in lock(&self.threads).iter() {
            // SAFETY: registered vCPUs live.
            unsafe {
                (*thread.0).request_exit();
                while (*thread.1).load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
            }
        }
        // SAFETY: every thread is out, and looks at the stop flag and at the version before it goes in again; the
        // change that is announced makes each empty its tables.
        let result = unsafe { self.code.flush() };
        self.change(|| Change::Flush);
        self.changes.stop.store(false, Ordering::SeqCst);
        result
    }
}
