//! Children that share their parent's memory and run beside it: CLONE_VM without CLONE_THREAD or CLONE_VFORK.
//!
//! Such a child is a process of its own whose host thread needs thread-local state of its own, or libc and Rust would take it
//! for its parent. libc makes such state for its threads only, so a thread is made that ends at once without giving it back;
//! the child takes it over, with a signal stack and a host stack. What a child has left is used again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::clone::{Borrowed, HostStack, Request, child_flags, flag, run_sharing};
use super::Errno;
use crate::host::{signal as host, syscall};
use crate::memory::GuestAddr;
use crate::vcpu::Vcpu;

/// What one child needs of the host.
struct Place {
    /// The thread pointer, which leads to the thread-local state.
    tls: u64,
    stack: HostStack,
    /// The child that has it; it is free when there is no such process any more.
    child: i32,
}

// SAFETY: the pointers lead to memory that belongs to nobody else.
unsafe impl Send for Place {}

static PLACES: Mutex<Vec<Place>> = Mutex::new(Vec::new());

/// What the child starts with.
pub(super) struct Start {
    pub vcpu: Box<Vcpu>,
    pub request: Request,
}

/// Makes a child that shares the memory and runs beside its parent.
pub(super) fn spawn(vcpu: &mut Vcpu, request: &Request) -> Result<i32, Errno> {
    let mut places = PLACES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let place = match places.iter().position(|place| is_gone(place.child)) {
        Some(index) => places.swap_remove(index),
        None => Place { tls: thread_local_state()?, stack: HostStack::new()?, child: 0 },
    };
    let mut child = vcpu.fork_copy();
    child.signals = vcpu.signals.for_thread();
    request.prepare(&mut child);
    child.borrowed = Some(Box::new(Borrowed::with_limits(vcpu.limits().copy())));
    if !request.has(flag::SIGHAND) {
        child.signals.own_actions = Some(std::sync::Arc::new(vcpu.actions().copy()));
    }
    let start = Box::into_raw(Box::new(Start { vcpu: child, request: *request }));
    let memory = &vcpu.process.memory;
    // What a thread's end clears, the kernel clears even if the child is killed.
    let cleared = request.pointer(flag::CHILD_CLEARTID, request.child_tid);
    if let Some(word) = cleared {
        memory.prepare_write(word, 4);
    }
    let flags = child_flags(request) | libc::CLONE_SETTLS | if cleared.is_some() { libc::CLONE_CHILD_CLEARTID } else { 0 };
    let [pidfd, cleared] = [GuestAddr(request.pidfd), cleared.unwrap_or_default()].map(|word| memory.g2h(word));
    let tls: *mut u8 = std::ptr::with_exposed_provenance_mut(place.tls as usize);
    host::block_all();
    // SAFETY: the child gets a stack and thread-local state that nobody else uses, and takes the box.
    let id = unsafe { libc::clone(run_sharing, place.stack.top(), flags, start.cast(), pidfd, tls, cleared) };
    let id = if id == -1 { Err(Errno::last()) } else { Ok(id) };
    if id.is_err() {
        // SAFETY: no child has taken it.
        drop(unsafe { Box::from_raw(start) });
    }
    places.push(Place { child: id.unwrap_or(0), ..place });
    drop(places);
    if let (Ok(id), Some(word)) = (id, request.pointer(flag::PARENT_SETTID, request.parent_tid)) {
        let _ = memory.write(word, &id);
    }
    super::signal::apply_mask(vcpu);
    id
}

/// Holds the list still while the process forks.
pub(super) fn hold() -> impl Drop {
    PLACES.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// In the child of a fork: libc has taken the thread-local state of all other threads back there.
pub(super) fn after_fork() {
    PLACES.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clear();
}

/// Whether no process has this id, not even one that waits to be reaped.
fn is_gone(child: i32) -> bool {
    // SAFETY: no memory is involved; signal 0 only asks.
    child == 0 || unsafe { libc::kill(child, 0) } == -1
}

/// Makes thread-local state: that of a thread that has ended.
fn thread_local_state() -> Result<u64, Errno> {
    extern "C" fn end(tls: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: the creator waits for the word. The thread ends without libc, which would take its state back.
        unsafe {
            (*tls.cast::<AtomicU64>()).store(libc::pthread_self(), Ordering::Release);
            syscall::syscall(libc::SYS_exit, [0; 6]);
        }
        std::ptr::null_mut()
    }
    let tls = AtomicU64::new(0);
    let mask = host::block_all();
    // SAFETY: the attributes are initialised before use, and the word outlives the thread's use of it.
    let error = unsafe {
        let mut attributes = std::mem::zeroed();
        libc::pthread_attr_init(&mut attributes);
        libc::pthread_attr_setstacksize(&mut attributes, 128 << 10);
        libc::pthread_attr_setdetachstate(&mut attributes, libc::PTHREAD_CREATE_DETACHED);
        let mut thread = std::mem::zeroed();
        let error = libc::pthread_create(&mut thread, &attributes, end, (&raw const tls).cast_mut().cast());
        libc::pthread_attr_destroy(&mut attributes);
        error
    };
    host::restore_mask(mask);
    if error != 0 {
        return Err(Errno(error));
    }
    while tls.load(Ordering::Acquire) == 0 {
        std::thread::yield_now();
    }
    Ok(tls.load(Ordering::Acquire))
}
