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
}

const _: () = assert!(std::mem::offset_of!(Vcpu, ctx) == 0);
