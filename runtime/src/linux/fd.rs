//! Descriptors: `dup`, `close`, `fcntl`, and those that are Mynah's own.

use std::sync::atomic::{AtomicI32, Ordering};

use super::syscall::{call, pointer, wait, writable};
use super::{Answer, Errno, procfs};
use crate::linux::arguments::Args;
use crate::memory::GuestAddr;
use crate::vcpu::Vcpu;

/// Descriptors that the guest must not close or replace, -1 where there is none. Without a lock, which a guest's fork could
/// copy while it is held.
static RESERVED: [AtomicI32; 16] = [const { AtomicI32::new(-1) }; 16];

/// Keeps a descriptor of Mynah's own from the guest: to it, the number looks free but cannot be had. False if there are
/// already too many.
pub fn reserve(fd: i32) -> bool {
    let take = |slot: &AtomicI32| slot.compare_exchange(-1, fd, Ordering::Relaxed, Ordering::Relaxed).is_ok();
    RESERVED.iter().any(take)
}

/// Gives a descriptor back, before Mynah closes it.
pub fn unreserve(fd: i32) {
    for slot in &RESERVED {
        // Fails where the slot holds another, which stays.
        let _ = slot.compare_exchange(fd, -1, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// Whether a descriptor is Mynah's own.
pub fn is_reserved(fd: i32) -> bool {
    fd >= 0 && RESERVED.iter().any(|slot| slot.load(Ordering::Relaxed) == fd)
}

/// Mynah's own descriptors.
pub fn reserved() -> Vec<i32> {
    reserved_in(0, i32::MAX as u32)
}

/// `getdents64(fd, entries, size)`.
pub fn getdents64(vcpu: &mut Vcpu, [fd, entries, size, ..]: Args) -> Answer {
    procfs::before_listing(vcpu, fd);
    let memory = &vcpu.process.memory;
    let given = call(libc::SYS_getdents64, [fd, writable(memory, entries, size), size, 0, 0, 0])?;
    let mut bytes = Vec::new();
    if given != 0 && procfs::hides(fd) {
        bytes.resize(given as usize, 0);
        memory.read_bytes(GuestAddr(entries), &mut bytes)?;
        let shown = procfs::hide(fd, &mut bytes);
        memory.write_bytes(GuestAddr(entries), &bytes[..shown])?;
        // All that was there was hidden: 0 would mean the end.
        return if shown == 0 { getdents64(vcpu, [fd, entries, size, 0, 0, 0]) } else { Ok(shown as u64) };
    }
    Ok(given)
}

/// The reserved descriptors in a range, ascending.
fn reserved_in(first: u32, last: u32) -> Vec<i32> {
    let all = RESERVED.iter().map(|slot| slot.load(Ordering::Relaxed));
    let mut inside: Vec<i32> = all.filter(|&fd| fd >= 0 && (first..=last).contains(&(fd as u32))).collect();
    inside.sort_unstable();
    inside
}

/// `dup(old)`.
pub fn dup(_: &mut Vcpu, [old, ..]: Args) -> Answer {
    guests(old)?;
    Ok(call(libc::SYS_dup, [old, 0, 0, 0, 0, 0])?)
}

/// EBADF for Mynah's own descriptors.
fn guests(fd: u64) -> Result<(), Errno> {
    if is_reserved(fd as i32) { Err(Errno::EBADF) } else { Ok(()) }
}

/// `dup3(old, new, flags)`.
pub fn dup3(vcpu: &mut Vcpu, [old, new, flags, ..]: Args) -> Answer {
    guests(old)?;
    guests(new)?;
    wait(vcpu, libc::SYS_dup3, [old, new, flags, 0, 0, 0])
}

/// `close(fd)`. The descriptor is gone even when the call fails, so it is never restarted.
pub fn close(_: &mut Vcpu, [fd, ..]: Args) -> Answer {
    guests(fd)?;
    Ok(call(libc::SYS_close, [fd, 0, 0, 0, 0, 0])?)
}

/// `close_range(first, last, flags)`, around the reserved descriptors.
pub fn close_range(_: &mut Vcpu, [first, last, flags, ..]: Args) -> Answer {
    let (first, last) = (first as u32, last as u32);
    let kept = reserved_in(first, last);
    if kept.is_empty() {
        return Ok(call(libc::SYS_close_range, [first.into(), last.into(), flags, 0, 0, 0])?);
    }
    // The first piece decides about bad flags and unshares the table; the others then work on this thread's own.
    for (from, to) in around(first, last, &kept) {
        call(libc::SYS_close_range, [from.into(), to.into(), flags, 0, 0, 0])?;
    }
    Ok(0)
}

/// The parts of `first..=last` without the given descriptors, which lie in it and ascend.
fn around(first: u32, last: u32, kept: &[i32]) -> Vec<(u32, u32)> {
    let mut pieces = Vec::new();
    let mut from = first;
    for &fd in kept {
        if from < fd as u32 {
            pieces.push((from, fd as u32 - 1));
        }
        from = fd as u32 + 1;
    }
    if from <= last {
        pieces.push((from, last));
    }
    pieces
}

/// `fcntl(fd, command, argument)`. The commands and structures are the same on every 64-bit Linux.
pub fn fcntl(vcpu: &mut Vcpu, [fd, command, argument, ..]: Args) -> Answer {
    guests(fd)?;
    let memory = &vcpu.process.memory;
    let number = libc::SYS_fcntl;
    match command as i32 {
        libc::F_SETLKW | libc::F_OFD_SETLKW => {
            wait(vcpu, number, [fd, command, pointer(memory, argument, FLOCK), 0, 0, 0])
        }
        libc::F_SETLK | libc::F_OFD_SETLK => {
            Ok(call(number, [fd, command, pointer(memory, argument, FLOCK), 0, 0, 0])?)
        }
        libc::F_GETLK | libc::F_OFD_GETLK => {
            Ok(call(number, [fd, command, writable(memory, argument, FLOCK), 0, 0, 0])?)
        }
        F_SETOWN_EX | F_GETOWN_EX | F_GETOWNER_UIDS | F_GET_RW_HINT..=F_SET_FILE_RW_HINT => {
            Ok(call(number, [fd, command, writable(memory, argument, 8), 0, 0, 0])?)
        }
        // Everything else takes a number or nothing.
        _ => Ok(call(number, [fd, command, argument, 0, 0, 0])?),
    }
}

/// Bytes of `struct flock`.
const FLOCK: u64 = size_of::<libc::flock>() as u64;

// asm-generic/fcntl.h and linux/fcntl.h.
const F_SETOWN_EX: i32 = 15;
const F_GETOWN_EX: i32 = 16;
const F_GETOWNER_UIDS: i32 = 17;
const F_GET_RW_HINT: i32 = 1024 + 11;
const F_SET_FILE_RW_HINT: i32 = 1024 + 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_leave_out_what_is_kept() {
        assert_eq!(around(3, u32::MAX, &[900]), [(3, 899), (901, u32::MAX)]);
        assert_eq!(around(900, 902, &[900, 902]), [(901, 901)]);
        assert_eq!(around(900, 900, &[900]), []);
    }

    #[test]
    fn a_reserved_descriptor_is_not_the_guests() {
        assert!(reserve(12345));
        assert_eq!(guests(12345), Err(Errno::EBADF));
        assert_eq!(reserved_in(12000, 13000), [12345]);
        unreserve(12345);
        assert_eq!(guests(12345), Ok(()));
    }
}
