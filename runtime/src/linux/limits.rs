//! Resource limits. Most are the host kernel's: what it counts is the guest's own. Those of address space, data and stack would
//! limit Mynah's memory together with the guest's, so Mynah keeps them itself ([`Limits`]), enforces them in
//! [`Memory`](crate::memory::Memory), and hands them to the programs that the guest executes.

use std::ffi::CString;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use super::arguments::Args;
use super::syscall::{call, pointer, writable};
use super::{Answer, Errno};
use crate::memory::{GuestAddr, Memory};
use crate::vcpu::Vcpu;

/// The limits that Mynah keeps: number and name in `--rlimit`.
const KEPT: [(u32, &str); 3] = [(libc::RLIMIT_AS, "as"), (libc::RLIMIT_DATA, "data"), (libc::RLIMIT_STACK, "stack")];

/// Stack that Mynah itself wants, in bytes.
const OWN_STACK: u64 = 8 << 20;

/// A soft and a hard limit.
pub type Limit = [u64; 2];

/// The limits that Mynah keeps, in the order of [`KEPT`]. Without a lock, which a guest's fork could copy while it is held.
#[derive(Debug, Default)]
pub struct Limits([[AtomicU64; 2]; KEPT.len()]);

impl Limits {
    /// Those the process was started with, then those that were chosen (`--rlimit`); frees Mynah itself from the host's.
    pub fn inherited(chosen: &str) -> Limits {
        let limits = Limits::default();
        for ((resource, _), kept) in KEPT.iter().zip(&limits.0) {
            let host = host_limit(0, u64::from(*resource)).unwrap_or([u64::MAX; 2]);
            store(kept, host);
            free_own(*resource, host);
        }
        if let Err(why) = limits.choose(chosen) {
            tracing::error!("limits: {why}");
        }
        limits
    }

    /// Reads `name=SOFT` or `name=SOFT:HARD`, separated by commas, in bytes or `unlimited`.
    pub fn choose(&self, list: &str) -> Result<(), String> {
        for item in list.split(',').filter(|item| !item.is_empty()) {
            let (name, value) = item.split_once('=').ok_or_else(|| format!("'{item}' is not NAME=BYTES"))?;
            let index = KEPT.iter().position(|row| row.1 == name);
            let index = index.ok_or_else(|| format!("there is no limit '{name}'; there are as, data and stack"))?;
            let (soft, hard) = value.split_once(':').unwrap_or((value, value));
            store(&self.0[index], [bytes(soft)?, bytes(hard)?]);
        }
        Ok(())
    }

    /// The same limits, for a child that shares the memory but not the limits.
    pub fn copy(&self) -> Limits {
        let copy = Limits::default();
        self.0.iter().zip(&copy.0).for_each(|(from, to)| store(to, load(from)));
        copy
    }

    /// The value of a limit that is kept here.
    fn find(&self, resource: u64) -> Option<&[AtomicU64; 2]> {
        KEPT.iter().position(|row| u64::from(row.0) == resource).map(|index| &self.0[index])
    }

    /// The limit of a resource that is kept here.
    pub fn get(&self, resource: u32) -> Option<Limit> {
        self.find(resource.into()).map(load)
    }

    /// Makes the guest's memory obey.
    pub fn apply(&self, memory: &Memory) {
        let soft = |resource| self.get(resource).map_or(u64::MAX, |limit| limit[0]);
        memory.set_limits(soft(libc::RLIMIT_AS), soft(libc::RLIMIT_DATA));
    }

    /// As the value of `--rlimit` for a program that the guest executes.
    pub fn carried(&self) -> CString {
        let mut text = String::new();
        for ((_, name), kept) in KEPT.iter().zip(&self.0) {
            let [soft, hard] = load(kept).map(|value| if value == u64::MAX { "unlimited".into() } else { value.to_string() });
            let comma = if text.is_empty() { "" } else { "," };
            write!(text, "{comma}{name}={soft}:{hard}").expect("writing to a string");
        }
        CString::new(text).expect("no 0 in numbers")
    }

    /// Gives the host the guest's limits, for a program of the host's that is about to be executed; gives what the host had.
    pub fn to_host(&self) -> [Limit; KEPT.len()] {
        std::array::from_fn(|index| {
            let (resource, limit) = (KEPT[index].0, load(&self.0[index]));
            let before = host_limit(0, resource.into()).unwrap_or(limit);
            set_host(resource, limit);
            before
        })
    }
}

/// Takes back [`Limits::to_host`], as far as the host allows.
pub fn restore_host(before: &[Limit]) {
    for ((resource, _), limit) in KEPT.iter().zip(before) {
        free_own(*resource, *limit);
    }
}

/// Frees Mynah from a limit: altogether where it has the right to, else up to the hard limit.
fn free_own(resource: u32, [soft, hard]: Limit) {
    if resource == libc::RLIMIT_STACK {
        if soft < OWN_STACK {
            set_host(resource, [OWN_STACK.min(hard), hard]);
        }
    } else if (soft, hard) != (u64::MAX, u64::MAX) && !set_host(resource, [u64::MAX; 2]) {
        set_host(resource, [hard, hard]);
    }
}

fn set_host(resource: u32, limit: Limit) -> bool {
    let at = limit.as_ptr().expose_provenance() as u64;
    call(libc::SYS_prlimit64, [0, resource.into(), at, 0, 0, 0]).is_ok()
}

