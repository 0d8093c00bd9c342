//! A guest thread.

use mynah_backend::Context;

use crate::linux::signal::ThreadSignals;
use crate::memory::GuestAddr;
use crate::process::Process;

/// A guest thread and all that belongs to it alone. Lives in a box whose address never changes: translated code and
/// host signal handlers hold it.
#[repr(C)]
pub struct Vcpu {
    /// What translated code sees. First, so that a `*mut Context` is a `*mut Vcpu`.
    pub ctx: Context,
    /// The process it belongs to.
    pub process: &'static Process,
    /// Host thread id, which is the guest's too.
    pub tid: i32,
    /// Mask, alternate stack, and what arrived.
    pub signals: ThreadSignals,
    /// `set_tid_address`: zeroed and woken when the thread ends; 0 if none.
    pub clear_child_tid: GuestAddr,
    /// `set_robust_list`: the guest's list of locks to release when the thread dies; 0 if none.
    pub robust_list: GuestAddr,
    /// A child of `vfork`: runs on the memory and the host thread's state of a parent that waits.
    pub borrowed: Option<Box<crate::linux::clone::Borrowed>>,
}

const _: () = assert!(std::mem::offset_of!(Vcpu, ctx) == 0);
