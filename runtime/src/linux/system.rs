//! What the guest may ask about the machine, and settings of the process.

use std::os::unix::ffi::OsStrExt;

use super::abi::riscv64::MACHINE;
use super::arguments::Args;
use super::syscall::{call, pointer, writable};
use super::{Answer, Errno, hwprobe};
use crate::memory::GuestAddr;
use crate::vcpu::Vcpu;

/// Personality flags that concern only what the guest sees: UNAME26, ADDR_NO_RANDOMIZE, FDPIC_FUNCPTRS, SHORT_INODE,
/// WHOLE_SECONDS, STICKY_TIMEOUTS. The others change how the host maps Mynah's own memory.
const HARMLESS: u32 = 0x0002_0000 | 0x0004_0000 | 0x0008_0000 | 0x0100_0000 | 0x0200_0000 | 0x0400_0000;

/// Gives the calling thread a name, as `exec` does: at most 15 bytes are kept.
pub fn set_thread_name(name: &std::ffi::OsStr) {
    let bytes = name.as_bytes();
    let mut comm = [0u8; 16];
    let length = bytes.len().min(comm.len() - 1);
    comm[..length].copy_from_slice(&bytes[..length]);
    let args = [libc::PR_SET_NAME as u64, (&raw const comm).expose_provenance() as u64, 0, 0, 0, 0];
    // Cannot fail: the name is in memory.
    let _ = call(libc::SYS_prctl, args);
}

/// `personality(persona)`; 0xffffffff only asks.
pub fn personality(_: &mut Vcpu, [persona, ..]: Args) -> Answer {
    let wanted = persona as u32;
    if wanted != u32::MAX && wanted & !HARMLESS != 0 {
        return Err(Errno::EINVAL.into());
    }
    Ok(call(libc::SYS_personality, [wanted.into(), 0, 0, 0, 0, 0])?)
}

/// Bytes of each string in `struct new_utsname`.
const UTS_LEN: usize = 65;

/// `uname(names)`: system, node, release, version, machine, domain.
pub fn uname(vcpu: &mut Vcpu, [names, ..]: Args) -> Answer {
    let mut host = [[0u8; UTS_LEN]; 6];
    call(libc::SYS_uname, [(&raw mut host).expose_provenance() as u64, 0, 0, 0, 0, 0])?;
    if let Some(release) = &vcpu.process.options.uname_release {
        host[2] = uts_string(release);
    }
    host[4] = uts_string(MACHINE);
    vcpu.process.memory.write(GuestAddr(names), &host)?;
    Ok(0)
}

/// A string with a 0 behind it, cut where it does not fit.
fn uts_string(text: &str) -> [u8; UTS_LEN] {
    let mut field = [0; UTS_LEN];
    let length = text.len().min(UTS_LEN - 1);
    field[..length].copy_from_slice(&text.as_bytes()[..length]);
    field
}

/// What Mynah does with an option of `prctl`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Prctl {
    /// The host's, with numbers.
    Pass,
    /// The host's; the second argument points to this many bytes that the kernel reads.
    In(u64),
    /// The host's; the second argument points to this many bytes that the kernel writes.
    Out(u64),
    /// EINVAL.
    Refused,
}

