//! `execve` and `execveat`.
//!
//! A guest program is executed by executing Mynah again with it; any other program is the host kernel's affair. So
//! descriptors, threads, masks and pending signals are handled by the kernel's own `exec`. What the kernel would find wrong
//! with a guest program is found here, before the old program is gone.

use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt};

use super::sigcalls::answer;
use super::{Answer, Errno, fs, limits, procfs};
use crate::host::signal::{self as host, SIGNALS, SYNCHRONOUS, bit};
use crate::host::syscall::blocking_syscall;
use crate::linux::signal::{SIG_IGN, apply_mask};
use crate::memory::GuestAddr;
use crate::vcpu::Vcpu;

/// Where the host finds Mynah.
const SELF: &CStr = c"/proc/self/exe";

/// Longest string of an argument vector: the kernel's MAX_ARG_STRLEN.
const MAX_STRING: usize = 32 * 4096;

/// How often a script's interpreter may be a script.
const MAX_SCRIPTS: usize = 5;

/// What the host is asked to execute.
#[derive(Debug)]
pub struct Command {
    directory: i32,
    path: CString,
    flags: u64,
    argv: Strings,
    envp: Strings,
}

/// Strings in the form that `execve` takes: pointers that end with a null pointer.
#[derive(Debug)]
struct Strings {
    /// Owns what `pointers` points to.
    _strings: Vec<CString>,
    pointers: Vec<usize>,
}

impl From<Vec<CString>> for Strings {
    fn from(strings: Vec<CString>) -> Strings {
        let pointers = strings.iter().map(|string| string.as_ptr().expose_provenance()).chain([0]).collect();
        Strings { _strings: strings, pointers }
    }
}

impl Strings {
    fn address(&self) -> u64 {
        self.pointers.as_ptr().expose_provenance() as u64
    }
}

/// `execve(path, arguments, environment)`.
pub fn execve(vcpu: &mut Vcpu, [path, argv, envp, ..]: [u64; 6]) -> Answer {
    execute(vcpu, libc::AT_FDCWD, [path, argv, envp], 0)
}

/// `execveat(directory, path, arguments, environment, flags)`.
pub fn execveat(vcpu: &mut Vcpu, [directory, path, argv, envp, flags, _]: [u64; 6]) -> Answer {
    execute(vcpu, directory as i32, [path, argv, envp], flags)
}

fn execute(vcpu: &mut Vcpu, directory: i32, pointers: [u64; 3], flags: u64) -> Answer {
    let command = prepare(vcpu, directory, pointers, flags)?;
    if vcpu.borrowed.is_none() {
        vcpu.note_profile();
        vcpu.process.disk.publish(vcpu.process, false);
    }
    run(vcpu, command)
}

/// Finds out what to execute.
fn prepare(vcpu: &Vcpu, directory: i32, [path, argv, envp]: [u64; 3], flags: u64) -> Result<Command, Errno> {
    const KNOWN: u64 = (libc::AT_EMPTY_PATH | libc::AT_SYMLINK_NOFOLLOW) as u64;
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    let path = vcpu.process.memory.read_cstr(GuestAddr(path))?;
    let program = Program::find(vcpu, directory, &path, flags)?;
    let argv = read_strings(vcpu, argv)?;
    let envp = read_strings(vcpu, envp)?;
    // In a chroot without `/proc` Mynah cannot name itself; there it was started by the kernel, which can do so again.
    if program.is_guest(vcpu, 0)? && std::fs::exists("/proc/self/exe").unwrap_or(false) {
        return Ok(mynah(vcpu, program.name()?, argv, envp));
    }
    Ok(Command { directory, path: program.path, flags, argv: argv.into(), envp: envp.into() })
}

/// Reads a vector of strings; a null pointer is an empty one, as for the kernel.
fn read_strings(vcpu: &Vcpu, vector: u64) -> Result<Vec<CString>, Errno> {
    let memory = &vcpu.process.memory;
    let mut strings = Vec::new();
    let mut at = GuestAddr(vector);
    while vector != 0 {
        let string: u64 = memory.read(at)?;
        if string == 0 {
            break;
        }
        strings.push(memory.read_str(GuestAddr(string), MAX_STRING)?.ok_or(Errno::E2BIG)?);
        at = at + 8;
    }
    Ok(strings)
}

