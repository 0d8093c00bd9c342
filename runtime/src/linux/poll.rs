//! Waiting for descriptors: `ppoll`, `pselect6`, `epoll`.

use super::abi::riscv64::{EpollEvent, epoll_event_to_guest, epoll_event_to_host};
use super::arguments::Args;
use super::signal::{answer, with_temp_mask};
use super::syscall::{bad, call, pointer, writable};
use super::{Answer, Errno, Outcome};
use crate::host::syscall::blocking_syscall;
use crate::memory::GuestAddr;
use crate::vcpu::Vcpu;

/// Waits under another signal mask; `arguments` gets the address of the host's mask, 0 for none.
fn wait_masked(vcpu: &mut Vcpu, mask: Option<u64>, number: i64, arguments: impl FnOnce(u64) -> Args) -> Outcome {
    let result = with_temp_mask(vcpu, mask, |vcpu, mask| {
        let args = arguments(mask as u64);
        // SAFETY: pointers among the arguments are the guest's, converted, or the callers', who keep them alive.
        unsafe { blocking_syscall(&vcpu.ctx.exit_request, number, args) }
    });
    answer(result).into()
}

/// A signal mask behind a pointer that may be null; the kernel takes sets of 8 bytes only.
fn read_mask(vcpu: &Vcpu, at: u64, size: u64) -> Result<Option<u64>, Errno> {
    match (at, size) {
        (0, _) => Ok(None),
        (_, 8) => vcpu.process.memory.read(GuestAddr(at)).map(Some),
        _ => Err(Errno::EINVAL),
    }
}

/// `ppoll(descriptors, count, timeout, mask, mask size)`.
pub fn ppoll(vcpu: &mut Vcpu, [descriptors, count, timeout, mask, mask_size, _]: Args) -> Outcome {
    let memory = &vcpu.process.memory;
    let mask = match read_mask(vcpu, mask, mask_size) {
        Ok(mask) => mask,
        Err(errno) => return errno.into(),
    };
    let descriptors = writable(memory, descriptors, u64::from(count as u32) * 8);
    // The kernel writes the time that is left.
    let timeout = writable(memory, timeout, 16);
    wait_masked(vcpu, mask, libc::SYS_ppoll, |mask| [descriptors, count, timeout, mask, 8, 0])
}

/// `pselect6(count, read, write, except, timeout, mask and its size)`.
pub fn pselect6(vcpu: &mut Vcpu, [count, read, write, except, timeout, mask]: Args) -> Outcome {
    let memory = &vcpu.process.memory;
    let guest_mask = || -> Result<Option<u64>, Errno> {
        if mask == 0 {
            return Ok(None);
        }
        let [at, size]: [u64; 2] = memory.read(GuestAddr(mask))?;
        read_mask(vcpu, at, size)
    };
    let guest_mask = match guest_mask() {
        Ok(mask) => mask,
        Err(errno) => return errno.into(),
    };
    // The kernel reads and writes whole words of each set, up to its own limit of descriptors.
    let bytes = u64::from(count as u32).min(1 << 20).div_ceil(64) * 8;
    let [read, write, except] = [read, write, except].map(|set| writable(memory, set, bytes));
    let timeout = writable(memory, timeout, 16);
    let mut packed = [0u64, 8];
    wait_masked(vcpu, guest_mask, libc::SYS_pselect6, |mask| {
        packed[0] = mask;
        [count, read, write, except, timeout, (&raw const packed).expose_provenance() as u64]
    })
}

/// `epoll_ctl(epoll, operation, fd, event)`.
pub fn epoll_ctl(vcpu: &mut Vcpu, [epoll, operation, fd, event, ..]: Args) -> Answer {
    let deletes = operation as i32 == libc::EPOLL_CTL_DEL;
    let guest = if deletes { EpollEvent::default() } else { vcpu.process.memory.read(GuestAddr(event))? };
    let host = epoll_event_to_host(guest);
    Ok(call(libc::SYS_epoll_ctl, [epoll, operation, fd, &raw const host as u64, 0, 0])?)
}

/// `epoll_pwait(epoll, events, count, timeout in ms, mask, mask size)`.
pub fn epoll_pwait(vcpu: &mut Vcpu, [epoll, events, count, timeout, mask, mask_size]: Args) -> Outcome {
    wait_events(vcpu, events, count, (mask, mask_size), libc::SYS_epoll_pwait, |host, count, mask| {
        [epoll, host, count, timeout, mask, 8]
    })
}

/// `epoll_pwait2(epoll, events, count, timeout, mask, mask size)`.
pub fn epoll_pwait2(vcpu: &mut Vcpu, [epoll, events, count, timeout, mask, mask_size]: Args) -> Outcome {
    let timeout = pointer(&vcpu.process.memory, timeout, 16);
    wait_events(vcpu, events, count, (mask, mask_size), libc::SYS_epoll_pwait2, |host, count, mask| {
        [epoll, host, count, timeout, mask, 8]
    })
}

/// The most events one call fetches. Fewer than asked for is always allowed.
const MOST_EVENTS: u64 = 1024;

/// Waits for events into a host array and converts them; `arguments` gets the array, its length and the mask.
fn wait_events(
    vcpu: &mut Vcpu,
    events: u64,
    count: u64,
    (mask, mask_size): (u64, u64),
    number: i64,
    arguments: impl FnOnce(u64, u64, u64) -> Args,
) -> Outcome {
    let mask = match read_mask(vcpu, mask, mask_size) {
        Ok(mask) => mask,
        Err(errno) => return errno.into(),
    };
    // A count that the kernel refuses is left for it to refuse.
    let count = if (count as i32) < 1 { count } else { count.min(MOST_EVENTS) };
    let room = if (count as i32) < 1 { 0 } else { count as usize };
    let mut host = vec![libc::epoll_event { events: 0, u64: 0 }; room];
    let at = match vcpu.process.memory.pointer(GuestAddr(events), room * size_of::<EpollEvent>()) {
        Ok(_) => host.as_mut_ptr().expose_provenance() as u64,
        // Addresses that cannot be are refused before anything else.
        Err(_) => bad(events),
    };
    let outcome = wait_masked(vcpu, mask, number, |mask| arguments(at, count, mask));
    let Outcome::Return(ready) = outcome else { return outcome };
    let guest: Vec<EpollEvent> = host.iter().take(ready as usize).map(|&event| epoll_event_to_guest(event)).collect();
    match vcpu.process.memory.write_slice(GuestAddr(events), &guest) {
        Ok(()) => outcome,
        Err(errno) => errno.into(),
    }
}
