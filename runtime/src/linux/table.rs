//! The system call table: one row for every number of the generic 64-bit list (`asm-generic/unistd.h` of Linux 6.18, with
//! RISC-V's own calls 258 and 259).
//!
//! A row is `number name(argument types) decision`, and the decision is one of
//!
//! - `done(handler)`: a function of Mynah answers;
//! - `pass(host number)`: the host's call has the same argument layouts and answers at once. Pointers are converted, the
//!   sysroot and the guest's `/proc` apply to paths, buffers the kernel will write are prepared;
//! - `wait(host number)`: the same, for a call that may block, so that a signal must be able to end it;
//! - `flat(host number)` and `flatwait(host number)`: as the two above, but structures hold further pointers, so that the call exists
//!   only while guest addresses are host addresses (guest base 0); elsewhere it fails with ENOSYS;
//! - `refused(error, "why")`: the guest gets the error, and the page of compatibility the reason.
//!
//! A second text in a decision tells what differs from the kernel's behaviour.

use libc::*;

use super::arguments::Arg::*;
use super::arguments::Len::{self, Address, AddressBehind, Behind, Bytes, Each, Of, Pages, Plus, Times};
use super::arguments::*;
use super::names;
use super::{Errno, Outcome};
use super::{fd, fs, ioctl, ipc, limits, mm, net, poll, process, signal, system, thread, time};
use crate::vcpu::Vcpu;

/// What answers a system call.
pub type Handler = fn(&mut Vcpu, Args) -> Outcome;

/// How a system call is answered.
#[derive(Clone, Copy)]
pub enum Decision {
    /// A function of Mynah.
    Done(Handler),
    /// The host's call of this number, at once.
    Pass(i64),
    /// The host's call of this number, which may block.
    Wait(i64),
    /// [`Pass`](Decision::Pass) while guest addresses are host addresses.
    Flat(i64),
    /// [`Wait`](Decision::Wait) while guest addresses are host addresses.
    FlatWait(i64),
    /// Always this error.
    Refused(Errno),
}

/// A system call.
pub struct Row {
    /// Its number in the generic list.
    pub number: u32,
    /// Its name there.
    pub name: &'static str,
    /// The types of its arguments.
    pub args: &'static [Arg],
    /// Who answers.
    pub decision: Decision,
    /// Why it is refused, or what differs; empty if nothing does.
    pub note: &'static str,
}

/// The row of a number.
pub fn find(number: u64) -> Option<&'static Row> {
    let index = *INDEX.get(usize::try_from(number).ok()?)?;
    ROWS.get(usize::from(index))
}

/// One more than the highest number.
pub const NUMBERS: usize = ROWS[ROWS.len() - 1].number as usize + 1;

/// Row index by number; `u16::MAX` for numbers without a row.
static INDEX: [u16; NUMBERS] = {
    let mut index = [u16::MAX; NUMBERS];
    let mut i = 0;
    while i < ROWS.len() {
        assert!(i == 0 || ROWS[i - 1].number < ROWS[i].number, "numbers must be unique and ascend");
        assert!(ROWS[i].args.len() <= 6, "a system call has at most six arguments");
        index[ROWS[i].number as usize] = i as u16;
        i += 1;
    }
    index
};

macro_rules! decision {
    (done($handler:path $(, $note:literal)?)) => {
        (Decision::Done(|vcpu, args| $handler(vcpu, args).into()), concat!($($note)?))
    };
    (pass($nr:expr $(, $note:literal)?)) => { (Decision::Pass($nr), concat!($($note)?)) };
    (wait($nr:expr $(, $note:literal)?)) => { (Decision::Wait($nr), concat!($($note)?)) };
    (flat($nr:expr $(, $note:literal)?)) => { (Decision::Flat($nr), concat!($($note)?)) };
    (flatwait($nr:expr $(, $note:literal)?)) => { (Decision::FlatWait($nr), concat!($($note)?)) };
    (refused($errno:ident, $note:literal)) => { (Decision::Refused(Errno::$errno), $note) };
}

macro_rules! rows {
    ($($number:literal $name:ident($($arg:expr),*) $kind:ident($($what:tt)*))*) => {
        /// All rows, by number.
        pub static ROWS: &[Row] = &ROW_ARRAY;
        const ROW_ARRAY: [Row; [$($number),*].len()] = [$({
            const DECISION: (Decision, &str) = decision!($kind($($what)*));
            Row {
                number: $number,
                name: stringify!($name),
                args: &[$($arg),*],
                decision: DECISION.0,
                note: DECISION.1,
            }
        }),*];
    };
}

/// A length that an argument gives.
const fn arg(index: usize) -> Len {
    Len::Arg(index)
}

const TS: Len = Of(&TIMESPEC);
const TV: Len = Of(&TIMEVAL);