/// Mynah itself with a guest program.
fn mynah(vcpu: &Vcpu, program: CString, argv: Vec<CString>, envp: Vec<CString>) -> Command {
    let mut arguments = vec![c"mynah".to_owned()];
    let options = &vcpu.process.options;
    arguments.extend(options.carried.iter().filter_map(|word| CString::new(word.as_bytes()).ok()));
    // The environment may be another by now.
    let cache = options.cache.as_deref().map_or(OsStr::new("off"), |directory| directory.as_os_str());
    arguments.extend(CString::new(cache.as_bytes()).into_iter().flat_map(|cache| [c"--cache".to_owned(), cache]));
    arguments.extend([c"--rlimit".to_owned(), vcpu.limits().carried()]);
    let (moved, kept): (Vec<_>, Vec<_>) = envp.into_iter().partition(is_for_dynamic_linker);
    for variable in moved {
        arguments.extend([c"--env".to_owned(), variable]);
    }
    // Linux gives a program that is executed without arguments one empty argument.
    let mut argv = argv.into_iter();
    arguments.extend([c"--argv0".to_owned(), argv.next().unwrap_or_default(), program]);
    arguments.extend(argv);
    let directory = libc::AT_FDCWD;
    Command { directory, path: SELF.to_owned(), flags: 0, argv: arguments.into(), envp: kept.into() }
}

/// Variables that would change how the host's dynamic linker loads Mynah; the guest's linker is to see them alone.
fn is_for_dynamic_linker(variable: &CString) -> bool {
    let variable = variable.to_bytes();
    // A comma separates variables in Mynah's option.
    (variable.starts_with(b"LD_") || variable.starts_with(b"GLIBC_TUNABLES=")) && !variable.contains(&b',')
}

/// A file that is to be executed.
struct Program {
    /// As the host finds it.
    path: CString,
    /// As the guest calls it; `None` for a descriptor.
    guest_path: Option<CString>,
    /// `None` if it may be executed but not read: then it is not for Mynah.
    file: Option<File>,
}

impl Program {
    /// Opens the file that the guest names, with the kernel's checks.
    fn find(vcpu: &Vcpu, directory: i32, path: &CStr, flags: u64) -> Result<Program, Errno> {
        if path.is_empty() {
            if flags & libc::AT_EMPTY_PATH as u64 == 0 {
                return Err(Errno::ENOENT);
            }
            let link = CString::new(format!("/proc/self/fd/{directory}")).unwrap_or_default();
            let mut program = Program::open(libc::AT_FDCWD, link, None, 0)?;
            program.path = CString::default();
            return Ok(program);
        }
        let follow = flags & libc::AT_SYMLINK_NOFOLLOW as u64 == 0;
        let mut host_path = fs::host_path(vcpu, directory as u64, path.to_owned(), follow);
        if follow && let Some(exe) = exe_behind(vcpu, directory, &host_path) {
            host_path = exe;
        }
        let nofollow = if flags & libc::AT_SYMLINK_NOFOLLOW as u64 != 0 { libc::O_NOFOLLOW } else { 0 };
        Program::open(directory, host_path, Some(path.to_owned()), nofollow)
    }

    fn open(directory: i32, path: CString, guest_path: Option<CString>, nofollow: i32) -> Result<Program, Errno> {
        // SAFETY: the path ends with a 0.
        let open = |flags: i32| unsafe { libc::openat(directory, path.as_ptr(), flags | nofollow | libc::O_CLOEXEC) };
        // Opened for its metadata first: reading may be forbidden, and opening a FIFO would wait.
        let handle = open(libc::O_PATH);
        if handle < 0 {
            return Err(Errno::last());
        }
        // SAFETY: the descriptor is fresh.
        let handle = unsafe { File::from_raw_fd(handle) };
        let kind = handle.metadata()?.file_type();
        if kind.is_symlink() {
            return Err(Errno::ELOOP);
        }
        let flags = libc::AT_EACCESS | if nofollow != 0 { libc::AT_SYMLINK_NOFOLLOW } else { 0 };
        // SAFETY: the path ends with a 0.
        if !kind.is_file() || unsafe { libc::faccessat(directory, path.as_ptr(), libc::X_OK, flags) } != 0 {
            return Err(Errno::EACCES);
        }
        let file = match open(libc::O_RDONLY | libc::O_NONBLOCK) {
            fd if fd < 0 => None,
            // SAFETY: the descriptor is fresh.
            fd => Some(unsafe { File::from_raw_fd(fd) }),
        };
        Ok(Program { path, guest_path, file })
    }

