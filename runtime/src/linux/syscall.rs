//! From the guest's `ecall` to an [`Outcome`]: number, row, decision; and the ways a handler reaches the host's kernel.

use std::ffi::CString;

use super::arguments::{Arg, Args, Len};
use super::table::{self, Decision, Row};
use super::{Answer, Errno, Outcome, abi, fs, names, signal, strace};
use crate::host::syscall as host_syscall;
use crate::memory::{GuestAddr, Memory};
use crate::vcpu::Vcpu;

/// Answers the system call whose number and arguments are in the guest's registers. The result register is written by
/// `signal::finish_syscall`, which knows whether a signal comes first.
pub fn dispatch(vcpu: &mut Vcpu) -> Outcome {
    let (number, args) = (abi::riscv64::number(vcpu), abi::riscv64::arguments(vcpu));
    let Some(row) = table::find(number) else { return unknown(vcpu, number, &args) };
    if !vcpu.process.options.strace {
        return answer(vcpu, row, args);
    }
    let call = strace::Call::begin(vcpu, row, &args);
    let outcome = answer(vcpu, row, args);
    call.end(vcpu, &outcome);
    outcome
}

/// A number that the generic list does not have.
fn unknown(vcpu: &Vcpu, number: u64, args: &Args) -> Outcome {
    tracing::debug!(target: "unimp", "system call {number} has no row in the table");
    if vcpu.process.options.strace {
        strace::unknown(vcpu, number, args);
    }
    Outcome::Errno(Errno::ENOSYS)
}

/// Follows a row's decision.
pub(super) fn answer(vcpu: &mut Vcpu, row: &Row, args: Args) -> Outcome {
    match row.decision {
        Decision::Done(handler) => handler(vcpu, args),
        Decision::Pass(number) => Converted::new(vcpu, row.args, &args).call(number).into(),
        Decision::Wait(number) => Converted::new(vcpu, row.args, &args).wait(vcpu, number).into(),
        Decision::Flat(_) | Decision::FlatWait(_) if vcpu.process.memory.guest_base() != 0 => {
            tracing::debug!(target: "unimp", "{}: only with guest base 0", row.name);
            Outcome::Errno(Errno::ENOSYS)
        }
        Decision::Flat(number) => Converted::new(vcpu, row.args, &args).call(number).into(),
        Decision::FlatWait(number) => Converted::new(vcpu, row.args, &args).wait(vcpu, number).into(),
        Decision::Refused(errno) => {
            tracing::debug!(target: "unimp", "{}: {}", row.name, row.note);
            Outcome::Errno(errno)
        }
    }
}

/// A guest's arguments turned into the host's, with what they point to.
pub(super) struct Converted {
    args: Args,
    /// Paths that were looked up; the arguments point to them.
    _paths: Vec<CString>,
    /// Converted vectors; the arguments point to them.
    _vectors: Vec<Vec<libc::iovec>>,
}

impl Converted {
    /// Converts pointers by the types of the arguments. Bad ones are left to the kernel, which knows in what order it looks
    /// at its arguments.
    pub(super) fn new(vcpu: &Vcpu, types: &[Arg], guest: &Args) -> Converted {
        let memory = &vcpu.process.memory;
        let behind = |at: u64| memory.read::<u32>(GuestAddr(at)).unwrap_or(0);
        let mut host = *guest;
        let (mut paths, mut vectors) = (Vec::new(), Vec::new());
        for (index, kind) in types.iter().enumerate() {
            let address = guest[index];
            let length = |len: Len| len.bytes(guest, behind);
            host[index] = match *kind {
                Arg::Path | Arg::Name if address == 0 => 0,
                Arg::Path | Arg::Name => {
                    // What is no path is left to the kernel too, which knows when to look.
                    match memory.read_cstr(GuestAddr(address)) {
                        Ok(path) => {
                            let (from, follow) = (directory(types, guest, index), follows(types, guest, index));
                            let path = fs::host_path(vcpu, from, path, follow);
                            let pointer = path.as_ptr().expose_provenance() as u64;
                            paths.push(path);
                            pointer
                        }
                        Err(Errno::EFAULT) => bad(address),
                        Err(_) => pointer(memory, address, 0),
                    }
                }
                Arg::In(len) => pointer(memory, address, length(len)),
                Arg::Out(len) | Arg::InOut(len) => writable(memory, address, length(len)),
                Arg::IovIn(count) => hold(&mut vectors, iovecs(memory, address, guest[count], false)),
                Arg::IovOut(count) => hold(&mut vectors, iovecs(memory, address, guest[count], true)),
                Arg::Str | Arg::Strings | Arg::Environment | Arg::Ptr => pointer(memory, address, 0),
                Arg::Fd | Arg::Dir | Arg::Int | Arg::Uint | Arg::Long | Arg::Size => address,
                Arg::Hex | Arg::Mode | Arg::Id | Arg::Signal | Arg::Flags(_) => address,
            };
        }
        Converted { args: host, _paths: paths, _vectors: vectors }
    }