/// Options of linux/prctl.h, by range. What is not here concerns another architecture, and RISC-V's kernel says EINVAL.
const PRCTLS: &[(i32, i32, Prctl)] = &[
    (1, 1, Prctl::Pass),      // PR_SET_PDEATHSIG
    (2, 2, Prctl::Out(4)),    // PR_GET_PDEATHSIG
    (3, 4, Prctl::Pass),      // PR_GET_DUMPABLE, PR_SET_DUMPABLE
    (7, 8, Prctl::Pass),      // PR_GET_KEEPCAPS, PR_SET_KEEPCAPS
    (13, 14, Prctl::Pass),    // PR_GET_TIMING, PR_SET_TIMING
    (15, 15, Prctl::In(16)),  // PR_SET_NAME
    (16, 16, Prctl::Out(16)), // PR_GET_NAME
    (21, 21, Prctl::Pass),    // PR_GET_SECCOMP
    // PR_SET_SECCOMP: filters would see Mynah's system calls.
    (22, 22, Prctl::Refused),
    (23, 24, Prctl::Pass), // PR_CAPBSET_READ, PR_CAPBSET_DROP
    (27, 34, Prctl::Pass), // PR_GET_SECUREBITS .. PR_MCE_KILL_GET
    // PR_SET_MM: the kernel's idea of the program is Mynah, which it would describe wrongly.
    (35, 35, Prctl::Refused),
    (36, 36, Prctl::Pass),   // PR_SET_CHILD_SUBREAPER
    (37, 37, Prctl::Out(4)), // PR_GET_CHILD_SUBREAPER
    (38, 39, Prctl::Pass),   // PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS
    (41, 42, Prctl::Pass),   // PR_SET_THP_DISABLE, PR_GET_THP_DISABLE
    (47, 47, Prctl::Pass),   // PR_CAP_AMBIENT
    (57, 58, Prctl::Pass),   // PR_SET_IO_FLUSHER, PR_GET_IO_FLUSHER
    // PR_SET_SYSCALL_USER_DISPATCH would catch Mynah's system calls; PR_SET_MDWE would forbid its code cache.
    (59, 59, Prctl::Refused),
    (65, 65, Prctl::Refused),
    (66, 68, Prctl::Pass), // PR_GET_MDWE, PR_SET_MEMORY_MERGE, PR_GET_MEMORY_MERGE
    (78, 78, Prctl::Pass), // PR_FUTEX_HASH
    (0x5961_6d61, 0x5961_6d61, Prctl::Pass), // PR_SET_PTRACER
];

const PR_GET_TID_ADDRESS: i32 = 40;
const PR_RISCV_SET_ICACHE_FLUSH_CTX: i32 = 71;
const PR_SET_VMA: i32 = 0x5356_4d41;

/// `prctl(option, arguments)`.
pub fn prctl(vcpu: &mut Vcpu, [option, second, third, fourth, fifth, _]: Args) -> Answer {
    let memory = &vcpu.process.memory;
    let pass = |second: u64| Ok(call(libc::SYS_prctl, [option, second, third, fourth, fifth, 0])?);
    match option as i32 {
        PR_GET_TID_ADDRESS => {
            memory.write(GuestAddr(second), &vcpu.clear_child_tid.0)?;
            Ok(0)
        }
        // The context (0 on, 1 off) and scope (0 process, 1 thread) in which `fence.i` has to reach other harts. Mynah's
        // always does.
        PR_RISCV_SET_ICACHE_FLUSH_CTX if second <= 1 && third <= 1 => Ok(0),
        // PR_SET_VMA_ANON_NAME, the only one: start, length, name.
        PR_SET_VMA => {
            let (start, name) = (pointer(memory, third, fourth), pointer(memory, fifth, 0));
            Ok(call(libc::SYS_prctl, [option, second, start, fourth, name, 0])?)
        }
        option => match PRCTLS.iter().find(|row| (row.0..=row.1).contains(&option)).map(|row| row.2) {
            Some(Prctl::Pass) => pass(second),
            Some(Prctl::In(bytes)) => pass(pointer(memory, second, bytes)),
            Some(Prctl::Out(bytes)) => pass(writable(memory, second, bytes)),
            Some(Prctl::Refused) | None => {
                tracing::debug!(target: "unimp", "prctl option {option}");
                Err(Errno::EINVAL.into())
            }
        },
    }
}

