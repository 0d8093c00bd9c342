//! Files by path: where the sysroot and the guest's `/proc` matter, and where layouts differ from the host's.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;

use super::abi::riscv64::stat_to_guest;
use super::arguments::Args;
use super::syscall::{call, pointer, wait, writable};
use super::{Answer, Errno, procfs};
use crate::memory::GuestAddr;
use crate::vcpu::Vcpu;

/// A path of the guest's as the host has to look it up: under the sysroot if the file is there, and with the guest's
/// program behind `/proc/self/exe`.
pub fn path(vcpu: &Vcpu, at: GuestAddr) -> Result<CString, Errno> {
    Ok(host_path(vcpu, vcpu.process.memory.read_cstr(at)?))
}

/// See [`path`].
pub fn host_path(vcpu: &Vcpu, path: CString) -> CString {
    let exe = vcpu.process.exe().as_os_str().as_bytes();
    let path = match procfs::Entry::of(&path) {
        Some(procfs::Entry::Exe) => CString::new(exe).unwrap_or(path),
        _ => path,
    };
    match vcpu.process.sysroot.resolve(&path) {
        Cow::Owned(below) => below,
        Cow::Borrowed(_) => path,
    }
}

/// As [`host_path`], for calls that with AT_SYMLINK_NOFOLLOW ask about a link itself.
fn host_path_flags(vcpu: &Vcpu, path: CString, flags: u64) -> CString {
    let itself = flags as i32 & libc::AT_SYMLINK_NOFOLLOW != 0;
    if itself && procfs::Entry::of(&path).is_some() { path } else { host_path(vcpu, path) }
}

/// The path of a call with AT_EMPTY_PATH, where it may be null since Linux 6.11.
fn path_or_empty(vcpu: &Vcpu, at: u64, flags: u64) -> Result<CString, Errno> {
    if at == 0 && flags as i32 & libc::AT_EMPTY_PATH != 0 {
        return Ok(CString::default());
    }
    Ok(host_path_flags(vcpu, vcpu.process.memory.read_cstr(GuestAddr(at))?, flags))
}

/// A string's address as a host argument.
fn address(path: &CStr) -> u64 {
    path.as_ptr().expose_provenance() as u64
}

/// `openat(directory, path, flags, mode)`.
pub fn openat(vcpu: &mut Vcpu, [directory, at, flags, mode, ..]: Args) -> Answer {
    let path = vcpu.process.memory.read_cstr(GuestAddr(at))?;
    if let Some(fd) = procfs::open(vcpu, &path, flags as i32)? {
        return Ok(fd);
    }
    let path = host_path(vcpu, path);
    // Opening a FIFO waits for its other end.
    wait(vcpu, libc::SYS_openat, [directory, address(&path), flags, mode, 0, 0])
}

/// `openat2(directory, path, how, size)`: `struct open_how` is flags, mode and how to look up.
pub fn openat2(vcpu: &mut Vcpu, [directory, at, how, size, ..]: Args) -> Answer {
    let memory = &vcpu.process.memory;
    let path = memory.read_cstr(GuestAddr(at))?;
    let (flags, resolve) = match size {
        24.. => (memory.read::<u64>(GuestAddr(how))?, memory.read::<u64>(GuestAddr(how) + 16)?),
        _ => return Err(Errno::EINVAL.into()),
    };
    // A lookup bound to the directory never reaches `/proc` or the sysroot.
    let bound = resolve & (libc::RESOLVE_BENEATH | libc::RESOLVE_IN_ROOT) != 0;
    if !bound && let Some(fd) = procfs::open(vcpu, &path, flags as i32)? {
        return Ok(fd);
    }
    let path = if bound { path } else { host_path(vcpu, path) };
    wait(vcpu, libc::SYS_openat2, [directory, address(&path), pointer(memory, how, size), size, 0, 0])
}

/// `readlinkat(directory, path, buffer, size)`. Links of `/proc` that tell of the program tell of the guest's.
pub fn readlinkat(vcpu: &mut Vcpu, [directory, at, buffer, size, ..]: Args) -> Answer {
    let memory = &vcpu.process.memory;
    let path = memory.read_cstr(GuestAddr(at))?;
    if procfs::Entry::of(&path) == Some(procfs::Entry::Exe) {
        let exe = vcpu.process.exe().as_os_str().as_bytes();
        let shown = &exe[..exe.len().min(size as u32 as usize)];
        if size as i32 <= 0 {
            return Err(Errno::EINVAL.into());
        }
        memory.write_bytes(GuestAddr(buffer), shown)?;
        return Ok(shown.len() as u64);
    }
    let path = host_path(vcpu, path);
    let buffer = writable(memory, buffer, size);
    Ok(call(libc::SYS_readlinkat, [directory, address(&path), buffer, size, 0, 0])?)
}

/// An all-zero host status for the kernel to fill.
fn empty_stat() -> libc::stat {
    // SAFETY: the structure holds only numbers.
    unsafe { std::mem::zeroed() }
}

/// `fstat(fd, status)`.
pub fn fstat(vcpu: &mut Vcpu, [fd, status, ..]: Args) -> Answer {
    let mut host = empty_stat();
    call(libc::SYS_fstat, [fd, &raw mut host as u64, 0, 0, 0, 0])?;
    vcpu.process.memory.write(GuestAddr(status), &stat_to_guest(&host))?;
    Ok(0)
}

/// `newfstatat(directory, path, status, flags)`.
pub fn newfstatat(vcpu: &mut Vcpu, [directory, at, status, flags, ..]: Args) -> Answer {
    let path = path_or_empty(vcpu, at, flags)?;
    let mut host = empty_stat();
    call(libc::SYS_newfstatat, [directory, address(&path), &raw mut host as u64, flags, 0, 0])?;
    vcpu.process.memory.write(GuestAddr(status), &stat_to_guest(&host))?;
    Ok(0)
}

/// `statx(directory, path, flags, mask, status)`. Its structure is the same everywhere.
pub fn statx(vcpu: &mut Vcpu, [directory, at, flags, mask, status, _]: Args) -> Answer {
    let path = path_or_empty(vcpu, at, flags)?;
    let status = writable(&vcpu.process.memory, status, size_of::<libc::statx>() as u64);
    Ok(call(libc::SYS_statx, [directory, address(&path), flags, mask, status, 0])?)
}
