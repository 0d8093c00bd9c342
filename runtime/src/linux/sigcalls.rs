//! The system calls about signals.

use super::signal::{Action, AltStack, SigInfo, UNCATCHABLE, force_bad_frame, sa, with_temp_mask};
use super::{Answer, Errno, Outcome, sigframe};
use crate::host::signal::{SIGNALS, SYNCHRONOUS, bit};
use crate::host::syscall::{ERESTARTSYS, blocking_syscall, syscall};
use crate::memory::{GuestAddr, Memory};
use crate::vcpu::Vcpu;

/// Smallest alternate stack that the kernel takes on riscv64 (`MINSIGSTKSZ`).
const MINSIGSTKSZ: u64 = 2048;

/// What a host call's result means: -ERESTARTSYS, that a signal has to be handled first.
pub fn answer(result: i64) -> Answer {
    if result == -ERESTARTSYS { Err(Outcome::RestartAlways) } else { Ok(Errno::from_host(result)?) }
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
pub fn rt_sigaction(vcpu: &mut Vcpu, [signal, new, old, size, ..]: [u64; 6]) -> Answer {
    check_size(size)?;
    let memory = &vcpu.process.memory;
    let new: Option<Action> = read_optional(memory, new)?;
    let signal = check_signal(signal)?;
    let previous = match new {
        Some(_) if UNCATCHABLE & bit(signal) != 0 => return Err(Errno::EINVAL.into()),
        Some(Action { handler, flags, mask }) => {
            let action = Action { handler, flags: flags & sa::KNOWN, mask: mask & !UNCATCHABLE };
            vcpu.actions().set(signal, action)
        }
        None => vcpu.actions().get(signal),
    };
    write_optional(memory, old, &previous)?;
    Ok(0)
}

/// `rt_sigprocmask(how, new, old, size)`.
pub fn rt_sigprocmask(vcpu: &mut Vcpu, [how, new, old, size, ..]: [u64; 6]) -> Answer {
    check_size(size)?;
    let memory = &vcpu.process.memory;
    let previous = vcpu.signals.mask;
    if let Some(set) = read_optional::<u64>(memory, new)? {
        let mask = match how as i32 {
            libc::SIG_BLOCK => previous | set,
            libc::SIG_UNBLOCK => previous & !set,
            libc::SIG_SETMASK => set,
            _ => return Err(Errno::EINVAL.into()),
        };
        change_mask(vcpu, mask)?;
    }
    write_optional(memory, old, &previous)?;
    Ok(0)
}

/// Replaces the thread's mask, unless a signal was captured under the old one: it came first and is delivered first, so the
/// call has to be made again. Synchronous signals that were sent and become unblocked are asked for.
fn change_mask(vcpu: &mut Vcpu, mask: u64) -> Answer {
    let mask = mask & !UNCATCHABLE;
    let host = mask & !SYNCHRONOUS;
    let args = [libc::SIG_SETMASK as u64, &raw const host as u64, 0, 8, 0, 0];
    // SAFETY: the kernel reads one mask.
    let result = answer(unsafe { blocking_syscall(&vcpu.ctx.exit_request, libc::SYS_rt_sigprocmask, args) })?;
    vcpu.signals.mask = mask;
    if vcpu.signals.inbox.sent() & !mask != 0 {
        vcpu.request_exit();
    }
    Ok(result)
}

/// `rt_sigreturn()`.
pub fn rt_sigreturn(vcpu: &mut Vcpu, _: [u64; 6]) -> Answer {
    match sigframe::Frame::read(vcpu) {
        Ok(frame) => {
            // A signal that was captured under the handler's mask is delivered on top of the handler.
            change_mask(vcpu, frame.mask())?;
            frame.restore(vcpu);
        }
        Err(_) => force_bad_frame(vcpu),
    }
    Err(Outcome::NoReturn)
}

/// `rt_sigpending(set, size)`.
pub fn rt_sigpending(vcpu: &mut Vcpu, [set, size, ..]: [u64; 6]) -> Answer {
    if size > 8 {
        return Err(Errno::EINVAL.into());
    }
    let mut pending = 0u64;
    let args = [&raw mut pending as u64, 8, 0, 0, 0, 0];
    // SAFETY: the kernel writes one mask. It knows nothing of a captured signal, which therefore goes first.
    answer(unsafe { blocking_syscall(&vcpu.ctx.exit_request, libc::SYS_rt_sigpending, args) })?;
    pending |= vcpu.signals.inbox.sent() & vcpu.signals.mask;
    vcpu.process.memory.write_bytes(GuestAddr(set), &pending.to_ne_bytes()[..size as usize])?;
    Ok(0)
}

/// `rt_sigsuspend(mask, size)`.
pub fn rt_sigsuspend(vcpu: &mut Vcpu, [mask, size, ..]: [u64; 6]) -> Answer {
    check_size(size)?;
    let mask = vcpu.process.memory.read::<u64>(GuestAddr(mask))?;
    let result = with_temp_mask(vcpu, Some(mask), |vcpu, host| {
        if vcpu.signals.inbox.sent() & !mask != 0 {
            // One that the kernel does not know of ends the wait at once.
            vcpu.request_exit();
            return i64::from(-libc::EINTR);
        }
        // SAFETY: the kernel reads one mask.
        unsafe { blocking_syscall(&vcpu.ctx.exit_request, libc::SYS_rt_sigsuspend, [host as u64, 8, 0, 0, 0, 0]) }
    });
    answer(result)
}

/// `rt_sigtimedwait(set, info, timeout, size)`.
pub fn rt_sigtimedwait(vcpu: &mut Vcpu, [set, info, timeout, size, ..]: [u64; 6]) -> Answer {
    check_size(size)?;
    let memory = &vcpu.process.memory;
    let set: u64 = memory.read(GuestAddr(set))?;
    let timeout: Option<[i64; 2]> = read_optional(memory, timeout)?;
    let mut found = SigInfo::NONE;
    let sent = vcpu.signals.inbox.sent() & set;
    let signal = match vcpu.signals.inbox.take_sent(sent.trailing_zeros() as i32 + 1) {
        Some(info) => {
            found = info;
            info.signo as u64
        }
        None => {
            let time = timeout.as_ref().map_or(0, |time| time.as_ptr() as u64);
            let args = [&raw const set as u64, &raw mut found as u64, time, 8, 0, 0];
            // SAFETY: the kernel reads a mask and a time and writes one siginfo.
            answer(unsafe { blocking_syscall(&vcpu.ctx.exit_request, libc::SYS_rt_sigtimedwait, args) })?
        }
    };
    write_optional(memory, info, &found)?;
    Ok(signal)
}

/// Reads the siginfo that a process sends; its number is the argument's.
fn read_sent(vcpu: &Vcpu, signal: u64, info: u64) -> Result<SigInfo, Errno> {
    let info: SigInfo = vcpu.process.memory.read(GuestAddr(info))?;
    Ok(SigInfo { signo: signal as i32, ..info })
}

/// `rt_sigqueueinfo(process, signal, info)`.
pub fn rt_sigqueueinfo(vcpu: &mut Vcpu, [process, signal, info, ..]: [u64; 6]) -> Answer {
    let info = read_sent(vcpu, signal, info)?;
    let args = [process, signal, &raw const info as u64, 0, 0, 0];
    // SAFETY: the kernel reads one siginfo.
    answer(unsafe { syscall(libc::SYS_rt_sigqueueinfo, args) })
}

/// `rt_tgsigqueueinfo(process, thread, signal, info)`.
pub fn rt_tgsigqueueinfo(vcpu: &mut Vcpu, [process, thread, signal, info, ..]: [u64; 6]) -> Answer {
    let info = read_sent(vcpu, signal, info)?;
    if thread as i32 == vcpu.tid && check_signal(signal).is_ok_and(|signal| SYNCHRONOUS & bit(signal) != 0) {
        // Crash reporters raise the fault that they caught again, siginfo and all. On the host it would look like a fault
        // of Mynah's.
        vcpu.signals.inbox.put_sent(info);
        vcpu.request_exit();
        return Ok(0);
    }
    let args = [process, thread, signal, &raw const info as u64, 0, 0];
    // SAFETY: the kernel reads one siginfo.
    answer(unsafe { syscall(libc::SYS_rt_tgsigqueueinfo, args) })
}

/// `kill(process, signal)`.
pub fn kill(_: &mut Vcpu, [process, signal, ..]: [u64; 6]) -> Answer {
    // SAFETY: no memory is involved; a signal to this process is caught or acts as it would natively.
    answer(unsafe { syscall(libc::SYS_kill, [process, signal, 0, 0, 0, 0]) })
}

/// `tkill(thread, signal)`.
pub fn tkill(_: &mut Vcpu, [thread, signal, ..]: [u64; 6]) -> Answer {
    // SAFETY: as in `kill`.
    answer(unsafe { syscall(libc::SYS_tkill, [thread, signal, 0, 0, 0, 0]) })
}

/// `tgkill(process, thread, signal)`.
pub fn tgkill(_: &mut Vcpu, [process, thread, signal, ..]: [u64; 6]) -> Answer {
    // SAFETY: as in `kill`.
    answer(unsafe { syscall(libc::SYS_tgkill, [process, thread, signal, 0, 0, 0]) })
}

/// `sigaltstack(new, old)`.
pub fn sigaltstack(vcpu: &mut Vcpu, [new, old, ..]: [u64; 6]) -> Answer {
    let current = vcpu.signals.altstack;
    let state = match current.size {
        0 => libc::SS_DISABLE,
        _ if current.holds(vcpu.x(2)) => libc::SS_ONSTACK,
        _ => 0,
    };
    let told = AltStack { flags: state | current.flags & AltStack::AUTODISARM, pad: 0, ..current };
    if let Some(new) = read_optional::<AltStack>(&vcpu.process.memory, new)? {
        set_altstack(vcpu, new)?;
    }
    write_optional(&vcpu.process.memory, old, &told)?;
    Ok(0)
}

/// Replaces the alternate stack, by the kernel's rules.
pub(super) fn set_altstack(vcpu: &mut Vcpu, new: AltStack) -> Result<(), Errno> {
    if vcpu.signals.altstack.holds(vcpu.x(2)) {
        return Err(Errno::EPERM);
    }
    let current = &vcpu.signals.altstack;
    // Nothing changes: the kernel does not look further.
    if (current.base, current.size, current.flags) == (new.base, new.size, new.flags) {
        return Ok(());
    }
    vcpu.signals.altstack = match new.flags & !AltStack::AUTODISARM {
        libc::SS_DISABLE => AltStack { base: 0, size: 0, pad: 0, ..new },
        0 | libc::SS_ONSTACK if new.size < MINSIGSTKSZ => return Err(Errno::ENOMEM),
        0 | libc::SS_ONSTACK => AltStack { pad: 0, ..new },
        _ => return Err(Errno::EINVAL),
    };
    Ok(())
}
