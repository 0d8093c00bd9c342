//! What has to hold still while the process forks.
//!
//! The child has one thread. A lock that another thread held at the fork would stay locked in it for ever, and what the lock
//! protects would be half changed. So whoever owns a process-wide lock registers how to take it: `fork` takes them all, in
//! the order of registration, and parent and child each release them afterwards.

use std::any::Any;
use std::sync::{Mutex, PoisonError};

/// Takes a lock; dropping the result releases it.
type Hold = Box<dyn Fn() -> Box<dyn Any> + Send>;

static HOLDS: Mutex<Vec<Hold>> = Mutex::new(Vec::new());

/// Registers a lock to hold during every `fork`. Locks that nest are registered outermost first.
pub fn hold_at_fork(hold: impl Fn() -> Box<dyn Any> + Send + 'static) {
    HOLDS.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(hold));
}

/// Runs `fork` with every registered lock held.
pub fn with_locks_held<R>(fork: impl FnOnce() -> R) -> R {
    let holds = HOLDS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut held: Vec<Box<dyn Any>> = holds.iter().map(|hold| hold()).collect();
    let result = fork();
    // Innermost first.
    while held.pop().is_some() {}
    result
}
