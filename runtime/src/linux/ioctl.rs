//! `ioctl`: what the argument of a command is.
//!
//! Newer commands say so themselves: direction and size are bits of the number (asm-generic/ioctl.h, which RISC-V and x86 share).
//! Older ones are in a table here. Anything else is handed on as it is.

use super::Answer;
use super::arguments::Args;
use super::syscall::{wait, writable};
use crate::memory::Memory;
use crate::vcpu::Vcpu;

/// What the argument of a command is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// A number, or nothing.
    Value,
    /// A pointer to this many bytes that the kernel may write.
    Memory(u64),
}

/// Commands whose number does not tell, by range: first, last, what the argument is.
const OLD: &[(u32, u32, Kind)] = &[
    // asm-generic/ioctls.h: TCGETS..TCSETSF (termios), TCGETA..TCSETAF (termio).
    (0x5401, 0x5404, Kind::Memory(36)),
    (0x5405, 0x5408, Kind::Memory(18)),
    // TCSBRK, TCXONC, TCFLSH, TIOCEXCL, TIOCNXCL, TIOCSCTTY.
    (0x5409, 0x540e, Kind::Value),
    // TIOCGPGRP, TIOCSPGRP, TIOCOUTQ; TIOCSTI; TIOCGWINSZ, TIOCSWINSZ.
    (0x540f, 0x5411, Kind::Memory(4)),
    (0x5412, 0x5412, Kind::Memory(1)),
    (0x5413, 0x5414, Kind::Memory(8)),
    // TIOCMGET, TIOCMBIS, TIOCMBIC, TIOCMSET, TIOCGSOFTCAR, TIOCSSOFTCAR, FIONREAD.
    (0x5415, 0x541b, Kind::Memory(4)),
    (0x541c, 0x541c, Kind::Memory(1)),
    (0x541d, 0x541d, Kind::Value),
    // TIOCGSERIAL, TIOCSSERIAL.
    (0x541e, 0x541f, Kind::Memory(72)),
    // TIOCPKT, FIONBIO.
    (0x5420, 0x5421, Kind::Memory(4)),
    // TIOCNOTTY; TIOCSETD, TIOCGETD; TCSBRKP, TIOCSBRK, TIOCCBRK; TIOCGSID.
    (0x5422, 0x5422, Kind::Value),
    (0x5423, 0x5424, Kind::Memory(4)),
    (0x5425, 0x5428, Kind::Value),
    (0x5429, 0x5429, Kind::Memory(4)),
    // TIOCGRS485, TIOCSRS485; TCGETX..TCSETXW; TIOCVHANGUP.
    (0x542e, 0x542f, Kind::Memory(32)),
    (0x5432, 0x5435, Kind::Memory(16)),
    (0x5437, 0x5437, Kind::Value),
    // FIONCLEX, FIOCLEX; FIOASYNC; TIOCMIWAIT; TIOCGICOUNT; FIOQSIZE.
    (0x5450, 0x5451, Kind::Value),
    (0x5452, 0x5452, Kind::Memory(4)),
    (0x545c, 0x545c, Kind::Value),
    (0x545d, 0x545d, Kind::Memory(80)),
    (0x5460, 0x5460, Kind::Memory(8)),
    // linux/fs.h: FIBMAP, FIGETBSZ; BLKROSET, BLKROGET; BLKRRPART; BLKGETSIZE; BLKFLSBUF; BLKRASET; BLKRAGET..; BLKSSZGET..
    (1, 2, Kind::Memory(4)),
    (0x125d, 0x125e, Kind::Memory(4)),
    (0x125f, 0x125f, Kind::Value),
    (0x1260, 0x1260, Kind::Memory(8)),
    (0x1261, 0x1262, Kind::Value),
    (0x1263, 0x1263, Kind::Memory(8)),
    (0x1264, 0x1264, Kind::Value),
    (0x1265, 0x1265, Kind::Memory(8)),
    (0x1267, 0x1268, Kind::Memory(4)),
    // asm-generic/sockios.h: owners, SIOCATMARK, time stamps. SIOCADDRT..SIOCSIFTXQLEN and beyond: ifreq and its like.
    (0x8901, 0x8905, Kind::Memory(4)),
    (0x8906, 0x8907, Kind::Memory(16)),
    (0x890b, 0x890c, Kind::Memory(120)),
    (0x8910, 0x8911, Kind::Memory(40)),
    (0x8913, 0x89ff, Kind::Memory(40)),
    // TIOCGPTPEER takes flags.
    (0x5441, 0x5441, Kind::Value),
    // Numbers that claim a pointer to an int, but take a number: FICLONE; TUNSETNOCSUM, TUNSETDEBUG, TUNSETPERSIST..TUNSETGROUP.
    (0x4004_9409, 0x4004_9409, Kind::Value),
    (0x4004_54c8, 0x4004_54c9, Kind::Value),
    (0x4004_54cb, 0x4004_54ce, Kind::Value),
    // TUNSETIFF takes a whole ifreq.
    (0x4004_54ca, 0x4004_54ca, Kind::Memory(40)),
];

