//! How a process ends, and the calls about processes that other files answer.

use std::sync::OnceLock;

use super::Answer;
use super::sigcalls::answer;
use crate::host::syscall::syscall;
use crate::vcpu::Vcpu;

pub use super::clone::{clone, clone3};
pub use super::exec::{execve, execveat};
pub use super::wait::{wait4, waitid};

/// What runs before the process ends.
static AT_EXIT: OnceLock<fn(&mut Vcpu)> = OnceLock::new();

/// Registers what runs once before the process ends, whoever ends it: statistics, the cache on disk. Only the first counts.
pub fn at_exit(run: fn(&mut Vcpu)) {
    let _ = AT_EXIT.set(run);
}

/// Runs what was registered; for ends that are not [`end`].
pub fn before_exit(vcpu: &mut Vcpu) {
    // First, because the counts are gone once they are settled.
    vcpu.note_profile();
    crate::observe::process_ends(vcpu);
    // A child that borrows its parent's memory must leave everything there as it is.
    if vcpu.borrowed.is_some() {
        return;
    }
    vcpu.process.disk.publish(vcpu.process, true);
    if let Some(run) = AT_EXIT.get() {
        run(vcpu);
    }
}

/// Ends the process.
pub fn end(vcpu: &mut Vcpu, status: i32) -> ! {
    crate::debug::process_ends(vcpu, status);
    before_exit(vcpu);
    // SAFETY: ends all threads, without libc's exit handlers: the guest has run its own.
    unsafe { syscall(libc::SYS_exit_group, [status as u64, 0, 0, 0, 0, 0]) };
    unreachable!("the process has ended")
}

/// `exit_group(status)`.
pub fn exit_group(vcpu: &mut Vcpu, [status, ..]: [u64; 6]) -> Answer {
    end(vcpu, status as i32 & 0xff)
}

/// `unshare(flags)`.
pub fn unshare(vcpu: &mut Vcpu, [flags, ..]: [u64; 6]) -> Answer {
    // Some flags want a process with one thread, and the kernel counts ours too.
    vcpu.process.background.stop();
    // SAFETY: no memory is involved.
    answer(unsafe { syscall(libc::SYS_unshare, [flags, 0, 0, 0, 0, 0]) })
}
