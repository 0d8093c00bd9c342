//! Clocks that programs read often: through the host's vDSO, without entering its kernel.

use super::arguments::Args;
use super::{Answer, Errno};
use crate::memory::GuestAddr;
use crate::vcpu::Vcpu;

/// `clock_gettime(clock, time)`.
pub fn clock_gettime(vcpu: &mut Vcpu, [clock, time, ..]: Args) -> Answer {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel or its vDSO writes one `struct timespec`.
    if unsafe { libc::clock_gettime(clock as i32, &mut now) } != 0 {
        return Err(Errno::last().into());
    }
    vcpu.process.memory.write(GuestAddr(time), &[now.tv_sec, now.tv_nsec])?;
    Ok(0)
}

/// `gettimeofday(time, zone)`; both may be null.
pub fn gettimeofday(vcpu: &mut Vcpu, [time, zone, ..]: Args) -> Answer {
    let mut now = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let mut minutes_west_and_dst = [0i32; 2];
    // SAFETY: the kernel or its vDSO writes one `struct timeval` and one `struct timezone` of two integers.
    unsafe { libc::gettimeofday(&mut now, (&raw mut minutes_west_and_dst).cast()) };
    let memory = &vcpu.process.memory;
    if time != 0 {
        memory.write(GuestAddr(time), &[now.tv_sec, now.tv_usec])?;
    }
    if zone != 0 {
        memory.write(GuestAddr(zone), &minutes_west_and_dst)?;
    }
    Ok(0)
}

/// `clock_getres(clock, resolution)`; the pointer may be null.
pub fn clock_getres(vcpu: &mut Vcpu, [clock, resolution, ..]: Args) -> Answer {
    let mut host = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel or its vDSO writes one `struct timespec`.
    if unsafe { libc::clock_getres(clock as i32, &mut host) } != 0 {
        return Err(Errno::last().into());
    }
    if resolution != 0 {
        vcpu.process.memory.write(GuestAddr(resolution), &[host.tv_sec, host.tv_nsec])?;
    }
    Ok(0)
}

unsafe extern "C" {
    /// glibc since 2.29 and musl since 1.2.3 ask the vDSO; the `libc` crate does not declare it.
    #[link_name = "getcpu"]
    fn host_getcpu(processor: *mut u32, node: *mut u32) -> i32;
}

/// `getcpu(processor, node, unused)`; each may be null.
pub fn getcpu(vcpu: &mut Vcpu, [processor, node, ..]: Args) -> Answer {
    let mut host = [0u32; 2];
    // SAFETY: the kernel or its vDSO writes two numbers.
    if unsafe { host_getcpu(&raw mut host[0], &raw mut host[1]) } != 0 {
        return Err(Errno::last().into());
    }
    for (address, value) in [processor, node].into_iter().zip(&host) {
        if address != 0 {
            vcpu.process.memory.write(GuestAddr(address), value)?;
        }
    }
    Ok(0)
}