rows! {
    // Asynchronous I/O. The ring that io_setup maps lies outside the guest's addresses, but within its reach.
    0 io_setup(Uint, InOut(Bytes(8))) flat(SYS_io_setup)
    1 io_destroy(Hex) flat(SYS_io_destroy)
    2 io_submit(Hex, Long, In(Times(1, 8))) flat(SYS_io_submit, "a read into memory that holds translated code fails with EFAULT")
    3 io_cancel(Hex, In(Bytes(64)), Out(Bytes(32))) flat(SYS_io_cancel)
    4 io_getevents(Hex, Long, Long, Out(Times(2, 32)), In(TS)) flatwait(SYS_io_getevents)

    // Extended attributes.
    5 setxattr(Path, Str, In(arg(3)), Size, Hex) pass(SYS_setxattr)
    6 lsetxattr(Name, Str, In(arg(3)), Size, Hex) pass(SYS_lsetxattr)
    7 fsetxattr(Fd, Str, In(arg(3)), Size, Hex) pass(SYS_fsetxattr)
    8 getxattr(Path, Str, Out(arg(3)), Size) pass(SYS_getxattr)
    9 lgetxattr(Name, Str, Out(arg(3)), Size) pass(SYS_lgetxattr)
    10 fgetxattr(Fd, Str, Out(arg(3)), Size) pass(SYS_fgetxattr)
    11 listxattr(Path, Out(arg(2)), Size) pass(SYS_listxattr)
    12 llistxattr(Name, Out(arg(2)), Size) pass(SYS_llistxattr)
    13 flistxattr(Fd, Out(arg(2)), Size) pass(SYS_flistxattr)
    14 removexattr(Path, Str) pass(SYS_removexattr)
    15 lremovexattr(Name, Str) pass(SYS_lremovexattr)
    16 fremovexattr(Fd, Str) pass(SYS_fremovexattr)

    17 getcwd(Out(arg(1)), Size) done(fs::getcwd)
    18 lookup_dcookie(Hex, Out(arg(2)), Size) refused(ENOSYS, "removed from Linux")
    19 eventfd2(Uint, Flags(&names::DESCRIPTOR)) pass(SYS_eventfd2)
    20 epoll_create1(Flags(&names::DESCRIPTOR)) pass(SYS_epoll_create1)
    21 epoll_ctl(Fd, Flags(&names::EPOLL), Fd, In(Of(&EPOLL_EVENT))) done(poll::epoll_ctl)
    22 epoll_pwait(Fd, Out(Each(2, &EPOLL_EVENT)), Int, Int, In(Of(&SIGSET)), Size) done(poll::epoll_pwait)

    // Descriptors and files.
    23 dup(Fd) done(fd::dup)
    24 dup3(Fd, Fd, Flags(&names::DESCRIPTOR)) done(fd::dup3)
    25 fcntl(Fd, Flags(&names::FCNTL), Hex) done(fd::fcntl)
    26 inotify_init1(Flags(&names::DESCRIPTOR)) pass(SYS_inotify_init1)
    27 inotify_add_watch(Fd, Path, Hex) pass(SYS_inotify_add_watch)
    28 inotify_rm_watch(Fd, Int) pass(SYS_inotify_rm_watch)
    29 ioctl(Fd, Flags(&names::IOCTL), Hex) done(ioctl::ioctl, "commands not in Mynah's list take their argument as a plain pointer with the size the command encodes")
    30 ioprio_set(Int, Id, Int) pass(SYS_ioprio_set)
    31 ioprio_get(Int, Id) pass(SYS_ioprio_get)
    32 flock(Fd, Flags(&names::LOCK)) wait(SYS_flock)
    33 mknodat(Dir, Name, Mode, Hex) pass(SYS_mknodat)
    34 mkdirat(Dir, Name, Mode) pass(SYS_mkdirat)
    35 unlinkat(Dir, Name, Flags(&names::AT)) pass(SYS_unlinkat)
    36 symlinkat(Str, Dir, Name) pass(SYS_symlinkat)
    37 linkat(Dir, Name, Dir, Name, Flags(&names::AT)) pass(SYS_linkat)
    38 renameat(Dir, Name, Dir, Name) refused(ENOSYS, "RISC-V has only renameat2")
    39 umount2(Path, Hex) pass(SYS_umount2)
    40 mount(Path, Path, Str, Hex, Str) pass(SYS_mount)
    41 pivot_root(Path, Path) pass(SYS_pivot_root)
    42 nfsservctl(Int, Ptr, Ptr) refused(ENOSYS, "removed from Linux")
    43 statfs(Path, Out(Bytes(120))) pass(SYS_statfs)
    44 fstatfs(Fd, Out(Bytes(120))) pass(SYS_fstatfs)
    45 truncate(Path, Long) pass(SYS_truncate)
    46 ftruncate(Fd, Long) pass(SYS_ftruncate)
    47 fallocate(Fd, Hex, Long, Long) wait(SYS_fallocate)
    48 faccessat(Dir, Path, Flags(&names::ACCESS)) pass(SYS_faccessat)
    49 chdir(Path) pass(SYS_chdir)
    50 fchdir(Fd) pass(SYS_fchdir)
    51 chroot(Path) pass(SYS_chroot, "the sysroot is then looked up inside the new root")
    52 fchmod(Fd, Mode) pass(SYS_fchmod)
    53 fchmodat(Dir, Path, Mode) pass(SYS_fchmodat)
    54 fchownat(Dir, Path, Id, Id, Flags(&names::AT)) pass(SYS_fchownat)
    55 fchown(Fd, Id, Id) pass(SYS_fchown)
    56 openat(Dir, Str, Flags(&names::OPEN), Mode) done(fs::openat)
    57 close(Fd) done(fd::close)
    58 vhangup() pass(SYS_vhangup)
    59 pipe2(Out(Of(&TWO_FDS)), Flags(&names::DESCRIPTOR)) pass(SYS_pipe2)
    60 quotactl(Hex, Path, Id, InOut(Bytes(112))) pass(SYS_quotactl)
    61 getdents64(Fd, Out(arg(2)), Size) done(fd::getdents64)
    62 lseek(Fd, Long, Flags(&names::WHENCE)) pass(SYS_lseek)
    63 read(Fd, Out(arg(2)), Size) wait(SYS_read)
    64 write(Fd, In(arg(2)), Size) wait(SYS_write)
    65 readv(Fd, IovOut(2), Size) wait(SYS_readv)
    66 writev(Fd, IovIn(2), Size) wait(SYS_writev)
    67 pread64(Fd, Out(arg(2)), Size, Long) wait(SYS_pread64)
    68 pwrite64(Fd, In(arg(2)), Size, Long) wait(SYS_pwrite64)
    69 preadv(Fd, IovOut(2), Size, Long, Long) wait(SYS_preadv)
    70 pwritev(Fd, IovIn(2), Size, Long, Long) wait(SYS_pwritev)
    71 sendfile(Fd, Fd, InOut(Of(&LONG)), Size) wait(SYS_sendfile)
    72 pselect6(Int, InOut(Bytes(128)), InOut(Bytes(128)), InOut(Bytes(128)), InOut(TS), In(Bytes(16))) done(poll::pselect6)
    73 ppoll(InOut(Each(1, &POLLFD)), Uint, InOut(TS), In(Of(&SIGSET)), Size) done(poll::ppoll)
    74 signalfd4(Fd, In(Of(&SIGSET)), Size, Flags(&names::DESCRIPTOR)) pass(SYS_signalfd4)
    75 vmsplice(Fd, IovOut(2), Size, Flags(&names::SPLICE)) wait(SYS_vmsplice)
    76 splice(Fd, InOut(Of(&LONG)), Fd, InOut(Of(&LONG)), Size, Flags(&names::SPLICE)) wait(SYS_splice)
    77 tee(Fd, Fd, Size, Flags(&names::SPLICE)) wait(SYS_tee)
    78 readlinkat(Dir, Str, Out(arg(3)), Size) done(fs::readlinkat)
    79 newfstatat(Dir, Str, Out(Of(&STAT)), Flags(&names::AT)) done(fs::newfstatat)
    80 fstat(Fd, Out(Of(&STAT))) done(fs::fstat)
    81 sync() pass(SYS_sync)
    82 fsync(Fd) wait(SYS_fsync)
    83 fdatasync(Fd) wait(SYS_fdatasync)
    84 sync_file_range(Fd, Long, Long, Hex) wait(SYS_sync_file_range)
    85 timerfd_create(Flags(&names::CLOCK), Flags(&names::DESCRIPTOR)) pass(SYS_timerfd_create)
    86 timerfd_settime(Fd, Flags(&names::TIMER), In(Of(&ITIMERSPEC)), Out(Of(&ITIMERSPEC))) pass(SYS_timerfd_settime)
    87 timerfd_gettime(Fd, Out(Of(&ITIMERSPEC))) pass(SYS_timerfd_gettime)
    88 utimensat(Dir, Path, In(Of(&TWO_TIMESPECS)), Flags(&names::AT)) pass(SYS_utimensat)
    89 acct(Path) pass(SYS_acct)

    // Processes, threads and what they may do.
    90 capget(InOut(Bytes(8)), Out(Bytes(24))) pass(SYS_capget)
    91 capset(In(Bytes(8)), In(Bytes(24))) pass(SYS_capset)
    92 personality(Hex) done(system::personality, "flags that would change the layout of Mynah's own memory fail with EINVAL")
    93 exit(Int) done(thread::exit)
    94 exit_group(Int) done(process::exit_group)
    95 waitid(Flags(&names::WAIT_ID), Id, Out(Bytes(128)), Flags(&names::WAIT), Out(Bytes(144))) done(process::waitid)
    96 set_tid_address(Ptr) done(thread::set_tid_address)
    97 unshare(Flags(&names::CLONE)) done(process::unshare)
    98 futex(Ptr, Flags(&names::FUTEX), Uint, Hex, Ptr, Hex) done(thread::futex)
    99 set_robust_list(Ptr, Size) done(thread::set_robust_list)
    100 get_robust_list(Id, Out(Of(&LONG)), Out(Of(&LONG))) done(thread::get_robust_list)
    101 nanosleep(In(TS), Out(TS)) wait(SYS_nanosleep)
    102 getitimer(Flags(&names::ITIMER), Out(Of(&ITIMERVAL))) pass(SYS_getitimer)
    103 setitimer(Flags(&names::ITIMER), In(Of(&ITIMERVAL)), Out(Of(&ITIMERVAL))) pass(SYS_setitimer)
    104 kexec_load(Hex, Size, Ptr, Hex) refused(EPERM, "the guest's kernel is the host's, which runs no guest code")
    105 init_module(Ptr, Size, Str) refused(EPERM, "the guest's kernel is the host's, which runs no guest code")
    106 delete_module(Str, Hex) refused(EPERM, "the guest's kernel is the host's, which runs no guest code")
    107 timer_create(Flags(&names::CLOCK), In(Bytes(64)), Out(Of(&INT))) pass(SYS_timer_create)
    108 timer_gettime(Int, Out(Of(&ITIMERSPEC))) pass(SYS_timer_gettime)
    109 timer_getoverrun(Int) pass(SYS_timer_getoverrun)
    110 timer_settime(Int, Flags(&names::TIMER), In(Of(&ITIMERSPEC)), Out(Of(&ITIMERSPEC))) pass(SYS_timer_settime)
    111 timer_delete(Int) pass(SYS_timer_delete)
    112 clock_settime(Flags(&names::CLOCK), In(TS)) pass(SYS_clock_settime)
    113 clock_gettime(Flags(&names::CLOCK), Out(TS)) done(time::clock_gettime)
    114 clock_getres(Flags(&names::CLOCK), Out(TS)) done(time::clock_getres)
    115 clock_nanosleep(Flags(&names::CLOCK), Flags(&names::TIMER), In(TS), Out(TS)) wait(SYS_clock_nanosleep)
    116 syslog(Int, Out(arg(2)), Int) wait(SYS_syslog)
    117 ptrace(Long, Id, Ptr, Ptr) refused(ENOSYS, "the registers of a traced process would be Mynah's, not the guest's")
    118 sched_setparam(Id, In(Of(&INT))) pass(SYS_sched_setparam)
    119 sched_setscheduler(Id, Flags(&names::SCHED), In(Of(&INT))) pass(SYS_sched_setscheduler)
    120 sched_getscheduler(Id) pass(SYS_sched_getscheduler)
    121 sched_getparam(Id, Out(Of(&INT))) pass(SYS_sched_getparam)
    122 sched_setaffinity(Id, Size, In(arg(1))) pass(SYS_sched_setaffinity)
    123 sched_getaffinity(Id, Size, Out(arg(1))) pass(SYS_sched_getaffinity)
    124 sched_yield() pass(SYS_sched_yield)
    125 sched_get_priority_max(Flags(&names::SCHED)) pass(SYS_sched_get_priority_max)
    126 sched_get_priority_min(Flags(&names::SCHED)) pass(SYS_sched_get_priority_min)
    127 sched_rr_get_interval(Id, Out(TS)) pass(SYS_sched_rr_get_interval)
    128 restart_syscall() refused(EINTR, "Mynah restarts calls by running the instruction again")
    129 kill(Id, Signal) done(signal::kill)
    130 tkill(Id, Signal) done(signal::tkill)
    131 tgkill(Id, Id, Signal) done(signal::tgkill)
    132 sigaltstack(In(Of(&STACK)), Out(Of(&STACK))) done(signal::sigaltstack)
    133 rt_sigsuspend(In(Of(&SIGSET)), Size) done(signal::rt_sigsuspend)
    134 rt_sigaction(Signal, In(Of(&SIGACTION)), Out(Of(&SIGACTION)), Size) done(signal::rt_sigaction)
    135 rt_sigprocmask(Flags(&names::SIG_HOW), In(Of(&SIGSET)), Out(Of(&SIGSET)), Size) done(signal::rt_sigprocmask)
    136 rt_sigpending(Out(Of(&SIGSET)), Size) done(signal::rt_sigpending)
    137 rt_sigtimedwait(In(Of(&SIGSET)), Out(Bytes(128)), In(TS), Size) done(signal::rt_sigtimedwait)
    138 rt_sigqueueinfo(Id, Signal, In(Bytes(128))) done(signal::rt_sigqueueinfo)
    139 rt_sigreturn() done(signal::rt_sigreturn)
    140 setpriority(Int, Id, Int) pass(SYS_setpriority)
    141 getpriority(Int, Id) pass(SYS_getpriority)
    142 reboot(Hex, Hex, Hex, Str) pass(SYS_reboot)
    143 setregid(Id, Id) pass(SYS_setregid)
    144 setgid(Id) pass(SYS_setgid)
    145 setreuid(Id, Id) pass(SYS_setreuid)
    146 setuid(Id) pass(SYS_setuid)
    147 setresuid(Id, Id, Id) pass(SYS_setresuid)
    148 getresuid(Out(Of(&INT)), Out(Of(&INT)), Out(Of(&INT))) pass(SYS_getresuid)
    149 setresgid(Id, Id, Id) pass(SYS_setresgid)
    150 getresgid(Out(Of(&INT)), Out(Of(&INT)), Out(Of(&INT))) pass(SYS_getresgid)
    151 setfsuid(Id) pass(SYS_setfsuid)
    152 setfsgid(Id) pass(SYS_setfsgid)
    153 times(Out(Bytes(32))) pass(SYS_times)
    154 setpgid(Id, Id) pass(SYS_setpgid)
    155 getpgid(Id) pass(SYS_getpgid)
    156 getsid(Id) pass(SYS_getsid)
    157 setsid() pass(SYS_setsid)
    158 getgroups(Int, Out(Times(0, 4))) pass(SYS_getgroups)
    159 setgroups(Int, In(Times(0, 4))) pass(SYS_setgroups)
    160 uname(Out(Bytes(390))) done(system::uname)
    161 sethostname(In(arg(1)), Int) pass(SYS_sethostname)
    162 setdomainname(In(arg(1)), Int) pass(SYS_setdomainname)
    163 getrlimit(Flags(&names::RLIMIT), Out(Of(&RLIMIT))) done(limits::getrlimit)
    164 setrlimit(Flags(&names::RLIMIT), In(Of(&RLIMIT))) done(limits::setrlimit)
    165 getrusage(Flags(&names::RUSAGE), Out(Bytes(144))) pass(SYS_getrusage)
    166 umask(Mode) pass(SYS_umask)
    167 prctl(Flags(&names::PRCTL), Hex, Hex, Hex, Hex) done(system::prctl, "options that set host registers, memory layout or system call filters are refused one by one")
    168 getcpu(Out(Of(&INT)), Out(Of(&INT)), Ptr) done(time::getcpu)
    169 gettimeofday(Out(TV), Out(Bytes(8))) done(time::gettimeofday)
    170 settimeofday(In(TV), In(Bytes(8))) pass(SYS_settimeofday)
    171 adjtimex(InOut(Bytes(208))) pass(SYS_adjtimex)
    172 getpid() pass(SYS_getpid)
    173 getppid() pass(SYS_getppid)
    174 getuid() pass(SYS_getuid)
    175 geteuid() pass(SYS_geteuid)
    176 getgid() pass(SYS_getgid)
    177 getegid() pass(SYS_getegid)
    178 gettid() done(thread::gettid)
    179 sysinfo(Out(Bytes(112))) pass(SYS_sysinfo)

    // POSIX message queues and System V IPC.
    180 mq_open(Str, Flags(&names::OPEN), Mode, In(Bytes(64))) pass(SYS_mq_open)
    181 mq_unlink(Str) pass(SYS_mq_unlink)
    182 mq_timedsend(Fd, In(arg(2)), Size, Uint, In(TS)) wait(SYS_mq_timedsend)
    183 mq_timedreceive(Fd, Out(arg(2)), Size, Out(Of(&INT)), In(TS)) wait(SYS_mq_timedreceive)
    184 mq_notify(Fd, In(Bytes(64))) done(ipc::mq_notify)
    185 mq_getsetattr(Fd, In(Bytes(64)), Out(Bytes(64))) pass(SYS_mq_getsetattr)
    186 msgget(Hex, Flags(&names::IPC)) pass(SYS_msgget)
    187 msgctl(Int, Int, InOut(Bytes(120))) pass(SYS_msgctl)
    188 msgrcv(Int, Out(Plus(2, 8)), Size, Long, Flags(&names::IPC)) wait(SYS_msgrcv)
    189 msgsnd(Int, In(Plus(2, 8)), Size, Flags(&names::IPC)) wait(SYS_msgsnd)
    190 semget(Hex, Int, Flags(&names::IPC)) pass(SYS_semget)
    191 semctl(Int, Int, Int, Hex) done(ipc::semctl)
    192 semtimedop(Int, In(Times(2, 6)), Size, In(TS)) wait(SYS_semtimedop)
    193 semop(Int, In(Times(2, 6)), Size) wait(SYS_semop)
    194 shmget(Hex, Size, Flags(&names::IPC)) pass(SYS_shmget)
    195 shmctl(Int, Int, InOut(Bytes(112))) pass(SYS_shmctl)
    196 shmat(Int, Ptr, Hex) done(ipc::shmat)
    197 shmdt(Ptr) done(ipc::shmdt)

    // Sockets.
    198 socket(Flags(&names::AF), Flags(&names::SOCK), Int) pass(SYS_socket)
    199 socketpair(Flags(&names::AF), Flags(&names::SOCK), Int, Out(Of(&TWO_FDS))) pass(SYS_socketpair)
    200 bind(Fd, In(Address(2)), Int) pass(SYS_bind)
    201 listen(Fd, Int) pass(SYS_listen)
    202 accept(Fd, Out(AddressBehind(2)), InOut(Of(&INT))) wait(SYS_accept)
    203 connect(Fd, In(Address(2)), Int) wait(SYS_connect)
    204 getsockname(Fd, Out(AddressBehind(2)), InOut(Of(&INT))) pass(SYS_getsockname)
    205 getpeername(Fd, Out(AddressBehind(2)), InOut(Of(&INT))) pass(SYS_getpeername)
    206 sendto(Fd, In(arg(2)), Size, Flags(&names::MSG), In(Address(5)), Uint) wait(SYS_sendto)
    207 recvfrom(Fd, Out(arg(2)), Size, Flags(&names::MSG), Out(AddressBehind(5)), InOut(Of(&INT))) wait(SYS_recvfrom)
    208 setsockopt(Fd, Flags(&names::SOL), Int, In(arg(4)), Uint) done(net::setsockopt)
    209 getsockopt(Fd, Flags(&names::SOL), Int, Out(Behind(4)), InOut(Of(&INT))) pass(SYS_getsockopt)
    210 shutdown(Fd, Flags(&names::SHUT)) pass(SYS_shutdown)
    211 sendmsg(Fd, In(Of(&MSGHDR)), Flags(&names::MSG)) done(net::sendmsg)
    212 recvmsg(Fd, InOut(Of(&MSGHDR)), Flags(&names::MSG)) done(net::recvmsg)

    213 readahead(Fd, Long, Size) pass(SYS_readahead)
    214 brk(Ptr) done(mm::brk)
    215 munmap(Ptr, Size) done(mm::munmap)
    216 mremap(Ptr, Size, Size, Flags(&names::MREMAP), Ptr) done(mm::mremap)
    217 add_key(Str, Str, In(arg(3)), Size, Int) pass(SYS_add_key)
    218 request_key(Str, Str, Str, Int) pass(SYS_request_key)
    219 keyctl(Int, Hex, Hex, Hex, Hex) flat(SYS_keyctl)
    220 clone(Flags(&names::CLONE), Ptr, Ptr, Ptr, Ptr) done(process::clone)
    221 execve(Str, Strings, Environment) done(process::execve)
    222 mmap(Ptr, Size, Flags(&names::PROT), Flags(&names::MAP), Fd, Hex) done(mm::mmap)
    223 fadvise64(Fd, Long, Long, Int) pass(SYS_fadvise64)
    224 swapon(Path, Hex) pass(SYS_swapon)
    225 swapoff(Path) pass(SYS_swapoff)
    226 mprotect(Ptr, Size, Flags(&names::PROT)) done(mm::mprotect)
    227 msync(Ptr, Size, Flags(&names::MSYNC)) done(mm::msync)
    228 mlock(Ptr, Size) pass(SYS_mlock)
    229 munlock(Ptr, Size) pass(SYS_munlock)
    230 mlockall(Hex) pass(SYS_mlockall, "locks Mynah's own memory too")
    231 munlockall() pass(SYS_munlockall)
    232 mincore(Ptr, Size, Out(Pages(1))) pass(SYS_mincore)
    233 madvise(Ptr, Size, Flags(&names::MADV)) done(mm::madvise)
    234 remap_file_pages(Ptr, Size, Hex, Size, Hex) refused(ENOSYS, "deprecated in Linux since 3.16; mmap does the same")
    235 mbind(Ptr, Size, Hex, In(Bytes(8)), Size, Hex) pass(SYS_mbind)
    236 get_mempolicy(Out(Of(&INT)), Out(Bytes(128)), Size, Ptr, Hex) pass(SYS_get_mempolicy)
    237 set_mempolicy(Hex, In(Bytes(8)), Size) pass(SYS_set_mempolicy)
    238 migrate_pages(Id, Size, In(Bytes(8)), In(Bytes(8))) pass(SYS_migrate_pages)
    239 move_pages(Id, Size, In(Times(1, 8)), In(Times(1, 4)), Out(Times(1, 4)), Hex) flat(SYS_move_pages)
    240 rt_tgsigqueueinfo(Id, Id, Signal, In(Bytes(128))) done(signal::rt_tgsigqueueinfo)
    241 perf_event_open(In(Bytes(136)), Id, Int, Fd, Hex) refused(ENOSYS, "would count Mynah's instructions, not the guest's")
    242 accept4(Fd, Out(AddressBehind(2)), InOut(Of(&INT)), Flags(&names::SOCK)) wait(SYS_accept4)
    243 recvmmsg(Fd, InOut(Times(2, 64)), Uint, Flags(&names::MSG), InOut(TS)) done(net::recvmmsg)

    // RISC-V's own.
    258 riscv_hwprobe(InOut(Times(1, 16)), Size, Size, InOut(arg(2)), Hex) done(system::riscv_hwprobe)
    259 riscv_flush_icache(Ptr, Ptr, Hex) done(system::riscv_flush_icache)

    260 wait4(Id, Out(Of(&INT)), Flags(&names::WAIT), Out(Bytes(144))) done(process::wait4)
    261 prlimit64(Id, Flags(&names::RLIMIT), In(Of(&RLIMIT)), Out(Of(&RLIMIT))) done(limits::prlimit64, "limits of address space, data and stack that are set for another process bind Mynah there as well")
    262 fanotify_init(Hex, Flags(&names::OPEN)) pass(SYS_fanotify_init)
    263 fanotify_mark(Fd, Hex, Hex, Dir, Path) pass(SYS_fanotify_mark)
    264 name_to_handle_at(Dir, Name, InOut(Bytes(136)), Out(Of(&INT)), Flags(&names::AT)) pass(SYS_name_to_handle_at)
    265 open_by_handle_at(Fd, In(Bytes(136)), Flags(&names::OPEN)) pass(SYS_open_by_handle_at)
    266 clock_adjtime(Flags(&names::CLOCK), InOut(Bytes(208))) pass(SYS_clock_adjtime)
    267 syncfs(Fd) wait(SYS_syncfs)
    268 setns(Fd, Flags(&names::CLONE)) pass(SYS_setns)
    269 sendmmsg(Fd, InOut(Times(2, 64)), Uint, Flags(&names::MSG)) done(net::sendmmsg)
    270 process_vm_readv(Id, IovOut(2), Size, IovIn(4), Size, Hex) pass(SYS_process_vm_readv, "the other process must have the same guest base")
    271 process_vm_writev(Id, IovIn(2), Size, IovIn(4), Size, Hex) pass(SYS_process_vm_writev, "the other process must have the same guest base")
    272 kcmp(Id, Id, Int, Hex, Hex) flat(SYS_kcmp)
    273 finit_module(Fd, Str, Hex) refused(EPERM, "the guest's kernel is the host's, which runs no guest code")
    274 sched_setattr(Id, In(Bytes(56)), Hex) pass(SYS_sched_setattr)
    275 sched_getattr(Id, Out(arg(2)), Uint, Hex) pass(SYS_sched_getattr)
    276 renameat2(Dir, Name, Dir, Name, Flags(&names::RENAME)) pass(SYS_renameat2)
    277 seccomp(Uint, Hex, Ptr) refused(ENOSYS, "filters would see Mynah's system calls, with the host's numbers")
    278 getrandom(Out(arg(1)), Size, Flags(&names::GETRANDOM)) wait(SYS_getrandom)
    279 memfd_create(Str, Flags(&names::MEMFD)) pass(SYS_memfd_create)
    280 bpf(Int, InOut(arg(2)), Uint) flat(SYS_bpf)
    281 execveat(Dir, Str, Strings, Environment, Flags(&names::AT)) done(process::execveat)
    282 userfaultfd(Hex) refused(ENOSYS, "faults of Mynah's own on guest memory would wait for the guest")
    283 membarrier(Int, Hex, Int) done(thread::membarrier)
    284 mlock2(Ptr, Size, Hex) pass(SYS_mlock2)
    285 copy_file_range(Fd, InOut(Of(&LONG)), Fd, InOut(Of(&LONG)), Size, Hex) wait(SYS_copy_file_range)
    286 preadv2(Fd, IovOut(2), Size, Long, Long, Hex) wait(SYS_preadv2)
    287 pwritev2(Fd, IovIn(2), Size, Long, Long, Hex) wait(SYS_pwritev2)
    288 pkey_mprotect(Ptr, Size, Flags(&names::PROT), Int) refused(ENOSYS, "RISC-V has no protection keys")
    289 pkey_alloc(Hex, Hex) refused(ENOSYS, "RISC-V has no protection keys")
    290 pkey_free(Int) refused(ENOSYS, "RISC-V has no protection keys")
    291 statx(Dir, Str, Flags(&names::AT), Hex, Out(Bytes(256))) done(fs::statx)
    292 io_pgetevents(Hex, Long, Long, Out(Times(2, 32)), In(TS), In(Bytes(16))) refused(ENOSYS, "its signal mask would have to change with the wait in one step; io_getevents works")
    293 rseq(Ptr, Uint, Hex, Hex) done(thread::rseq)
    294 kexec_file_load(Fd, Fd, Size, Str, Hex) refused(EPERM, "the guest's kernel is the host's, which runs no guest code")

    // From here on the numbers are the same on every instruction set.
    424 pidfd_send_signal(Fd, Signal, In(Bytes(128)), Hex) pass(SYS_pidfd_send_signal)
    425 io_uring_setup(Uint, InOut(Bytes(120))) refused(ENOSYS, "requests in a ring go past Mynah: their structures (epoll_event) and paths would be the host's")
    426 io_uring_enter(Fd, Uint, Uint, Hex, In(arg(5)), Size) refused(ENOSYS, "there is no io_uring_setup")
    427 io_uring_register(Fd, Uint, InOut(Bytes(8)), Uint) refused(ENOSYS, "there is no io_uring_setup")
    428 open_tree(Dir, Path, Hex) pass(SYS_open_tree)
    429 move_mount(Dir, Path, Dir, Path, Hex) pass(SYS_move_mount)
    430 fsopen(Str, Hex) pass(SYS_fsopen)
    431 fsconfig(Fd, Uint, Str, Ptr, Int) pass(SYS_fsconfig)
    432 fsmount(Fd, Hex, Hex) pass(SYS_fsmount)
    433 fspick(Dir, Path, Hex) pass(SYS_fspick)
    434 pidfd_open(Id, Flags(&names::OPEN)) pass(SYS_pidfd_open)
    435 clone3(In(arg(1)), Size) done(process::clone3)
    436 close_range(Uint, Uint, Flags(&names::CLOSE_RANGE)) done(fd::close_range)
    437 openat2(Dir, Str, In(arg(3)), Size) done(fs::openat2)
    438 pidfd_getfd(Fd, Fd, Hex) pass(SYS_pidfd_getfd)
    439 faccessat2(Dir, Path, Flags(&names::ACCESS), Flags(&names::AT)) pass(SYS_faccessat2)
    440 process_madvise(Fd, IovIn(2), Size, Flags(&names::MADV), Hex) pass(SYS_process_madvise, "the other process must have the same guest base")
    441 epoll_pwait2(Fd, Out(Each(2, &EPOLL_EVENT)), Int, In(TS), In(Of(&SIGSET)), Size) done(poll::epoll_pwait2)
    442 mount_setattr(Dir, Path, Hex, In(arg(4)), Size) pass(SYS_mount_setattr)
    443 quotactl_fd(Fd, Hex, Id, InOut(Bytes(112))) pass(SYS_quotactl_fd)
    444 landlock_create_ruleset(In(arg(1)), Size, Hex) pass(SYS_landlock_create_ruleset)
    445 landlock_add_rule(Fd, Int, In(Bytes(16)), Hex) pass(SYS_landlock_add_rule)
    446 landlock_restrict_self(Fd, Hex) pass(SYS_landlock_restrict_self, "restricts Mynah too: its disk cache and exec need what they use")
    447 memfd_secret(Hex) pass(SYS_memfd_secret)
    448 process_mrelease(Fd, Hex) pass(SYS_process_mrelease)
    449 futex_waitv(In(Times(1, 24)), Uint, Hex, In(TS), Flags(&names::CLOCK)) done(ipc::futex_waitv)
    450 set_mempolicy_home_node(Ptr, Size, Size, Hex) pass(450)
    451 cachestat(Fd, In(Bytes(16)), Out(Bytes(40)), Hex) pass(451)
    452 fchmodat2(Dir, Path, Mode, Flags(&names::AT)) pass(452)
    453 map_shadow_stack(Ptr, Size, Hex) refused(ENOSYS, "Mynah offers the guest no shadow stack (Zicfiss)")
    454 futex_wake(Ptr, Hex, Int, Hex) pass(454)
    455 futex_wait(Ptr, Hex, Hex, Hex, In(TS), Flags(&names::CLOCK)) wait(455)
    456 futex_requeue(In(Bytes(48)), Hex, Int, Int) flat(456)
    457 statmount(In(Bytes(24)), Out(arg(2)), Size, Hex) pass(457)
    458 listmount(In(Bytes(24)), Out(Times(2, 8)), Size, Hex) pass(458)
    459 lsm_get_self_attr(Uint, Out(Behind(2)), InOut(Of(&INT)), Hex) pass(459)
    460 lsm_set_self_attr(Uint, In(arg(2)), Uint, Hex) pass(460)
    461 lsm_list_modules(Out(Behind(1)), InOut(Of(&INT)), Hex) pass(461)
    462 mseal(Ptr, Size, Hex) done(mm::mseal)
    463 setxattrat(Dir, Path, Flags(&names::AT), Str, In(arg(5)), Size) flat(463)
    464 getxattrat(Dir, Path, Flags(&names::AT), Str, In(arg(5)), Size) flat(464)
    465 listxattrat(Dir, Path, Flags(&names::AT), Out(arg(4)), Size) pass(465)
    466 removexattrat(Dir, Path, Flags(&names::AT), Str) pass(466)
    467 open_tree_attr(Dir, Path, Hex, In(arg(4)), Size) pass(467)
    468 file_getattr(Dir, Path, Out(arg(3)), Size, Flags(&names::AT)) pass(468)
    469 file_setattr(Dir, Path, In(arg(3)), Size, Flags(&names::AT)) pass(469)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of the generic list that are nobody's on riscv64: room for architectures, a gap before the calls of 32-bit
    /// machines, and these.
    fn unassigned(number: u32) -> bool {
        matches!(number, 244..=257 | 295..=423)
    }

    #[test]
    fn every_number_has_its_row() {
        assert_eq!(NUMBERS, 470);
        for number in 0..NUMBERS as u32 {
            match find(number.into()) {
                Some(row) => assert_eq!(row.number, number),
                None => assert!(unassigned(number), "{number}"),
            }
        }
        assert!(find(NUMBERS as u64).is_none());
        assert!(find(u64::MAX).is_none());
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn refusals_have_reasons() {
        let refused = |row: &&Row| matches!(row.decision, Decision::Refused(_));
        assert!(ROWS.iter().filter(refused).all(|row| !row.note.is_empty()));
    }

    /// From 424 on the numbers are the same on all machines, and below they almost never are.
    #[test]
    fn host_numbers_are_the_hosts() {
        for row in ROWS {
            if let Decision::Pass(host) | Decision::Wait(host) | Decision::Flat(host) | Decision::FlatWait(host) = row.decision {
                assert_eq!(row.number >= 424, host >= 424, "{}", row.name);
                assert!(row.number < 424 || host == i64::from(row.number), "{}", row.name);
            }
        }
    }

    #[test]
    fn lengths_name_arguments_that_are_there() {
        for row in ROWS {
            for arg in row.args {
                let len = match *arg {
                    In(len) | Out(len) | InOut(len) => len,
                    IovIn(count) | IovOut(count) => Len::Arg(count),
                    _ => continue,
                };
                if let Len::Arg(index)
                | Times(index, _)
                | Each(index, _)
                | Address(index)
                | AddressBehind(index)
                | Plus(index, _)
                | Behind(index)
                | Pages(index) = len
                {
                    assert!(index < row.args.len(), "{}", row.name);
                }
            }
        }
    }
}