/// A limit of a process (0: this one) as the host has it.
fn host_limit(process: u64, resource: u64) -> Result<Limit, Errno> {
    let mut limit = [0u64; 2];
    let at = (&raw mut limit).expose_provenance() as u64;
    call(libc::SYS_prlimit64, [process, resource, 0, at, 0, 0])?;
    Ok(limit)
}

fn load(kept: &[AtomicU64; 2]) -> Limit {
    [kept[0].load(Ordering::Relaxed), kept[1].load(Ordering::Relaxed)]
}

fn store(kept: &[AtomicU64; 2], limit: Limit) {
    kept.iter().zip(limit).for_each(|(half, value)| half.store(value, Ordering::Relaxed));
}

/// A limit's half: bytes, or none.
fn bytes(text: &str) -> Result<u64, String> {
    match text {
        "unlimited" => Ok(u64::MAX),
        _ => text.parse().map_err(|_| format!("'{text}' is neither a number of bytes nor 'unlimited'")),
    }
}

/// `getrlimit(resource, limit)`.
pub fn getrlimit(vcpu: &mut Vcpu, [resource, limit, ..]: Args) -> Answer {
    // The kernel looks at the resource first, and a null pointer is a bad one here.
    if limit == 0 {
        host_limit(0, resource)?;
        return Err(Errno::EFAULT.into());
    }
    prlimit64(vcpu, [0, resource, 0, limit, 0, 0])
}

/// `setrlimit(resource, limit)`.
pub fn setrlimit(vcpu: &mut Vcpu, [resource, limit, ..]: Args) -> Answer {
    if limit == 0 {
        return Err(Errno::EFAULT.into());
    }
    prlimit64(vcpu, [0, resource, limit, 0, 0, 0])
}

/// `prlimit64(process, resource, new, old)`.
pub fn prlimit64(vcpu: &mut Vcpu, [process, resource, new, old, ..]: Args) -> Answer {
    let memory = &vcpu.process.memory;
    let own = process as u32 == 0 || process as i32 == vcpu.tid || process as u32 == std::process::id();
    let limits = vcpu.limits();
    let Some(kept) = limits.find(u64::from(resource as u32)).filter(|_| own) else {
        let (new, old) = (pointer(memory, new, 16), writable(memory, old, 16));
        return Ok(call(libc::SYS_prlimit64, [process, resource, new, old, 0, 0])?);
    };
    let before = load(kept);
    if new != 0 {
        let wanted = memory.read(GuestAddr(new))?;
        set(kept, wanted)?;
        // A child that borrows the memory must not bind its parent.
        if vcpu.borrowed.is_none() {
            limits.apply(memory);
            if resource as u32 == libc::RLIMIT_STACK {
                memory.resize_stack(wanted[0]);
            }
        }
    }
    if old != 0 {
        memory.write(GuestAddr(old), &before)?;
    }
    Ok(0)
}

/// Checks as `do_prlimit` of Linux does: the soft limit within the hard one, the hard one raised only by who may.
fn set(kept: &[AtomicU64; 2], [soft, hard]: Limit) -> Result<(), Errno> {
    if soft > hard {
        return Err(Errno::EINVAL);
    }
    if hard > load(kept)[1] && !may_raise() {
        return Err(Errno::EPERM);
    }
    store(kept, [soft, hard]);
    Ok(())
}

/// Whether this thread has CAP_SYS_RESOURCE.
fn may_raise() -> bool {
    const VERSION_3: u32 = 0x2008_0522;
    const CAP_SYS_RESOURCE: u32 = 24;
    let (header, mut sets) = ([VERSION_3, 0u32], [0u32; 6]);
    let args = [(&raw const header).expose_provenance() as u64, (&raw mut sets).expose_provenance() as u64, 0, 0, 0, 0];
    call(libc::SYS_capget, args).is_ok() && sets[0] >> CAP_SYS_RESOURCE & 1 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_carried_as_they_are() {
        let limits = Limits::default();
        limits.choose("as=1000:2000,stack=65536").unwrap();
        limits.choose("data=unlimited").unwrap();
        assert_eq!(limits.get(libc::RLIMIT_STACK), Some([65536; 2]));
        let text = limits.carried();
        assert_eq!(text.to_str(), Ok("as=1000:2000,data=unlimited:unlimited,stack=65536:65536"));
        let copy = Limits::default();
        copy.choose(text.to_str().unwrap()).unwrap();
        assert_eq!(copy.carried(), text);
        assert!(limits.choose("core=1").is_err() && limits.choose("as").is_err() && limits.choose("as=x").is_err());
        assert_eq!(limits.get(libc::RLIMIT_NOFILE), None);
    }

    #[test]
    fn the_soft_limit_stays_within_the_hard_one() {
        let limits = Limits::default();
        limits.choose("as=1000:2000").unwrap();
        let kept = limits.find(libc::RLIMIT_AS.into()).unwrap();
        assert_eq!(set(kept, [2001, 2000]), Err(Errno::EINVAL));
        assert_eq!(set(kept, [100, 1000]), Ok(()));
        assert_eq!(set(kept, [100, 1001]), if may_raise() { Ok(()) } else { Err(Errno::EPERM) });
    }
}
