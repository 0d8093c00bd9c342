//! Files by path: where the sysroot and the guest's `/proc` matter, and where layouts differ from the host's.

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::abi::riscv64::stat_to_guest;
use super::arguments::Args;
use super::syscall::{call, pointer, wait, writable};
use super::{Answer, Errno, procfs};
use crate::memory::GuestAddr;
use crate::vcpu::Vcpu;

/// A path of the guest's, relative to `directory`, as the host has to look it up: under the sysroot if the file is there, and
/// with the guest's program behind links of `/proc` to Mynah's.
pub fn host_path(vcpu: &Vcpu, directory: u64, path: CString, follow: bool) -> CString {
    let sysroot = &vcpu.process.sysroot;
    if follow && path.to_bytes().ends_with(b"exe")
        && let Some(exe) = procfs::exe(vcpu, directory, &path)
    {
        return CString::new(sysroot.resolve_path(&exe).into_os_string().into_vec()).unwrap_or(path);
    }
    sysroot.resolve(directory as i32, &path, follow).unwrap_or(path)
}

/// As [`host_path`], with the flags of a call that takes AT_SYMLINK_NOFOLLOW.
fn host_path_flags(vcpu: &Vcpu, directory: u64, path: CString, flags: u64) -> CString {
    host_path(vcpu, directory, path, flags as i32 & libc::AT_SYMLINK_NOFOLLOW == 0)
}

/// The path of a call with AT_EMPTY_PATH, where it may be null since Linux 6.11.
fn path_or_empty(vcpu: &Vcpu, directory: u64, at: u64, flags: u64) -> Result<CString, Errno> {
    if at == 0 && flags as i32 & libc::AT_EMPTY_PATH != 0 {
        return Ok(CString::default());
    }
    Ok(host_path_flags(vcpu, directory, vcpu.process.memory.read_cstr(GuestAddr(at))?, flags))
}

/// A string's address as a host argument.
fn address(path: &CStr) -> u64 {
    path.as_ptr().expose_provenance() as u64
}

/// Whether `open` follows a symbolic link at the end of a path.
fn open_follows(flags: i32) -> bool {
    flags & libc::O_NOFOLLOW == 0 && flags & (libc::O_CREAT | libc::O_EXCL) != libc::O_CREAT | libc::O_EXCL
}

/// `openat(directory, path, flags, mode)`.
pub fn openat(vcpu: &mut Vcpu, [directory, at, flags, mode, ..]: Args) -> Answer {
    let path = host_path(vcpu, directory, vcpu.process.memory.read_cstr(GuestAddr(at))?, open_follows(flags as i32));
    // Opening a FIFO waits for its other end.
    let fd = wait(vcpu, libc::SYS_openat, [directory, address(&path), flags, mode, 0, 0])?;
    Ok(procfs::opened(vcpu, fd, directory, &path, flags as i32)?)
}

/// `openat2(directory, path, how, size)`: `struct open_how` is flags, mode and how to look up.
pub fn openat2(vcpu: &mut Vcpu, [directory, at, how, size, ..]: Args) -> Answer {
    let memory = &vcpu.process.memory;
    // The kernel looks at the size, then at the structure, then at the path.
    let (flags, resolve) = match size {
        24..=4096 => (memory.read::<u64>(GuestAddr(how))?, memory.read::<u64>(GuestAddr(how) + 16)?),
        4097.. => return Err(Errno::E2BIG.into()),
        _ => return Err(Errno::EINVAL.into()),
    };
    let path = memory.read_cstr(GuestAddr(at))?;
    // A lookup bound to the directory never reaches `/proc` or the sysroot.
    let bound = resolve & (libc::RESOLVE_BENEATH | libc::RESOLVE_IN_ROOT) != 0;
    let path = if bound { path } else { host_path(vcpu, directory, path, open_follows(flags as i32)) };
    let fd = wait(vcpu, libc::SYS_openat2, [directory, address(&path), pointer(memory, how, size), size, 0, 0])?;
    Ok(procfs::opened(vcpu, fd, directory, &path, flags as i32)?)
}

/// `readlinkat(directory, path, buffer, size)`. Links of `/proc` that tell of the program tell of the guest's.
pub fn readlinkat(vcpu: &mut Vcpu, [directory, at, buffer, size, ..]: Args) -> Answer {
    let memory = &vcpu.process.memory;
    if size as i32 <= 0 {
        return Err(Errno::EINVAL.into());
    }
    let path = memory.read_cstr(GuestAddr(at))?;
    let exe = if path.to_bytes().ends_with(b"exe") { procfs::exe(vcpu, directory, &path) } else { None };
    let target = match exe {
        Some(exe) => exe.into_os_string().into_vec(),
        None => {
            let path = host_path(vcpu, directory, path, false);
            let mut target = vec![0u8; libc::PATH_MAX as usize];
            let to = target.as_mut_ptr().expose_provenance() as u64;
            let len = call(libc::SYS_readlinkat, [directory, address(&path), to, target.len() as u64, 0, 0])?;
            target.truncate(len as usize);
            guest_name(vcpu, target)
        }
    };
    let shown = &target[..target.len().min(size as u32 as usize)];
    memory.write_bytes(GuestAddr(buffer), shown)?;
    Ok(shown.len() as u64)
}

/// What the guest calls a path that the host's kernel gave.
fn guest_name(vcpu: &Vcpu, host: Vec<u8>) -> Vec<u8> {
    match vcpu.process.sysroot.guest_path(Path::new(OsStr::from_bytes(&host))) {
        Cow::Owned(guest) => guest.into_os_string().into_vec(),
        Cow::Borrowed(_) => host,
    }
}

/// `getcwd(buffer, size)`: gives the length with the final 0.
pub fn getcwd(vcpu: &mut Vcpu, [buffer, size, ..]: Args) -> Answer {
    let mut host = vec![0u8; libc::PATH_MAX as usize];
    let at = host.as_mut_ptr().expose_provenance() as u64;
    let len = call(libc::SYS_getcwd, [at, host.len() as u64, 0, 0, 0, 0])?;
    host.truncate((len as usize).saturating_sub(1));
    let mut name = guest_name(vcpu, host);
    name.push(0);
    if size < name.len() as u64 {
        return Err(Errno::ERANGE.into());
    }
    vcpu.process.memory.write_bytes(GuestAddr(buffer), &name)?;
    Ok(name.len() as u64)
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
    let path = path_or_empty(vcpu, directory, at, flags)?;
    let mut host = empty_stat();
    call(libc::SYS_newfstatat, [directory, address(&path), &raw mut host as u64, flags, 0, 0])?;
    if procfs::is_mynah(&host) && flags as i32 & libc::AT_SYMLINK_NOFOLLOW == 0
        && let Some(exe) = procfs::exe_behind(vcpu, directory, &path)
    {
        call(libc::SYS_newfstatat, [libc::AT_FDCWD as u64, address(&exe), &raw mut host as u64, 0, 0, 0])?;
    }
    vcpu.process.memory.write(GuestAddr(status), &stat_to_guest(&host))?;
    Ok(0)
}

/// `statx(directory, path, flags, mask, status)`. Its structure is the same everywhere.
pub fn statx(vcpu: &mut Vcpu, [directory, at, flags, mask, status, _]: Args) -> Answer {
    let path = path_or_empty(vcpu, directory, at, flags)?;
    let status = writable(&vcpu.process.memory, status, size_of::<libc::statx>() as u64);
    Ok(call(libc::SYS_statx, [directory, address(&path), flags, mask, status, 0])?)
}
