//! Memory: every call that changes the guest's map of areas goes through [`Memory`](crate::memory::Memory).

use super::{Answer, Errno};
use super::arguments::Args;
use crate::memory::GuestAddr;
use crate::vcpu::Vcpu;

/// `brk(end)`: gives the break, changed or not.
pub fn brk(vcpu: &mut Vcpu, [end, ..]: Args) -> Answer {
    Ok(vcpu.process.memory.brk(GuestAddr(end)).0)
}

/// `mmap(address, length, protection, flags, fd, offset)`.
pub fn mmap(vcpu: &mut Vcpu, [address, length, protection, flags, fd, offset]: Args) -> Answer {
    let memory = &vcpu.process.memory;
    Ok(memory.mmap(GuestAddr(address), length, protection as i32, flags as i32, fd as i32, offset)?.0)
}

/// `munmap(address, length)`.
pub fn munmap(vcpu: &mut Vcpu, [address, length, ..]: Args) -> Answer {
    vcpu.process.memory.munmap(GuestAddr(address), length)?;
    Ok(0)
}

/// `mprotect(address, length, protection)`.
pub fn mprotect(vcpu: &mut Vcpu, [address, length, protection, ..]: Args) -> Answer {
    vcpu.process.memory.mprotect(GuestAddr(address), length, protection as i32)?;
    Ok(0)
}

/// `mremap(address, old length, new length, flags, new address)`.
pub fn mremap(vcpu: &mut Vcpu, [address, old, new, flags, target, _]: Args) -> Answer {
    Ok(vcpu.process.memory.mremap(GuestAddr(address), old, new, flags as i32, GuestAddr(target))?.0)
}

/// `madvise(address, length, advice)`.
pub fn madvise(vcpu: &mut Vcpu, [address, length, advice, ..]: Args) -> Answer {
    vcpu.process.memory.madvise(GuestAddr(address), length, advice as i32)?;
    Ok(0)
}

/// `msync(address, length, flags)`.
pub fn msync(vcpu: &mut Vcpu, [address, length, flags, ..]: Args) -> Answer {
    vcpu.process.memory.msync(GuestAddr(address), length, flags as i32)?;
    Ok(0)
}

/// `mseal(address, length, flags)`.
pub fn mseal(vcpu: &mut Vcpu, [address, length, flags, ..]: Args) -> Answer {
    if flags != 0 {
        return Err(Errno::EINVAL.into());
    }
    vcpu.process.memory.seal(GuestAddr(address), length)?;
    Ok(0)
}
