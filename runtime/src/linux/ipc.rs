//! Message queues, System V IPC and futex vectors, where pointers or layouts need care.

use super::abi::riscv64::{HostSemidDs, semid_to_guest, semid_to_host};
use super::arguments::Args;
use super::syscall::{call, pointer, wait, writable};
use super::{Answer, Errno};
use crate::memory::{GuestAddr, Memory, PAGE_SIZE, page_ceil};
use crate::vcpu::Vcpu;

/// Bytes of `struct sigevent`, in words.
type Sigevent = [u64; 8];

/// Bytes of the cookie that glibc passes with SIGEV_THREAD (`NOTIFY_COOKIE_LEN`).
const COOKIE: u64 = 32;

/// `mq_notify(queue, event)`. With SIGEV_THREAD the event's value is a pointer.
pub fn mq_notify(vcpu: &mut Vcpu, [queue, event, ..]: Args) -> Answer {
    let memory = &vcpu.process.memory;
    if event == 0 {
        return Ok(call(libc::SYS_mq_notify, [queue, 0, 0, 0, 0, 0])?);
    }
    let mut host: Sigevent = memory.read(GuestAddr(event))?;
    if (host[1] >> 32) as i32 == libc::SIGEV_THREAD {
        host[0] = pointer(memory, host[0], COOKIE);
    }
    Ok(call(libc::SYS_mq_notify, [queue, (&raw const host).expose_provenance() as u64, 0, 0, 0, 0])?)
}

// Commands of linux/sem.h and linux/ipc.h.
const IPC_SET: i32 = 1;
const IPC_STAT: i32 = 2;
const IPC_INFO: i32 = 3;
const GETALL: i32 = 13;
const SETALL: i32 = 17;
const SEM_STAT: i32 = 18;
const SEM_INFO: i32 = 19;
const SEM_STAT_ANY: i32 = 20;

/// `semctl(set, semaphore, command, argument)`.
pub fn semctl(vcpu: &mut Vcpu, [set, semaphore, command, argument, ..]: Args) -> Answer {
    let memory = &vcpu.process.memory;
    let semctl = |argument: u64| call(libc::SYS_semctl, [set, semaphore, command, argument, 0, 0]);
    match command as i32 {
        IPC_STAT | SEM_STAT | SEM_STAT_ANY => {
            let mut host = HostSemidDs::default();
            let answer = semctl((&raw mut host).expose_provenance() as u64)?;
            memory.write(GuestAddr(argument), &semid_to_guest(&host))?;
            Ok(answer)
        }
        IPC_SET => {
            let host = semid_to_host(&memory.read(GuestAddr(argument))?);
            Ok(semctl((&raw const host).expose_provenance() as u64)?)
        }
        // `struct seminfo` is ten integers.
        IPC_INFO | SEM_INFO => Ok(semctl(writable(memory, argument, 40))?),
        GETALL => Ok(semctl(writable(memory, argument, 2 * semaphores(set)?))?),
        SETALL => Ok(semctl(pointer(memory, argument, 0))?),
        // SETVAL takes a number; the others nothing.
        _ => Ok(semctl(argument)?),
    }
}

/// Number of semaphores in a set.
fn semaphores(set: u64) -> Result<u64, Errno> {
    let mut host = HostSemidDs::default();
    call(libc::SYS_semctl, [set, 0, IPC_STAT as u64, (&raw mut host).expose_provenance() as u64, 0, 0])?;
    Ok(host.nsems)
}

/// `shmat(segment, address, flags)`.
///
/// The guest's map of areas first gets an ordinary shared mapping of the segment's size, at a place of its choice or the
/// guest's; the host then attaches the segment over it.
pub fn shmat(vcpu: &mut Vcpu, [segment, address, flags, ..]: Args) -> Answer {
    let memory = &vcpu.process.memory;
    let flags = flags as i32;
    let length = page_ceil(segment_size(segment)?).ok_or(Errno::ENOMEM)?;
    let place = attach_place(address, flags)?;
    let right = |flag: i32, right: i32| if flags & flag != 0 { right } else { 0 };
    let write = if flags & libc::SHM_RDONLY != 0 { 0 } else { libc::PROT_WRITE };
    let protection = libc::PROT_READ | write | right(libc::SHM_EXEC, libc::PROT_EXEC);
    let kind = libc::MAP_SHARED | libc::MAP_ANONYMOUS | place.1;
    let at = memory.mmap(GuestAddr(place.0), length, protection, kind, -1, 0).map_err(attach_error)?;
    // Host memory is never executable: the guest's right to execute is in its map of areas.
    let host_flags = flags & libc::SHM_RDONLY | libc::SHM_REMAP;
    let attached = call(libc::SYS_shmat, [segment, memory.g2h(at) as u64, host_flags as u64, 0, 0, 0]);
    if let Err(errno) = attached {
        memory.munmap(at, length)?;
        return Err(errno.into());
    }
    Ok(at.0)
}

