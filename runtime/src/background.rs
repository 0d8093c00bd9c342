//! The background translator: a host thread that exists only while there are regions to translate.
//!
//! It is no thread of the guest's: it blocks every signal, holds no vCPU, and is waited for before anything that a
//! process with a second thread could not do ([`Background::stop`]). A forked child starts without it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::thread::JoinHandle;

use mynah_ir::Region;
use rustc_hash::FxHashMap;

use crate::process::Process;

/// Regions that wait at most; beyond that, hot blocks ask again later.
const LIMIT: usize = 256;

/// A region to translate, and the number of changes to guest code when its bytes were read.
struct Job {
    region: Region,
    version: u64,
}

#[derive(Default)]
struct Inner {
    jobs: VecDeque<Job>,
    /// In how many regions that wait or are being translated each block is. A block that is in one need not become the
    /// entry of another: soon it will run in that one.
    pending: FxHashMap<u64, u32>,
    thread: Option<JoinHandle<()>>,
    running: bool,
}

/// The queue of regions, and the thread that works on it.
#[derive(Default)]
pub struct Background {
    inner: Mutex<Inner>,
}

impl Inner {
    /// A region with these blocks does not wait any more.
    fn settle(&mut self, blocks: &[u64]) {
        for pc in blocks {
            if let Some(count) = self.pending.get_mut(pc) {
                *count -= 1;
                if *count == 0 {
                    self.pending.remove(pc);
                }
            }
        }
    }
}

impl Background {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic aborts the process, so the lock is never poisoned.
        self.inner.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Whether a region for `pc` could be queued: it is not there yet, and there is room.
    pub fn accepts(&self, pc: u64) -> bool {
        let inner = self.lock();
        inner.jobs.len() < LIMIT && !inner.pending.contains_key(&pc)
    }

    /// Queues a region, and starts the thread if it does not run. False if no thread could be started.
    pub fn submit(&self, process: &'static Process, region: Region, version: u64) -> bool {
        let mut inner = self.lock();
        for block in &region.blocks {
            *inner.pending.entry(block.pc).or_default() += 1;
        }
        inner.jobs.push_back(Job { region, version });
        if inner.running {
            return true;
        }
        // The one before has left its loop: it is gone, or just about to be.
        drop(inner.thread.take());
        let mask = crate::host::signal::block_all();
        let started =
            std::thread::Builder::new().name("translator".into()).spawn(move || process.background.work(process));
        // libc takes signal 33 for itself when it makes its first thread; the guest's own use of it goes on.
        process.actions.reapply(33);
        crate::host::signal::restore_mask(mask);
        inner.running = started.is_ok();
        inner.thread = started.ok();
        if !inner.running {
            inner.jobs.clear();
            inner.pending.clear();
        }
        inner.running
    }

    fn work(&self, process: &'static Process) {
        // SAFETY: no memory is involved.
        crate::linux::procfs::helper_changed(unsafe { libc::gettid() });
        loop {
            let mut inner = self.lock();
            let Some(job) = inner.jobs.pop_front() else {
                inner.running = false;
                crate::linux::procfs::helper_changed(0);
                return;
            };
            drop(inner);
            let blocks: Vec<u64> = job.region.blocks.iter().map(|block| block.pc).collect();
            process.translate(job.region, job.version);
            self.lock().settle(&blocks);
        }
    }

    /// Whether the thread may still be there.
    pub fn has_thread(&self) -> bool {
        self.lock().thread.is_some()
    }

    /// Drops what waits, and waits until the thread is gone.
    pub fn stop(&self) {
        let mut inner = self.lock();
        inner.jobs.clear();
        let thread = inner.thread.take();
        drop(inner);
        if let Some(thread) = thread {
            // An error would mean a panic, which aborts.
            let _ = thread.join();
        }
        self.lock().pending.clear();
    }

    /// Holds the queue still while the process forks.
    pub fn fork_guard(&self) -> impl Drop + '_ {
        self.lock()
    }

    /// In a forked child: the thread stayed with the parent.
    pub fn after_fork(&self) {
        let mut inner = self.lock();
        // The handle names a thread of another process; it must not be joined or detached here.
        std::mem::forget(inner.thread.take());
        crate::linux::procfs::helper_changed(0);
        *inner = Inner::default();
    }
}
