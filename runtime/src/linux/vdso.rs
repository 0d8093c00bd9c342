//! What the guest asks its vDSO: answered without the host's kernel, by the host's own vDSO where that is possible.
//!
//! As under a kernel such calls are no system calls: they are neither traced nor counted. What the fast way cannot answer (an
//! unknown clock, a bad pointer) is asked of the kernel by the system call of the same number, as the kernel's own vDSO does.

use super::arguments::Args;
use super::{Answer, Errno, Outcome, abi, system, table, time};
use crate::memory::GuestAddr;
use crate::vcpu::Vcpu;

/// Answers the call that stands in the guest's registers.
pub fn dispatch(vcpu: &mut Vcpu) -> Outcome {
    let (number, args) = (abi::riscv64::number(vcpu), abi::riscv64::arguments(vcpu));
    match number {
        113 => time::clock_gettime(vcpu, args).into(),
        114 => time::clock_getres(vcpu, args).into(),
        168 => time::getcpu(vcpu, args).into(),
        169 => time::gettimeofday(vcpu, args).into(),
        258 => system::riscv_hwprobe(vcpu, args).into(),
        259 => system::riscv_flush_icache(vcpu, args).into(),
        278 => getrandom(vcpu, args),
        // Code that was written over the vDSO.
        _ => super::dispatch(vcpu),
    }
}

/// Bytes of the state that each thread of the guest allocates and hands in. It is not used: the host's vDSO keeps its own.
const STATE_SIZE: u32 = 64;

/// `__vdso_getrandom(buffer, length, flags, state, state size)`; with a state size of -1 it tells how to allocate states.
fn getrandom(vcpu: &mut Vcpu, args: Args) -> Outcome {
    let [buffer, length, flags, state, state_size, _] = args;
    if state_size == u64::MAX && [buffer, length, flags] == [0; 3] {
        // `struct vgetrandom_opaque_params`: size, protection and flags of `mmap`, reserved words.
        let mut parameters = [0u32; 16];
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        parameters[..3].copy_from_slice(&[STATE_SIZE, (libc::PROT_READ | libc::PROT_WRITE) as u32, flags as u32]);
        return vcpu.process.memory.write(GuestAddr(state), &parameters).map(|()| 0).into();
    }
    match fill(vcpu, buffer, length, flags as u32) {
        Some(answer) => answer.into(),
        None => table::find(278).map_or(Errno::ENOSYS.into(), |row| super::syscall::answer(vcpu, row, args)),
    }
}

/// Fills guest memory with the host's random bytes; `None` if the host's vDSO cannot give them.
fn fill(vcpu: &mut Vcpu, buffer: u64, length: u64, flags: u32) -> Option<Answer> {
    /// Longer requests are the kernel's: it can be interrupted there.
    const MOST: u64 = 4096;
    let mut bytes = vec![0u8; usize::try_from(length).ok().filter(|_| length <= MOST)?];
    // The child of a `vfork` would leave its state in its parent's memory.
    if vcpu.borrowed.is_some() {
        return None;
    }
    vcpu.random.fill(&mut bytes, flags)?;
    vcpu.process.memory.write_bytes(GuestAddr(buffer), &bytes).ok()?;
    Some(Ok(length))
}