/// The direction bits of a command that says what its argument is.
fn encoded(command: u32) -> Kind {
    let (direction, size) = (command >> 30, u64::from(command >> 16 & 0x3fff));
    if direction == 0 { Kind::Value } else { Kind::Memory(size) }
}

fn kind(command: u32) -> Kind {
    OLD.iter().find(|(first, last, _)| (*first..=*last).contains(&command)).map_or(encoded(command), |row| row.2)
}

/// Number of interfaces' addresses, with a pointer inside (`struct ifconf`).
const SIOCGIFCONF: u32 = 0x8912;

/// `ioctl(fd, command, argument)`.
pub fn ioctl(vcpu: &mut Vcpu, [fd, command, argument, ..]: Args) -> Answer {
    let memory = &vcpu.process.memory;
    if command as u32 == SIOCGIFCONF {
        return interfaces(vcpu, memory, fd, argument);
    }
    let argument = match kind(command as u32) {
        Kind::Value => argument,
        Kind::Memory(size) => writable(memory, argument, size),
    };
    // Draining a terminal waits.
    wait(vcpu, libc::SYS_ioctl, [fd, command, argument, 0, 0, 0])
}

/// `struct ifconf`: length in bytes, padding, address of an array of `struct ifreq`.
fn interfaces(vcpu: &Vcpu, memory: &Memory, fd: u64, at: u64) -> Answer {
    let [length, buffer]: [u64; 2] = memory.read(crate::memory::GuestAddr(at))?;
    let mut host = [length, writable(memory, buffer, u64::from(length as u32))];
    let host_at = (&raw mut host).expose_provenance() as u64;
    let answer = wait(vcpu, libc::SYS_ioctl, [fd, SIOCGIFCONF.into(), host_at, 0, 0, 0])?;
    memory.write(crate::memory::GuestAddr(at), &(host[0] as u32))?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_tell_what_their_argument_is() {
        assert_eq!(kind(libc::TCGETS as u32), Kind::Memory(36));
        assert_eq!(kind(libc::TIOCGWINSZ as u32), Kind::Memory(8));
        assert_eq!(kind(libc::TIOCSCTTY as u32), Kind::Value);
        assert_eq!(kind(libc::FIONREAD as u32), Kind::Memory(4));
        assert_eq!(kind(libc::FICLONE as u32), Kind::Value);
        // TIOCGPTN is _IOR('T', 0x30, unsigned int).
        assert_eq!(kind(libc::TIOCGPTN as u32), Kind::Memory(4));
        assert_eq!(kind(0x8000_0000 | 60 << 16 | 0x1234), Kind::Memory(60));
    }

    #[test]
    fn ranges_do_not_overlap() {
        for (index, row) in OLD.iter().enumerate() {
            assert!(row.0 <= row.1, "{row:x?}");
            assert!(OLD[..index].iter().all(|other| other.1 < row.0 || row.1 < other.0), "{row:x?}");
        }
    }
}
