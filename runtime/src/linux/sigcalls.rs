//! The system calls about signals.

use std::time::Duration;

use super::signal::{Action, AltStack, SigInfo, UNCATCHABLE, force_bad_frame, sa, with_temp_mask};
use super::{Errno, Outcome, sigframe};
use crate::host::signal::{SIGNALS, SYNCHRONOUS, bit};
use crate::host::syscall::{ERESTARTSYS, blocking_syscall, syscall};
use crate::memory::{GuestAddr, Memory};
use crate::vcpu::Vcpu;

/// Smallest alternate stack that the kernel takes on riscv64 (`MINSIGSTKSZ`).
const MINSIGSTKSZ: u64 = 2048;

/// Turns the result of a host call into an outcome: -ERESTARTSYS means that a signal has to be handled first.
pub fn outcome(result: i64) -> Outcome {
    if result == -ERESTARTSYS { Outcome::RestartAlways } else { Errno::from_host(result).into() }
}

/// The kernel takes sets of one size only.
fn check_size(size: u64) -> Result<(), Errno> {
    if size == 8 { Ok(()) } else { Err(Errno::EINVAL) }
}

fn check_signal(signal: u64) -> Result<i32, Errno> {
    let signal = signal as i32;
    if (1..=SIGNALS).contains(&signal) { Ok(signal) } else { Err(Errno::EINVAL) }
}

/// Reads a value behind a pointer that may be null.
fn read_optional<T: crate::memory::Pod>(memory: &Memory, addr: u64) -> Result<Option<T>, Errno> {
    if addr == 0 { Ok(None) } else { memory.read(GuestAddr(addr)).map(Some) }
}

/// Writes a value behind a pointer that may be null.
fn write_optional<T: crate::memory::Pod>(memory: &Memory, addr: u64, value: &T) -> Result<(), Errno> {
    if addr == 0 { Ok(()) } else { memory.write(GuestAddr(addr), value) }
}

/// `rt_sigaction(signal, new, old, size)`.
pub fn rt_sigaction(vcpu: &mut Vcpu, [signal, new, old, size, ..]: [u64; 6]) -> Outcome {
    let answer = || {
        check_size(size)?;
        let memory = &vcpu.process.memory;
        let new: Option<Action> = read_optional(memory, new)?;
        let signal = check_signal(signal)?;
        let previous = match new {
            Some(_) if UNCATCHABLE & bit(signal) != 0 => return Err(Errno::EINVAL),
            Some(Action { handler, flags, mask }) => {
                let action = Action { handler, flags: flags & sa::KNOWN, mask: mask & !UNCATCHABLE };
                vcpu.actions().set(signal, action)
            }
            None => vcpu.actions().get(signal),
        };
        write_optional(memory, old, &previous)?;
        Ok(0)
    };
    answer().into()
}

/// `rt_sigprocmask(how, new, old, size)`.
pub fn rt_sigprocmask(vcpu: &mut Vcpu, [how, new, old, size, ..]: [u64; 6]) -> Outcome {
    let memory = &vcpu.process.memory;
    let previous = vcpu.signals.mask;
    let new = match check_size(size).and_then(|()| read_optional::<u64>(memory, new)) {
        Ok(new) => new,
        Err(errno) => return errno.into(),
    };
    if let Some(set) = new {
        let mask = match how as i32 {
            libc::SIG_BLOCK => previous | set,
            libc::SIG_UNBLOCK => previous & !set,
            libc::SIG_SETMASK => set,
            _ => return Errno::EINVAL.into(),
        };
        if !change_mask(vcpu, mask) {
            return Outcome::RestartAlways;
        }
    }
    write_optional(memory, old, &previous).map(|()| 0).into()
}

/// Replaces the thread's mask, unless a signal was captured under the old one: it came first and is delivered first, so the
/// call has to be made again. Synchronous signals that were sent and become unblocked are asked for.
fn change_mask(vcpu: &mut Vcpu, mask: u64) -> bool {
    let mask = mask & !UNCATCHABLE;
    let host = mask & !SYNCHRONOUS;
    let args = [libc::SIG_SETMASK as u64, &raw const host as u64, 0, 8, 0, 0];
    // SAFETY: the kernel reads one mask.
    let result = unsafe { blocking_syscall(&vcpu.ctx.exit_request, libc::SYS_rt_sigprocmask, args) };
    if result == -ERESTARTSYS {
        return false;
    }
    vcpu.signals.mask = mask;
    if vcpu.signals.inbox.sent() & !mask != 0 {
        vcpu.ctx.exit_request.store(1, std::sync::atomic::Ordering::SeqCst);
    }
    true
}