/// Where to attach, and the flags of `mmap` that say so.
fn attach_place(address: u64, flags: i32) -> Result<(u64, i32), Errno> {
    let round = flags & libc::SHM_RND != 0;
    match (address, address % PAGE_SIZE, flags & libc::SHM_REMAP != 0) {
        (0, _, true) => Err(Errno::EINVAL),
        (0, _, false) => Ok((0, 0)),
        (_, rest, _) if rest != 0 && !round => Err(Errno::EINVAL),
        (_, rest, true) => Ok((address - rest, libc::MAP_FIXED)),
        (_, rest, false) => Ok((address - rest, libc::MAP_FIXED_NOREPLACE)),
    }
}

/// `shmat` says EINVAL where something is mapped already.
fn attach_error(errno: Errno) -> Errno {
    if errno == Errno::EEXIST { Errno::EINVAL } else { errno }
}

/// Bytes of a segment.
fn segment_size(segment: u64) -> Result<u64, Errno> {
    // SAFETY: the structure holds only numbers.
    let mut status: libc::shmid_ds = unsafe { std::mem::zeroed() };
    let at = (&raw mut status).expose_provenance() as u64;
    call(libc::SYS_shmctl, [segment, IPC_STAT as u64, at, 0, 0, 0])?;
    Ok(status.shm_segsz as u64)
}

/// `shmdt(address)`.
pub fn shmdt(vcpu: &mut Vcpu, [address, ..]: Args) -> Answer {
    let memory = &vcpu.process.memory;
    let area = memory.area(GuestAddr(address)).filter(|area| area.start == address).ok_or(Errno::EINVAL)?;
    // The kernel knows whether a segment is attached here.
    call(libc::SYS_shmdt, [memory.g2h(GuestAddr(address)) as u64, 0, 0, 0, 0, 0])?;
    memory.munmap(GuestAddr(area.start), area.end - area.start)?;
    Ok(0)
}

/// `struct futex_waitv`: value, address, flags and an unused word.
type Waiter = [u64; 3];

/// The most futexes one call waits for (FUTEX_WAITV_MAX).
const MOST_WAITERS: u64 = 128;

/// `futex_waitv(waiters, count, flags, timeout, clock)`.
pub fn futex_waitv(vcpu: &mut Vcpu, [waiters, count, flags, timeout, clock, _]: Args) -> Answer {
    let memory = &vcpu.process.memory;
    let timeout = pointer(memory, timeout, 16);
    let host = host_waiters(memory, waiters, u64::from(count as u32));
    let at = match &host {
        Ok(host) => host.as_ptr().expose_provenance() as u64,
        // The kernel looks at other arguments first.
        Err(_) => pointer(memory, waiters, 0),
    };
    wait(vcpu, libc::SYS_futex_waitv, [at, count, flags, timeout, clock, 0])
}

/// A count that the kernel refuses is left for it to refuse.
fn host_waiters(memory: &Memory, at: u64, count: u64) -> Result<Vec<Waiter>, Errno> {
    let count = if count > MOST_WAITERS { 0 } else { count as usize };
    let mut waiters: Vec<Waiter> = memory.read_slice(GuestAddr(at), count)?;
    for waiter in &mut waiters {
        waiter[1] = pointer(memory, waiter[1], 4);
    }
    Ok(waiters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_attached_where_the_flags_say() {
        assert_eq!(attach_place(0, 0), Ok((0, 0)));
        assert_eq!(attach_place(0, libc::SHM_REMAP), Err(Errno::EINVAL));
        assert_eq!(attach_place(0x1234, 0), Err(Errno::EINVAL));
        assert_eq!(attach_place(0x1234, libc::SHM_RND), Ok((0x1000, libc::MAP_FIXED_NOREPLACE)));
        assert_eq!(attach_place(0x2000, libc::SHM_REMAP), Ok((0x2000, libc::MAP_FIXED)));
    }
}
