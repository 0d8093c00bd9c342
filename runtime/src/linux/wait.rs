//! Waiting for children, which are host processes.

use super::{Answer, Outcome};
use super::sigcalls::answer;
use super::signal::SigInfo;
use crate::host::syscall::blocking_syscall;
use crate::memory::GuestAddr;
use crate::vcpu::Vcpu;

/// `struct rusage`, the same on host and guest.
type Usage = [u64; 18];

/// `wait4(process, status, options, usage)`.
pub fn wait4(vcpu: &mut Vcpu, [process, status, options, usage, ..]: [u64; 6]) -> Answer {
    let (mut host_status, mut host_usage): (i32, Usage) = (0, [0; 18]);
    let args = [process, &raw mut host_status as u64, options, &raw mut host_usage as u64, 0, 0];
    // SAFETY: the kernel writes a status and a usage.
    let child = answer(unsafe { blocking_syscall(&vcpu.ctx.exit_request, libc::SYS_wait4, args) })?;
    if child != 0 && status != 0 {
        vcpu.process.memory.write(GuestAddr(status), &host_status)?;
    }
    if child != 0 && usage != 0 {
        vcpu.process.memory.write(GuestAddr(usage), &host_usage)?;
    }
    Ok(child)
}

/// `waitid(kind, id, info, options, usage)`.
pub fn waitid(vcpu: &mut Vcpu, [kind, id, info, options, usage, _]: [u64; 6]) -> Answer {
    let (mut host_info, mut host_usage): (SigInfo, Usage) = (SigInfo::NONE, [0; 18]);
    let args = [kind, id, &raw mut host_info as u64, options, &raw mut host_usage as u64, 0];
    // SAFETY: the kernel writes a siginfo and a usage.
    let result = answer(unsafe { blocking_syscall(&vcpu.ctx.exit_request, libc::SYS_waitid, args) });
    if let Err(Outcome::RestartAlways) = result {
        return result;
    }
    let memory = &vcpu.process.memory;
    // Without a child the kernel leaves the usage alone and clears the info, even when the call fails.
    if usage != 0 && host_info.signo != 0 {
        memory.write(GuestAddr(usage), &host_usage)?;
    }
    if info != 0 {
        // The kernel writes these fields only: number, error, code; process, user, status.
        memory.write(GuestAddr(info), &[host_info.signo, host_info.errno, host_info.code])?;
        let [first, second] = [host_info.fields[0], host_info.fields[1]];
        memory.write(GuestAddr(info) + 16, &[first as u32, (first >> 32) as u32, second as u32])?;
    }
    result
}