/// `rt_sigreturn()`.
pub fn rt_sigreturn(vcpu: &mut Vcpu, _: [u64; 6]) -> Outcome {
    match sigframe::Frame::read(vcpu) {
        // A signal that was captured under the handler's mask is delivered on top of the handler.
        Ok(frame) if !change_mask(vcpu, frame.mask()) => Outcome::RestartAlways,
        Ok(frame) => {
            frame.restore(vcpu);
            Outcome::NoReturn
        }
        Err(_) => {
            force_bad_frame(vcpu);
            Outcome::NoReturn
        }
    }
}

/// `rt_sigpending(set, size)`.
pub fn rt_sigpending(vcpu: &mut Vcpu, [set, size, ..]: [u64; 6]) -> Outcome {
    if size > 8 {
        return Errno::EINVAL.into();
    }
    let mut pending = 0u64;
    let args = [&raw mut pending as u64, 8, 0, 0, 0, 0];
    // SAFETY: the kernel writes one mask. It knows nothing of a captured signal, which therefore goes first.
    let result = unsafe { blocking_syscall(&vcpu.ctx.exit_request, libc::SYS_rt_sigpending, args) };
    if result < 0 {
        return outcome(result);
    }
    pending |= vcpu.signals.inbox.sent() & vcpu.signals.mask;
    vcpu.process.memory.write_bytes(GuestAddr(set), &pending.to_ne_bytes()[..size as usize]).map(|()| 0).into()
}

/// `rt_sigsuspend(mask, size)`.
pub fn rt_sigsuspend(vcpu: &mut Vcpu, [mask, size, ..]: [u64; 6]) -> Outcome {
    let mask = match check_size(size).and_then(|()| vcpu.process.memory.read::<u64>(GuestAddr(mask))) {
        Ok(mask) => mask & !UNCATCHABLE,
        Err(errno) => return errno.into(),
    };
    let result = with_temp_mask(vcpu, Some(mask), |vcpu, host| {
        if vcpu.signals.inbox.sent() & !mask != 0 {
            // One that the kernel does not know of ends the wait at once.
            vcpu.ctx.exit_request.store(1, std::sync::atomic::Ordering::SeqCst);
            return i64::from(-libc::EINTR);
        }
        // SAFETY: the kernel reads one mask.
        unsafe { blocking_syscall(&vcpu.ctx.exit_request, libc::SYS_rt_sigsuspend, [host as u64, 8, 0, 0, 0, 0]) }
    });
    outcome(result)
}

/// `rt_sigtimedwait(set, info, timeout, size)`.
pub fn rt_sigtimedwait(vcpu: &mut Vcpu, [set, info, timeout, size, ..]: [u64; 6]) -> Outcome {
    let memory = &vcpu.process.memory;
    let arguments = || {
        check_size(size)?;
        let set: u64 = memory.read(GuestAddr(set))?;
        Ok((set, read_optional::<[i64; 2]>(memory, timeout)?))
    };
    let (set, timeout) = match arguments() {
        Ok(arguments) => arguments,
        Err(errno) => return Outcome::Errno(errno),
    };
    if timeout.is_some_and(|[seconds, nanos]| seconds < 0 || !(0..Duration::from_secs(1).as_nanos() as i64).contains(&nanos)) {
        return Errno::EINVAL.into();
    }
    let mut found = SigInfo::NONE;
    let sent = vcpu.signals.inbox.sent() & set;
    let result = if sent != 0 {
        found = vcpu.signals.inbox.take_sent(sent.trailing_zeros() as i32 + 1).unwrap_or(SigInfo::NONE);
        i64::from(found.signo)
    } else {
        let time = timeout.as_ref().map_or(0, |time| time.as_ptr() as u64);
        let args = [&raw const set as u64, &raw mut found as u64, time, 8, 0, 0];
        // SAFETY: the kernel reads a mask and a time and writes one siginfo.
        unsafe { blocking_syscall(&vcpu.ctx.exit_request, libc::SYS_rt_sigtimedwait, args) }
    };
    if result < 0 {
        return outcome(result);
    }
    write_optional(memory, info, &found).map(|()| result as u64).into()
}

/// Reads the siginfo that a process sends; its number is the argument's.
fn read_sent(vcpu: &Vcpu, signal: u64, info: u64) -> Result<SigInfo, Errno> {
    let info: SigInfo = vcpu.process.memory.read(GuestAddr(info))?;
    Ok(SigInfo { signo: signal as i32, ..info })
}