/// `riscv_flush_icache(start, end, flags)`: drops what was translated from the range. Flag 1 means this thread only, which
/// Mynah may exceed.
pub fn riscv_flush_icache(vcpu: &mut Vcpu, [start, end, flags, ..]: Args) -> Answer {
    if flags & !1 != 0 {
        return Err(Errno::EINVAL.into());
    }
    // The kernel ignores the range, and programs that pass an empty one rely on that.
    let (start, end) = if start < end { (start, end) } else { (0, u64::MAX) };
    vcpu.process.memory.flush_code(GuestAddr(start)..GuestAddr(end));
    Ok(0)
}

/// The online processors, as a set of bits in words; what `sched_getaffinity` says of the first process would need rights.
fn online() -> Vec<u64> {
    // SAFETY: asks for a number.
    let count = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) }.max(1) as u64;
    (0..count.div_ceil(64)).map(|word| u64::MAX >> 64u64.saturating_sub(count - word * 64).min(63)).collect()
}

/// Asks for the processors that have the values, instead of for the values that the processors have.
const RISCV_HWPROBE_WHICH_CPUS: u64 = 1;

/// `riscv_hwprobe(pairs, count, set size, processors, flags)`. All processors are the same.
pub fn riscv_hwprobe(vcpu: &mut Vcpu, [pairs, count, set_size, set, flags, _]: Args) -> Answer {
    let memory = &vcpu.process.memory;
    let cpu = &vcpu.process.options.cpu;
    let count = usize::try_from(count).map_err(|_| Errno::EFAULT)?;
    match flags {
        0 if (set == 0) != (set_size == 0) => return Err(Errno::EINVAL.into()),
        0 => {}
        RISCV_HWPROBE_WHICH_CPUS if set_size != 0 && set != 0 => {}
        _ => return Err(Errno::EINVAL.into()),
    }
    // Read and answered one by one: the kernel takes any count.
    let mut all_match = true;
    for index in 0..count as u64 {
        let at = GuestAddr(pairs) + index * 16;
        let [key, value]: [u64; 2] = memory.read(at)?;
        let answer = hwprobe::value(cpu, key as i64);
        all_match &= answer.is_some_and(|actual| hwprobe::matches(key as i64, actual, value));
        if flags == 0 {
            let pair = answer.map_or([u64::MAX, 0], |actual| [key, actual]);
            memory.write(at, &pair)?;
        } else if answer.is_none() {
            memory.write(at, &[u64::MAX, 0u64])?;
        }
    }
    if flags == RISCV_HWPROBE_WHICH_CPUS {
        which_processors(vcpu, set, set_size, all_match)?;
    }
    Ok(0)
}

/// Keeps the processors of the guest's set if they match, all online ones if the set is empty, else none.
fn which_processors(vcpu: &Vcpu, set: u64, set_size: u64, matching: bool) -> Result<(), Errno> {
    let memory = &vcpu.process.memory;
    let size = set_size.min(1024 / 8) as usize;
    let mut bits = vec![0u8; size];
    memory.read_bytes(GuestAddr(set), &mut bits)?;
    let online: Vec<u8> = online().iter().flat_map(|word| word.to_ne_bytes()).collect();
    let online = |index: usize| online.get(index).copied().unwrap_or(0);
    let any = bits.iter().any(|&byte| byte != 0);
    for (index, byte) in bits.iter_mut().enumerate() {
        *byte = if !matching {
            0
        } else if any {
            *byte & online(index)
        } else {
            online(index)
        };
    }
    memory.write_bytes(GuestAddr(set), &bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_and_end() {
        assert_eq!(&uts_string("riscv64")[..8], b"riscv64\0");
        assert_eq!(uts_string(&"x".repeat(100))[UTS_LEN - 1], 0);
    }

    #[test]
    fn options_of_prctl_are_listed_once_and_ascend() {
        assert!(PRCTLS.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }

    #[test]
    fn online_processors_fill_words_from_the_bottom() {
        let set = online();
        // SAFETY: asks for a number.
        let count = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) } as u32;
        assert_eq!(set.iter().map(|word| word.count_ones()).sum::<u32>(), count);
        assert_eq!(set[0] & 1, 1);
    }
}