    /// Whether it is a program for Mynah, or a script whose interpreter is one. Fails where the kernel would.
    fn is_guest(&self, vcpu: &Vcpu, scripts: usize) -> Result<bool, Errno> {
        let Some(file) = &self.file else { return Ok(false) };
        let mut head = [0u8; 256];
        let len = read_head(file, &mut head)?;
        let head = &head[..len];
        if let Some(line) = head.strip_prefix(b"#!") {
            let Some(interpreter) = interpreter(line) else { return Ok(false) };
            if scripts == MAX_SCRIPTS {
                return Err(Errno::ELOOP);
            }
            return Program::find(vcpu, libc::AT_FDCWD, &interpreter, 0)?.is_guest(vcpu, scripts + 1);
        }
        if !is_riscv64(head) {
            return Ok(false);
        }
        check_interpreter(vcpu, file, head)?;
        Ok(true)
    }

    /// The name under which Mynah, executed anew, finds the file.
    fn name(&self) -> Result<CString, Errno> {
        match (&self.guest_path, &self.file) {
            // Mynah takes the program that it is given for a file of the host's: the sysroot applies here already.
            (Some(path), _) if path.to_bytes().starts_with(b"/") || self.is_at(path) => Ok(not_an_option(&self.path)),
            (_, Some(file)) => name_of_open_file(file),
            (Some(_), None) => Ok(not_an_option(&self.path)),
            (None, None) => Err(Errno::EACCES),
        }
    }

    /// Whether a relative path means this file from the working directory.
    fn is_at(&self, path: &CStr) -> bool {
        let there = std::fs::metadata(OsStr::from_bytes(path.to_bytes()));
        match (there, self.file.as_ref().and_then(|file| file.metadata().ok())) {
            (Ok(there), Some(here)) => (there.dev(), there.ino()) == (here.dev(), here.ino()),
            _ => false,
        }
    }
}

/// The guest's program, if a path leads through links of `/proc` to Mynah's.
fn exe_behind(vcpu: &Vcpu, directory: i32, path: &CStr) -> Option<CString> {
    // SAFETY: the structure holds only numbers, the path ends with a 0, and the structure has room for the answer.
    let status = unsafe {
        let mut status = std::mem::zeroed();
        (libc::fstatat(directory, path.as_ptr(), &mut status, 0) == 0).then_some(status)
    };
    status.filter(procfs::is_mynah).and_then(|_| procfs::exe_behind(vcpu, directory as u64, path))
}

/// A relative path that Mynah does not take for an option.
fn not_an_option(path: &CStr) -> CString {
    let prefix: &[u8] = if path.to_bytes().starts_with(b"-") { b"./" } else { b"" };
    CString::new([prefix, path.to_bytes()].concat()).unwrap_or_default()
}

/// A name for a file that was given by descriptor: its path if it has one, else a descriptor that stays open over `exec`.
fn name_of_open_file(file: &File) -> Result<CString, Errno> {
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    let here = file.metadata()?;
    if let Ok(path) = std::fs::read_link(&link)
        && let Ok(there) = std::fs::metadata(&path)
        && (there.dev(), there.ino()) == (here.dev(), here.ino())
    {
        return CString::new(path.into_os_string().into_vec()).map_err(|_| Errno::ENOENT);
    }
    // SAFETY: makes another descriptor of the same file.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD, 3) } {
        -1 => Err(Errno::last()),
        fd => Ok(CString::new(format!("/proc/self/fd/{fd}")).unwrap_or_default()),
    }
}

/// Reads the start of a file: as much as it has.
fn read_head(file: &File, head: &mut [u8]) -> Result<usize, Errno> {
    let mut len = 0;
    while len < head.len() {
        match file.read_at(&mut head[len..], len as u64)? {
            0 => break,
            more => len += more,
        }
    }
    Ok(len)
}

/// The interpreter in a script's first line, behind `#!` (`fs/binfmt_script.c`); `None` if there is none.
fn interpreter(line: &[u8]) -> Option<CString> {
    let line = line.split(|&byte| byte == b'\n').next()?;
    let word = line.split(|byte| matches!(byte, b' ' | b'\t' | 0)).find(|word| !word.is_empty())?;
    CString::new(word).ok()
}

/// ELF constants used here (`uapi/linux/elf.h`).
const EM_RISCV: u16 = 243;
const PT_INTERP: u32 = 3;

/// Whether a file begins like a 64-bit little-endian RISC-V program.
fn is_riscv64(head: &[u8]) -> bool {
    head.len() >= 64 && head.starts_with(b"\x7fELF\x02\x01") && matches!(half(head, 16), 2 | 3) && half(head, 18) == EM_RISCV
}