    /// A call that answers at once.
    pub(super) fn call(&self, number: i64) -> Result<u64, Errno> {
        call(number, self.args)
    }

    /// A call that may wait.
    pub(super) fn wait(&self, vcpu: &Vcpu, number: i64) -> Answer {
        wait(vcpu, number, self.args)
    }
}

/// Where a relative path begins: the directory in the argument before it, or the working directory.
fn directory(types: &[Arg], guest: &Args, index: usize) -> u64 {
    match index.checked_sub(1).map(|before| types[before]) {
        Some(Arg::Dir) => guest[index - 1],
        _ => libc::AT_FDCWD as u64,
    }
}

/// Whether a symbolic link at the end of a path is followed.
fn follows(types: &[Arg], guest: &Args, index: usize) -> bool {
    let flags = types.iter().zip(guest).filter(|(kind, _)| matches!(kind, Arg::Flags(names) if std::ptr::eq(*names, &names::AT)));
    let flags = flags.fold(0, |all, (_, flags)| all | *flags as i32);
    match types[index] {
        Arg::Name => flags & libc::AT_SYMLINK_FOLLOW != 0 && index == 1,
        _ => flags & libc::AT_SYMLINK_NOFOLLOW == 0,
    }
}

/// Keeps a vector alive and gives its address.
fn hold(vectors: &mut Vec<Vec<libc::iovec>>, vector: Result<Vec<libc::iovec>, Errno>) -> u64 {
    let Ok(vector) = vector else { return bad(0) };
    // A vector that moves keeps its buffer.
    let address = vector.as_ptr().expose_provenance() as u64;
    vectors.push(vector);
    address
}

/// An address that the kernel answers with EFAULT wherever it uses it; as little aligned as the guest's, which is what the
/// kernel may look at first.
pub(super) fn bad(address: u64) -> u64 {
    const KERNELS: u64 = u64::MAX - 4095;
    KERNELS | address & 4095
}

/// The host's pointer for `length` bytes of guest memory, for a system call's argument: null stays null, and what begins
/// outside the guest's range becomes an address that the kernel refuses.
///
/// What begins inside and ends outside is the kernel's to judge: it may be content with less. It cannot get from guest
/// memory to Mynah's, because at guest base 0 there are always addresses between them where nothing is mapped; with another
/// base the range must lie inside.
pub(super) fn pointer(memory: &Memory, address: u64, length: u64) -> u64 {
    let checked = if memory.guest_base() == 0 { 0 } else { length };
    match memory.pointer(GuestAddr(address), checked as usize) {
        _ if address == 0 => 0,
        Ok(pointer) => pointer.expose_provenance() as u64,
        Err(_) => bad(address),
    }
}

/// As [`pointer`], for memory that the kernel is about to write.
///
/// Another thread may run code from the page between this and the kernel's write; the call then fails with EFAULT. Only a
/// buffer that shares a page with running code can meet that.
pub(super) fn writable(memory: &Memory, address: u64, length: u64) -> u64 {
    if address != 0 {
        memory.prepare_write(GuestAddr(address), length);
    }
    pointer(memory, address, length)
}

/// The most elements of an iovec array that the kernel takes (UIO_MAXIOV).
const IOV_MAX: u64 = 1024;

/// Reads and converts an array of `struct iovec`, the same on guest and host but for the pointers. A longer array than the
/// kernel takes is cut: the kernel refuses its length before it looks at the elements.
pub(super) fn iovecs(memory: &Memory, address: u64, count: u64, written: bool) -> Result<Vec<libc::iovec>, Errno> {
    let count = if count > IOV_MAX { 0 } else { count as usize };
    let guest: Vec<[u64; 2]> = memory.read_slice(GuestAddr(address), count)?;
    let convert = |&[base, length]: &[u64; 2]| {
        let pointer = if written { writable(memory, base, length) } else { pointer(memory, base, length) };
        libc::iovec { iov_base: std::ptr::with_exposed_provenance_mut(pointer as usize), iov_len: length as usize }
    };
    Ok(guest.iter().map(convert).collect())
}

/// A host system call that answers at once.
///
/// Pointers among the arguments come from [`pointer`] and [`writable`], so that the kernel touches guest memory only, or from
/// values that the caller keeps alive.
pub(super) fn call(number: i64, args: Args) -> Result<u64, Errno> {
    // SAFETY: by the rule above the kernel touches no memory of Mynah's but what the caller lends.
    Errno::from_host(unsafe { host_syscall::syscall(number, args) })
}

/// A host system call that may wait; a signal ends it. Pointers as for [`call`].
///
/// The kernel knows which calls to restart and whether the guest's handler has SA_RESTART: EINTR is its last word.
pub(super) fn wait(vcpu: &Vcpu, number: i64, args: Args) -> Answer {
    // SAFETY: as for `call`.
    signal::answer(unsafe { host_syscall::blocking_syscall(&vcpu.ctx.exit_request, number, args) })
}
