//! Names of flags and enumerations, for printing system calls.

use std::fmt::Write;

/// Named values of one argument.
pub struct Names {
    /// Bits of the argument that hold one number rather than independent flags: all of them for an enumeration, the
    /// access mode for `open`, none for plain flags.
    pub field: u64,
    /// Name and value. Values inside `field` are compared for equality, others are flags of one or several bits; those
    /// with more bits come first.
    pub values: &'static [(&'static str, u64)],
}

impl Names {
    /// `O_WRONLY|O_CREAT|0x8`.
    pub fn show(&self, value: u64) -> String {
        let mut parts: Vec<String> = Vec::new();
        let number = value & self.field;
        let named = self.values.iter().find(|(_, v)| v & !self.field == 0 && *v == number);
        let mut rest = value & !self.field;
        match named {
            Some((name, _)) if self.field != 0 => parts.push((*name).to_string()),
            _ if self.field != 0 => rest |= number,
            _ => {}
        }
        for (name, bits) in self.values.iter().filter(|(_, bits)| bits & !self.field == *bits && *bits != 0) {
            if rest & bits == *bits {
                parts.push((*name).to_string());
                rest &= !bits;
            }
        }
        if rest != 0 || parts.is_empty() {
            parts.push(if rest == 0 { "0".to_string() } else { format!("{rest:#x}") });
        }
        parts.join("|")
    }
}