fn half(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u16::from_le_bytes(*chunk))
}

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

/// Checks that a program's dynamic linker can be executed: ENOENT is what people know for a missing one.
fn check_interpreter(vcpu: &Vcpu, file: &File, head: &[u8]) -> Result<(), Errno> {
    /// Size of a program header.
    const HEADER: usize = 56;
    let (offset, size, count) = (word(head, 32), half(head, 54) as usize, half(head, 56) as usize);
    if size != HEADER || count == 0 || count > 65536 / HEADER {
        return Err(Errno::ENOEXEC);
    }
    let mut headers = vec![0u8; count * HEADER];
    file.read_exact_at(&mut headers, offset).map_err(|_| Errno::ENOEXEC)?;
    for header in headers.chunks(HEADER).filter(|header| half(header, 0) as u32 == PT_INTERP && half(header, 2) == 0) {
        let len = word(header, 32);
        if !(2..=4096).contains(&len) {
            return Err(Errno::ENOEXEC);
        }
        let mut name = vec![0u8; len as usize];
        file.read_exact_at(&mut name, word(header, 8)).map_err(|_| Errno::EIO)?;
        let name = CStr::from_bytes_until_nul(&name).map_err(|_| Errno::ENOEXEC)?;
        Program::find(vcpu, libc::AT_FDCWD, name, 0)?;
    }
    Ok(())
}

/// Executes. Returns only if it failed or a signal came first.
fn run(vcpu: &mut Vcpu, command: Command) -> Answer {
    let (path, argv, envp) = (command.path.as_ptr().expose_provenance() as u64, command.argv.address(), command.envp.address());
    let (number, args) = match (command.directory, command.flags) {
        // The older call where it will do: filters of system calls know it.
        (libc::AT_FDCWD, 0) => (libc::SYS_execve, [path, argv, envp, 0, 0, 0]),
        (directory, flags) => (libc::SYS_execveat, [directory as u64, path, argv, envp, flags, 0]),
    };
    let is_hosts = command.path.as_c_str() != SELF;
    let kept = match &mut vcpu.borrowed {
        // The parent frees it when this child has gone.
        Some(borrowed) => {
            borrowed.command = Some(command);
            None
        }
        None => Some(command),
    };
    let ignored = |signal: &i32| SYNCHRONOUS & bit(*signal) != 0 && vcpu.actions().get(*signal).handler == SIG_IGN;
    let ignored: Vec<i32> = (1..=SIGNALS).filter(ignored).collect();
    ignored.iter().for_each(|&signal| host::ignore_for_exec(signal));
    crate::observe::before_exec(vcpu);
    host::set_mask_for_exec(vcpu.signals.mask);
    let limits = is_hosts.then(|| vcpu.limits().to_host());
    // SAFETY: the strings live until the call fails; if it succeeds, nothing of this program is left.
    let result = unsafe { blocking_syscall(&vcpu.ctx.exit_request, number, args) };
    if let Some(limits) = limits {
        limits::restore_host(&limits);
    }
    ignored.iter().for_each(|&signal| vcpu.actions().reapply(signal));
    crate::observe::exec_failed(vcpu);
    apply_mask(vcpu);
    drop(kept);
    answer(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters_are_found_as_the_kernel_finds_them() {
        let name = |line: &[u8]| interpreter(line).map(|name| name.into_string().unwrap());
        assert_eq!(name(b" /bin/sh -e\nrest").as_deref(), Some("/bin/sh"));
        assert_eq!(name(b"/usr/bin/env python3 -u\n").as_deref(), Some("/usr/bin/env"));
        assert_eq!(name(b"\t/bin/sh").as_deref(), Some("/bin/sh"));
        assert_eq!(name(b"  \n/bin/sh"), None);
    }

    #[test]
    fn only_riscv64_programs_are_guests() {
        let mut head = [0u8; 64];
        head[..6].copy_from_slice(b"\x7fELF\x02\x01");
        head[16] = 3;
        head[18] = 243;
        assert!(is_riscv64(&head));
        for (at, value) in [(4, 1), (5, 2), (16, 1), (16, 4), (18, 62), (19, 1)] {
            let mut other = head;
            other[at] = value;
            assert!(!is_riscv64(&other), "byte {at} = {value}");
        }
        assert!(!is_riscv64(&head[..63]));
    }
}
