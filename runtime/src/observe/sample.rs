//! Samples: a timer on each thread's CPU time, whose signal the guest never sees.
//!
//! The signal is SIGFPE, which is always caught and never blocked on the host ([`crate::host::signal`]) and which no riscv64
//! instruction raises. The timer's siginfo carries [`MAGIC`], so nothing that a guest sends is taken for it. The handler
//! notes where the thread is and asks for an exit; the dispatcher takes the sample between two guest instructions, where
//! registers and memory are those of the guest.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Doing;
use crate::host::signal::SigInfo;
use crate::host::syscall::syscall;

/// What the timer's siginfo carries.
const MAGIC: u64 = 0x6d79_6e61_6820_7469;

/// Where the timer found the thread.
#[derive(Debug, Default)]
pub(crate) struct Tick {
    doing: AtomicU64,
    /// Guest address of the block that tier 0 executes.
    pub(crate) pc: AtomicU64,
    pending: AtomicBool,
    seen_doing: AtomicU64,
    seen_host_pc: AtomicU64,
    seen_pc: AtomicU64,
}

/// [`Doing`] as a number: system calls from 3 upwards.
fn encode(doing: Doing) -> u64 {
    match doing {
        Doing::Tier0 => 0,
        Doing::Tier1 => 1,
        Doing::Translating => 2,
        Doing::SystemCall(number) => 3 + number,
    }
}

fn decode(number: u64) -> Doing {
    match number {
        0 => Doing::Tier0,
        1 => Doing::Tier1,
        2 => Doing::Translating,
        _ => Doing::SystemCall(number - 3),
    }
}

impl Tick {
    /// Says what the thread does from now on.
    pub(crate) fn doing(&self, doing: Doing) {
        self.doing.store(encode(doing), Ordering::Relaxed);
    }

    /// Notes what the thread does, in its signal handler. `host_pc` is 0 outside of translated code.
    pub(crate) fn note(&self, host_pc: u64) {
        self.seen_doing.store(self.doing.load(Ordering::Relaxed), Ordering::Relaxed);
        self.seen_pc.store(self.pc.load(Ordering::Relaxed), Ordering::Relaxed);
        self.seen_host_pc.store(host_pc, Ordering::Relaxed);
        self.pending.store(true, Ordering::Release);
    }

    /// What was noted, once: what the thread did, its host pc in translated code or 0, and tier 0's block.
    pub(crate) fn take(&self) -> Option<(Doing, u64, u64)> {
        if !self.pending.load(Ordering::Relaxed) {
            return None;
        }
        self.pending.store(false, Ordering::Relaxed);
        let load = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        Some((decode(load(&self.seen_doing)), load(&self.seen_host_pc), load(&self.seen_pc)))
    }
}

/// Whether a signal is the timer's.
pub(crate) fn is_tick(info: &SigInfo) -> bool {
    info.signo == libc::SIGFPE && info.code == libc::SI_TIMER && info.fields[1] == MAGIC
}

/// A timer on the calling thread's CPU time.
pub(crate) struct Timer(i32);

impl Timer {
    /// Starts one that fires `frequency` times in a second of CPU time; `None` for 0, or if the kernel has none left.
    pub(crate) fn start(frequency: u32) -> Option<Timer> {
        if frequency == 0 {
            return None;
        }
        // SAFETY: all zero is a valid `struct sigevent`, and no memory is involved in `gettid`.
        let (mut event, tid): (libc::sigevent, i32) = unsafe { (std::mem::zeroed(), libc::gettid()) };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = libc::SIGFPE;
        event.sigev_notify_thread_id = tid;
        event.sigev_value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(MAGIC as usize) };
        let mut id = 0i32;
        let args = [libc::CLOCK_THREAD_CPUTIME_ID as u64, &raw const event as u64, &raw mut id as u64, 0, 0, 0];
        // SAFETY: the kernel reads the event and writes the id.
        let made = unsafe { syscall(libc::SYS_timer_create, args) };
        if made < 0 {
            tracing::warn!("no timer for samples of a thread: error {}", -made);
            return None;
        }
        let timer = Timer(id);
        let period = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000_000 / i64::from(frequency.max(2)) };
        let spec = libc::itimerspec { it_interval: period, it_value: period };
        // SAFETY: the kernel reads the times.
        unsafe { syscall(libc::SYS_timer_settime, [id as u64, 0, &raw const spec as u64, 0, 0, 0]) };
        Some(timer)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: no memory is involved.
        unsafe { syscall(libc::SYS_timer_delete, [self.0 as u64, 0, 0, 0, 0, 0]) };
    }
}