/// Builds a [`Names`] from constants of `libc`; `field` names the bits that are one number. What libc
/// does not have stands at the end with its value.
macro_rules! names {
    ($(#[$doc:meta])* $set:ident, $field:expr, $($name:ident)* $(, $more:ident = $value:literal)*) => {
        $(#[$doc])*
        pub static $set: Names = Names {
            field: $field,
            values: &[$((stringify!($name), libc::$name as u32 as u64),)* $((stringify!($more), $value)),*],
        };
    };
}

const FLAGS: u64 = 0;
const ENUM: u64 = u32::MAX as u64;

names! { /// `open`. O_* of RISC-V and x86-64 are the generic ones.
OPEN, libc::O_ACCMODE as u64, O_RDONLY O_WRONLY O_RDWR O_TMPFILE O_SYNC O_CREAT O_EXCL O_NOCTTY O_TRUNC O_APPEND
O_NONBLOCK O_DSYNC O_ASYNC O_DIRECT O_DIRECTORY O_NOFOLLOW O_NOATIME O_CLOEXEC O_PATH }
names! { /// `pipe2`, `dup3`, `eventfd2` and others that take only O_CLOEXEC and O_NONBLOCK.
DESCRIPTOR, FLAGS, O_CLOEXEC O_NONBLOCK O_DIRECT EFD_SEMAPHORE }
names! { /// `AT_*`.
AT, FLAGS, AT_SYMLINK_NOFOLLOW AT_REMOVEDIR AT_SYMLINK_FOLLOW AT_NO_AUTOMOUNT AT_EMPTY_PATH AT_RECURSIVE }
names! { /// `access`.
ACCESS, FLAGS, R_OK W_OK X_OK }
names! { /// `mmap`'s protection.
PROT, FLAGS, PROT_READ PROT_WRITE PROT_EXEC PROT_GROWSDOWN }
names! { /// `mmap`'s flags.
MAP, 3, MAP_SHARED MAP_PRIVATE MAP_SHARED_VALIDATE MAP_FIXED MAP_ANONYMOUS MAP_GROWSDOWN MAP_DENYWRITE
MAP_EXECUTABLE MAP_LOCKED MAP_NORESERVE MAP_POPULATE MAP_NONBLOCK MAP_STACK MAP_HUGETLB MAP_SYNC
MAP_FIXED_NOREPLACE }
names! { /// `mremap`.
MREMAP, FLAGS, MREMAP_MAYMOVE MREMAP_FIXED MREMAP_DONTUNMAP }
names! { /// `msync`.
MSYNC, FLAGS, MS_ASYNC MS_INVALIDATE MS_SYNC }
names! { /// `madvise`.
MADV, ENUM, MADV_NORMAL MADV_RANDOM MADV_SEQUENTIAL MADV_WILLNEED MADV_DONTNEED MADV_FREE MADV_REMOVE MADV_DONTFORK
MADV_DOFORK MADV_HWPOISON MADV_MERGEABLE MADV_UNMERGEABLE MADV_HUGEPAGE MADV_NOHUGEPAGE MADV_DONTDUMP MADV_DODUMP
MADV_WIPEONFORK MADV_KEEPONFORK MADV_COLD MADV_PAGEOUT MADV_POPULATE_READ MADV_POPULATE_WRITE }
names! { /// `lseek`.
WHENCE, ENUM, SEEK_SET SEEK_CUR SEEK_END SEEK_DATA SEEK_HOLE }
names! { /// `fcntl`.
FCNTL, ENUM, F_DUPFD F_GETFD F_SETFD F_GETFL F_SETFL F_GETLK F_SETLK F_SETLKW F_SETOWN F_GETOWN
F_OFD_GETLK F_OFD_SETLK F_OFD_SETLKW F_SETLEASE F_GETLEASE F_NOTIFY F_DUPFD_CLOEXEC
F_SETPIPE_SZ F_GETPIPE_SZ F_ADD_SEALS F_GET_SEALS, F_SETSIG = 10, F_GETSIG = 11, F_SETOWN_EX = 15,
F_GETOWN_EX = 16, F_GET_RW_HINT = 1035, F_SET_RW_HINT = 1036 }
names! { /// `ioctl`: the commands ordinary programs use.
IOCTL, ENUM, TCGETS TCSETS TCSETSW TCSETSF TCSBRK TCXONC TCFLSH TIOCEXCL TIOCNXCL TIOCSCTTY TIOCGPGRP TIOCSPGRP
TIOCOUTQ TIOCSTI TIOCGWINSZ TIOCSWINSZ TIOCMGET TIOCMSET FIONREAD TIOCCONS TIOCNOTTY FIONBIO FIOCLEX FIONCLEX
TIOCGPTN TIOCSPTLCK FICLONE FICLONERANGE FS_IOC_GETFLAGS FS_IOC_SETFLAGS }
names! { /// `clone`: the low byte is the signal sent at exit.
CLONE, 0, CLONE_VM CLONE_FS CLONE_FILES CLONE_SIGHAND CLONE_PIDFD CLONE_PTRACE CLONE_VFORK CLONE_PARENT CLONE_THREAD
CLONE_NEWNS CLONE_SYSVSEM CLONE_SETTLS CLONE_PARENT_SETTID CLONE_CHILD_CLEARTID CLONE_DETACHED CLONE_UNTRACED
CLONE_CHILD_SETTID CLONE_NEWCGROUP CLONE_NEWUTS CLONE_NEWIPC CLONE_NEWUSER CLONE_NEWPID CLONE_NEWNET CLONE_IO }
names! { /// `wait4` and `waitid`.
WAIT, FLAGS, WNOHANG WUNTRACED WEXITED WCONTINUED WNOWAIT __WNOTHREAD __WALL __WCLONE }
names! { /// `waitid`'s id type.
WAIT_ID, ENUM, P_ALL P_PID P_PGID P_PIDFD }
names! { /// Clocks.
CLOCK, ENUM, CLOCK_REALTIME CLOCK_MONOTONIC CLOCK_PROCESS_CPUTIME_ID CLOCK_THREAD_CPUTIME_ID CLOCK_MONOTONIC_RAW
CLOCK_REALTIME_COARSE CLOCK_MONOTONIC_COARSE CLOCK_BOOTTIME CLOCK_REALTIME_ALARM CLOCK_BOOTTIME_ALARM CLOCK_TAI }
names! { /// `timer_settime`, `clock_nanosleep`.
TIMER, FLAGS, TIMER_ABSTIME }
names! { /// `rt_sigprocmask`.
SIG_HOW, ENUM, SIG_BLOCK SIG_UNBLOCK SIG_SETMASK }
names! { /// Address families.
AF, ENUM, AF_UNSPEC AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_VSOCK AF_ALG }
names! { /// Socket types with their flags.
SOCK, 15, SOCK_STREAM SOCK_DGRAM SOCK_RAW SOCK_SEQPACKET SOCK_RDM SOCK_CLOEXEC SOCK_NONBLOCK }
names! { /// `send`, `recv`.
MSG, FLAGS, MSG_OOB MSG_PEEK MSG_DONTROUTE MSG_CTRUNC MSG_TRUNC MSG_DONTWAIT MSG_EOR MSG_WAITALL MSG_CONFIRM
MSG_ERRQUEUE MSG_NOSIGNAL MSG_MORE MSG_WAITFORONE MSG_FASTOPEN MSG_CMSG_CLOEXEC }
names! { /// Socket option levels.
SOL, ENUM, IPPROTO_IP SOL_SOCKET IPPROTO_TCP IPPROTO_UDP IPPROTO_IPV6 }
names! { /// `shutdown`.
SHUT, ENUM, SHUT_RD SHUT_WR SHUT_RDWR }
names! { /// `poll`'s events.
POLL, FLAGS, POLLIN POLLPRI POLLOUT POLLERR POLLHUP POLLNVAL POLLRDNORM POLLRDBAND POLLWRNORM POLLWRBAND POLLRDHUP }
names! { /// `epoll`'s events.
EPOLL_EVENTS, FLAGS, EPOLLIN EPOLLPRI EPOLLOUT EPOLLERR EPOLLHUP EPOLLRDHUP EPOLLEXCLUSIVE EPOLLWAKEUP EPOLLONESHOT
EPOLLET }
names! { /// `sigaction`'s flags.
SA, FLAGS, SA_NOCLDSTOP SA_NOCLDWAIT SA_SIGINFO SA_ONSTACK SA_RESTART SA_NODEFER SA_RESETHAND }
names! { /// `epoll_ctl`.
EPOLL, ENUM, EPOLL_CTL_ADD EPOLL_CTL_DEL EPOLL_CTL_MOD }
names! { /// `flock`.
LOCK, FLAGS, LOCK_SH LOCK_EX LOCK_NB LOCK_UN }
names! { /// Resource limits.
RLIMIT, ENUM, RLIMIT_CPU RLIMIT_FSIZE RLIMIT_DATA RLIMIT_STACK RLIMIT_CORE RLIMIT_RSS RLIMIT_NPROC RLIMIT_NOFILE
RLIMIT_MEMLOCK RLIMIT_AS RLIMIT_LOCKS RLIMIT_SIGPENDING RLIMIT_MSGQUEUE RLIMIT_NICE RLIMIT_RTPRIO RLIMIT_RTTIME }
names! { /// `prctl`.
PRCTL, ENUM, PR_SET_PDEATHSIG PR_GET_PDEATHSIG PR_GET_DUMPABLE PR_SET_DUMPABLE PR_GET_KEEPCAPS PR_SET_KEEPCAPS
PR_GET_TIMING PR_SET_TIMING PR_SET_NAME PR_GET_NAME PR_GET_ENDIAN PR_GET_SECCOMP PR_SET_SECCOMP PR_CAPBSET_READ
PR_CAPBSET_DROP PR_GET_TSC PR_SET_TSC PR_GET_SECUREBITS PR_SET_SECUREBITS PR_SET_TIMERSLACK PR_GET_TIMERSLACK
PR_SET_MM PR_SET_CHILD_SUBREAPER PR_GET_CHILD_SUBREAPER PR_SET_NO_NEW_PRIVS PR_GET_NO_NEW_PRIVS
PR_GET_TID_ADDRESS PR_SET_THP_DISABLE PR_GET_THP_DISABLE PR_CAP_AMBIENT PR_SET_VMA PR_SET_PTRACER }
names! { /// `futex`: the command, then its flags.
FUTEX, 0x7f, FUTEX_WAIT FUTEX_WAKE FUTEX_FD FUTEX_REQUEUE FUTEX_CMP_REQUEUE FUTEX_WAKE_OP FUTEX_LOCK_PI
FUTEX_UNLOCK_PI FUTEX_TRYLOCK_PI FUTEX_WAIT_BITSET FUTEX_WAKE_BITSET FUTEX_WAIT_REQUEUE_PI FUTEX_CMP_REQUEUE_PI
FUTEX_LOCK_PI2 FUTEX_PRIVATE_FLAG FUTEX_CLOCK_REALTIME }
names! { /// `getrandom`.
GETRANDOM, FLAGS, GRND_NONBLOCK GRND_RANDOM }
names! { /// `memfd_create`.
MEMFD, FLAGS, MFD_CLOEXEC MFD_ALLOW_SEALING MFD_HUGETLB }
names! { /// `getrusage`. RUSAGE_CHILDREN is -1.
RUSAGE, ENUM, RUSAGE_SELF RUSAGE_CHILDREN RUSAGE_THREAD }
names! { /// Interval timers.
ITIMER, ENUM, ITIMER_REAL ITIMER_VIRTUAL ITIMER_PROF }
names! { /// Scheduling policies.
SCHED, 0xff, SCHED_OTHER SCHED_FIFO SCHED_RR SCHED_BATCH SCHED_IDLE SCHED_DEADLINE SCHED_RESET_ON_FORK }
names! { /// System V IPC flags; permissions are printed as a number.
IPC, FLAGS, IPC_CREAT IPC_EXCL IPC_NOWAIT }
names! { /// `renameat2`.
RENAME, FLAGS, RENAME_NOREPLACE RENAME_EXCHANGE RENAME_WHITEOUT }
names! { /// `splice`, `tee`, `vmsplice`.
SPLICE, FLAGS, SPLICE_F_MOVE SPLICE_F_NONBLOCK SPLICE_F_MORE SPLICE_F_GIFT }
names! { /// `close_range`.
CLOSE_RANGE, FLAGS, CLOSE_RANGE_UNSHARE CLOSE_RANGE_CLOEXEC }

const SIGNALS: [&str; 32] = [
    "0", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
    "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH",
    "IO", "PWR", "SYS",
];

/// `SIGSEGV`, `SIGRT_2`, or the number. Signal numbers are the generic ones on guest and host.
pub fn signal(number: u64) -> String {
    match number {
        1..=31 => format!("SIG{}", SIGNALS[number as usize]),
        32..=64 => format!("SIGRT_{}", number - 32),
        _ => (number as i64).to_string(),
    }
}

/// `[INT TERM]`, or `~[...]` when most signals are in the set. Bit 0 is signal 1.
pub fn signal_set(set: u64) -> String {
    let (tilde, listed) = if set.count_ones() > 32 { ("~", !set) } else { ("", set) };
    let mut text = format!("{tilde}[");
    for number in (1..=64u64).filter(|number| listed >> (number - 1) & 1 == 1) {
        let space = if text.ends_with('[') { "" } else { " " };
        let name = signal(number);
        write!(text, "{space}{}", name.strip_prefix("SIG").unwrap_or(&name)).expect("writing to a string");
    }
    text + "]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_enumerations_and_fields() {
        assert_eq!(OPEN.show(0), "O_RDONLY");
        assert_eq!(OPEN.show(0o1101), "O_WRONLY|O_CREAT|O_TRUNC");
        assert_eq!(PROT.show(0), "0");
        assert_eq!(PROT.show(5), "PROT_READ|PROT_EXEC");
        assert_eq!(PROT.show(0x101), "PROT_READ|0x100");
        assert_eq!(MAP.show(0x22), "MAP_PRIVATE|MAP_ANONYMOUS");
        assert_eq!(WHENCE.show(2), "SEEK_END");
        assert_eq!(WHENCE.show(77), "0x4d");
        assert_eq!(FUTEX.show(128), "FUTEX_WAIT|FUTEX_PRIVATE_FLAG");
    }

    #[test]
    fn signals() {
        assert_eq!(signal(11), "SIGSEGV");
        assert_eq!(signal(34), "SIGRT_2");
        assert_eq!(signal_set(1 << 1 | 1 << 14), "[INT TERM]");
        assert_eq!(signal_set(!(1 << 8)), "~[KILL]");
        assert_eq!(signal_set(0), "[]");
    }
}