/// `rt_sigqueueinfo(process, signal, info)`.
pub fn rt_sigqueueinfo(vcpu: &mut Vcpu, [process, signal, info, ..]: [u64; 6]) -> Outcome {
    let info = match read_sent(vcpu, signal, info) {
        Ok(info) => info,
        Err(errno) => return errno.into(),
    };
    let args = [process, signal, &raw const info as u64, 0, 0, 0];
    // SAFETY: the kernel reads one siginfo.
    outcome(unsafe { syscall(libc::SYS_rt_sigqueueinfo, args) })
}

/// `rt_tgsigqueueinfo(process, thread, signal, info)`.
pub fn rt_tgsigqueueinfo(vcpu: &mut Vcpu, [process, thread, signal, info, ..]: [u64; 6]) -> Outcome {
    let info = match read_sent(vcpu, signal, info) {
        Ok(info) => info,
        Err(errno) => return errno.into(),
    };
    if thread as i32 == vcpu.tid && check_signal(signal).is_ok_and(|signal| SYNCHRONOUS & bit(signal) != 0) {
        // Crash reporters raise the fault that they caught again, siginfo and all. On the host it would look like a fault
        // of Mynah's.
        vcpu.signals.inbox.put_sent(info);
        vcpu.ctx.exit_request.store(1, std::sync::atomic::Ordering::SeqCst);
        return Outcome::Return(0);
    }
    let args = [process, thread, signal, &raw const info as u64, 0, 0];
    // SAFETY: the kernel reads one siginfo.
    outcome(unsafe { syscall(libc::SYS_rt_tgsigqueueinfo, args) })
}

/// `kill(process, signal)`.
pub fn kill(_: &mut Vcpu, [process, signal, ..]: [u64; 6]) -> Outcome {
    // SAFETY: no memory is involved; a signal to this process is caught or acts as it would natively.
    outcome(unsafe { syscall(libc::SYS_kill, [process, signal, 0, 0, 0, 0]) })
}

/// `tkill(thread, signal)`.
pub fn tkill(_: &mut Vcpu, [thread, signal, ..]: [u64; 6]) -> Outcome {
    // SAFETY: as in `kill`.
    outcome(unsafe { syscall(libc::SYS_tkill, [thread, signal, 0, 0, 0, 0]) })
}

/// `tgkill(process, thread, signal)`.
pub fn tgkill(_: &mut Vcpu, [process, thread, signal, ..]: [u64; 6]) -> Outcome {
    // SAFETY: as in `kill`.
    outcome(unsafe { syscall(libc::SYS_tgkill, [process, thread, signal, 0, 0, 0]) })
}

/// `restart_syscall()`: only the kernel itself makes it usefully.
pub fn restart_syscall(_: &mut Vcpu, _: [u64; 6]) -> Outcome {
    Errno::EINTR.into()
}

/// `sigaltstack(new, old)`.
pub fn sigaltstack(vcpu: &mut Vcpu, [new, old, ..]: [u64; 6]) -> Outcome {
    let current = vcpu.signals.altstack;
    let state = match current.size {
        0 => libc::SS_DISABLE,
        _ if current.holds(vcpu.x(2)) => libc::SS_ONSTACK,
        _ => 0,
    };
    let told = AltStack { flags: state | current.flags & AltStack::AUTODISARM, ..current };
    let answer = read_optional::<AltStack>(&vcpu.process.memory, new).and_then(|new| {
        if let Some(new) = new {
            set_altstack(vcpu, new)?;
        }
        write_optional(&vcpu.process.memory, old, &told)
    });
    answer.map(|()| 0).into()
}

/// Replaces the alternate stack, by the kernel's rules.
pub(super) fn set_altstack(vcpu: &mut Vcpu, new: AltStack) -> Result<(), Errno> {
    if vcpu.signals.altstack.holds(vcpu.x(2)) {
        return Err(Errno::EPERM);
    }
    vcpu.signals.altstack = match new.flags & !AltStack::AUTODISARM {
        libc::SS_DISABLE => AltStack { base: 0, size: 0, pad: 0, ..new },
        0 | libc::SS_ONSTACK if new.size < MINSIGSTKSZ => return Err(Errno::ENOMEM),
        0 | libc::SS_ONSTACK => AltStack { pad: 0, ..new },
        _ => return Err(Errno::EINVAL),
    };
    Ok(())
}
