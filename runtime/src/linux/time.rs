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
