//! `/proc` as it would be if the guest's program were the host process's.
//!
//! At the start the kernel is told where the guest's code, arguments, environment and auxiliary vector are
//! ([`describe`]): what it then says of them is right for everybody who asks. What it cannot be told (the program's file, the
//! map of memory) is made here when a guest opens the file, for this process and for others that run under Mynah
//! ([`published`]). A file is recognised by what was opened, not by its path, so relative paths and symbolic links lead here too.
//!
//! | file | topic |
//! |---|---|
//! | `mod` | which file it is, and opening it |
//! | `text` | what the files say |
//! | `published` | what processes of Mynah tell one another |

mod published;
mod text;

use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::Errno;
use super::syscall::call;
use crate::vcpu::Vcpu;

pub use published::{code_changed, heap_changed, helper_changed};
pub use text::describe;

/// A file of `/proc` that is made here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Entry {
    Maps,
    Smaps,
    Cmdline,
    Environ,
    Auxv,
    Stat,
    Statm,
    Status,
    Limits,
}

impl Entry {
    fn named(file: &str) -> Option<Entry> {
        Some(match file {
            "maps" => Entry::Maps,
            "smaps" => Entry::Smaps,
            "cmdline" => Entry::Cmdline,
            "environ" => Entry::Environ,
            "auxv" => Entry::Auxv,
            "stat" => Entry::Stat,
            "statm" => Entry::Statm,
            "status" => Entry::Status,
            "limits" => Entry::Limits,
            _ => return None,
        })
    }
}

/// The end of a path in `/proc` without links: whose file it is, and its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place<'a> {
    /// Process id.
    process: u32,
    /// Thread id, below `task`.
    thread: Option<u32>,
    /// Last part.
    name: &'a str,
}

impl Place<'_> {
    fn of(path: &Path) -> Option<Place<'_>> {
        let mut parts = path.to_str()?.rsplit('/');
        let name = parts.next()?;
        let id: u32 = parts.next()?.parse().ok()?;
        match parts.next()? {
            "task" => Some(Place { process: parts.next()?.parse().ok()?, thread: Some(id), name }),
            _ => Some(Place { process: id, thread: None, name }),
        }
    }

    fn is_own(&self) -> bool {
        self.process == std::process::id()
    }
}

/// `PROC_SUPER_MAGIC`.
const PROC_MAGIC: i64 = 0x9fa0;

fn is_in_proc(fd: u64) -> bool {
    // SAFETY: the structure holds only numbers.
    let mut told: libc::statfs = unsafe { std::mem::zeroed() };
    let at = (&raw mut told).expose_provenance() as u64;
    call(libc::SYS_fstatfs, [fd, at, 0, 0, 0, 0]).is_ok() && told.f_type == PROC_MAGIC
}

/// Where an open file is.
fn path_of(fd: u64) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{}", fd as i32)).ok()
}

fn close(fd: u64) {
    // The descriptor is Mynah's for the moment; closing it cannot fail in a way that matters.
    let _ = call(libc::SYS_close, [fd, 0, 0, 0, 0, 0]);
}

/// Device and inode of Mynah's own file.
fn own_file() -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    static FOUND: OnceLock<(u64, u64)> = OnceLock::new();
    *FOUND.get_or_init(|| std::fs::metadata("/proc/self/exe").map_or((0, 0), |file| (file.dev(), file.ino())))
}

/// Whether a status is that of Mynah's own file.
pub fn is_mynah(status: &libc::stat) -> bool {
    (status.st_dev, status.st_ino) == own_file()
}

/// Looks at a file that the guest has just opened; gives the descriptor to use instead of it: the same number, with contents
/// made here if it is one of the files of this module.
pub fn opened(vcpu: &Vcpu, fd: u64, directory: u64, path: &CStr, flags: i32) -> Result<u64, Errno> {
    // SAFETY: the structure holds only numbers.
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    call(libc::SYS_fstat, [fd, (&raw mut status).expose_provenance() as u64, 0, 0, 0, 0])?;
    if is_mynah(&status) && flags & libc::O_NOFOLLOW == 0 {
        return match behind_links(vcpu, directory, path) {
            Some(exe) => reopen(fd, &exe, flags),
            None => Ok(fd),
        };
    }
    let regular = status.st_mode & libc::S_IFMT == libc::S_IFREG;
    let candidate = regular && status.st_size == 0 && libc::major(status.st_dev) == 0;
    if !candidate || flags & (libc::O_ACCMODE | libc::O_PATH) != libc::O_RDONLY || !is_in_proc(fd) {
        return Ok(fd);
    }
    match path_of(fd).and_then(|path| text::contents(vcpu, fd, &path)) {
        Some(contents) => serve(fd, &contents, flags & libc::O_CLOEXEC),
        None => Ok(fd),
    }
}

/// Opens another file under the same number.
fn reopen(fd: u64, path: &Path, flags: i32) -> Result<u64, Errno> {
    close(fd);
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::ENOENT)?;
    let at = path.as_ptr().expose_provenance() as u64;
    call(libc::SYS_openat, [libc::AT_FDCWD as u64, at, flags as u64, 0, 0, 0])
}

/// Puts a read-only file with these contents, at their start, in place of `fd`.
fn serve(fd: u64, contents: &[u8], cloexec: i32) -> Result<u64, Errno> {
    close(fd);
    let name = c"proc".as_ptr().expose_provenance() as u64;
    let flags = (libc::MFD_ALLOW_SEALING | if cloexec != 0 { libc::MFD_CLOEXEC } else { 0 }) as u64;
    let file = call(libc::SYS_memfd_create, [name, flags, 0, 0, 0, 0])?;
    fill(file, contents).inspect_err(|_| close(file))?;
    let link = CString::new(format!("/proc/self/fd/{file}")).map_err(|_| Errno::EINVAL)?;
    let at = link.as_ptr().expose_provenance() as u64;
    let open = [libc::AT_FDCWD as u64, at, (libc::O_RDONLY | libc::O_CLOEXEC) as u64, 0, 0, 0];
    match call(libc::SYS_openat, open) {
        Ok(reader) => {
            let moved = call(libc::SYS_dup3, [reader, file, cloexec as u64, 0, 0, 0]);
            close(reader);
            moved
        }
        // No number is left for a second descriptor: seals have to do, under which writing fails with another error.
        Err(_) => {
            call(libc::SYS_lseek, [file, 0, libc::SEEK_SET as u64, 0, 0, 0])?;
            Ok(file)
        }
    }
}

fn fill(fd: u64, mut rest: &[u8]) -> Result<(), Errno> {
    while !rest.is_empty() {
        let at = rest.as_ptr().expose_provenance() as u64;
        let written = call(libc::SYS_write, [fd, at, rest.len() as u64, 0, 0, 0])?;
        rest = &rest[written as usize..];
    }
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_GROW | libc::F_SEAL_SHRINK | libc::F_SEAL_SEAL;
    call(libc::SYS_fcntl, [fd, libc::F_ADD_SEALS as u64, seals as u64, 0, 0, 0])?;
    // The kernel's files are 0444.
    call(libc::SYS_fchmod, [fd, 0o444, 0, 0, 0, 0]).map(drop)
}

/// The guest's program behind a path that ends in `exe` in a directory of `/proc`: this process's, or that of another one
/// that runs under Mynah. As the guest names it.
pub fn exe(vcpu: &Vcpu, directory: u64, path: &CStr) -> Option<PathBuf> {
    let bytes = path.to_bytes();
    let parent = bytes.strip_suffix(b"exe").filter(|parent| parent.is_empty() || parent.ends_with(b"/"))?;
    // What programs ask most.
    if parent == b"/proc/self/" {
        return Some(vcpu.process.exe().clone());
    }
    let parent = CString::new(if parent.is_empty() { b"." } else { parent }).ok()?;
    let flags = (libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC) as u64;
    let at = parent.as_ptr().expose_provenance() as u64;
    let fd = call(libc::SYS_openat, [directory, at, flags, 0, 0, 0]).ok()?;
    let found = is_in_proc(fd).then(|| path_of(fd)).flatten();
    close(fd);
    let link = found?.join("exe");
    let place = Place::of(&link)?;
    if place.is_own() { Some(vcpu.process.exe().clone()) } else { published::Other::find(place.process)?.exe() }
}

/// [`exe`] behind symbolic links.
fn behind_links(vcpu: &Vcpu, directory: u64, path: &CStr) -> Option<PathBuf> {
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        if let Some(exe) = exe(vcpu, directory, &path) {
            return Some(vcpu.process.sysroot.resolve_path(&exe));
        }
        let mut target = vec![0u8; libc::PATH_MAX as usize];
        let [from, to] = [path.as_ptr().expose_provenance() as u64, target.as_mut_ptr().expose_provenance() as u64];
        let len = call(libc::SYS_readlinkat, [directory, from, to, target.len() as u64, 0, 0]).ok()?;
        target.truncate(len as usize);
        let base = Path::new(OsStr::from_bytes(path.to_bytes())).parent().unwrap_or(Path::new("")).to_owned();
        let next = base.join(PathBuf::from(OsString::from_vec(target)));
        path = CString::new(next.into_os_string().into_vec()).ok()?;
    }
    None
}

/// As [`behind_links`], for calls that ask about a file by its path.
pub fn exe_behind(vcpu: &Vcpu, directory: u64, path: &CStr) -> Option<CString> {
    let exe = behind_links(vcpu, directory, path)?;
    CString::new(exe.into_os_string().into_vec()).ok()
}

/// Before the kernel lists a directory: if it is that of this process's threads, Mynah's own thread ends first.
pub fn before_listing(vcpu: &Vcpu, fd: u64) {
    let background = &vcpu.process.background;
    if !background.has_thread() || !is_in_proc(fd) {
        return;
    }
    if path_of(fd).is_some_and(|path| Place::of(&path).is_some_and(|place| place.is_own() && place.name == "task")) {
        background.stop();
    }
}

/// Whether a directory may be one whose listing shows descriptors of Mynah's own.
pub fn hides(fd: u64) -> bool {
    !super::fd::reserved().is_empty() && is_in_proc(fd)
}

/// Takes Mynah's own descriptors out of what `getdents64` gave for a directory of `/proc`; gives the new length.
pub fn hide(fd: u64, entries: &mut [u8]) -> usize {
    let hidden = super::fd::reserved();
    match path_of(fd) {
        Some(path) if Place::of(&path).is_some_and(|place| place.is_own() && matches!(place.name, "fd" | "fdinfo")) => {
            remove_entries(entries, |name| hidden.iter().any(|number| name == number.to_string().as_bytes()))
        }
        _ => entries.len(),
    }
}

/// Closes the gaps that some entries of a `struct linux_dirent64` array leave; gives the length of what stays.
fn remove_entries(entries: &mut [u8], is_hidden: impl Fn(&[u8]) -> bool) -> usize {
    /// Where the record's length and its name are.
    const LENGTH: usize = 16;
    const NAME: usize = 19;
    let (mut from, mut to) = (0, 0);
    while from + NAME < entries.len() {
        let length = usize::from(u16::from_ne_bytes([entries[from + LENGTH], entries[from + LENGTH + 1]]));
        let end = (from + length.max(NAME + 1)).min(entries.len());
        let name = entries[from + NAME..end].split(|&byte| byte == 0).next().unwrap_or_default();
        if !is_hidden(name) {
            entries.copy_within(from..end, to);
            to += end - from;
        }
        from = end;
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_end_in_places() {
        let place = |path: &'static str| Place::of(Path::new(path)).map(|place| (place.process, place.thread, place.name));
        assert_eq!(place("/proc/12/maps"), Some((12, None, "maps")));
        assert_eq!(place("/root/proc/12/task/13/stat"), Some((12, Some(13), "stat")));
        assert_eq!(place("/proc/12/fd"), Some((12, None, "fd")));
        assert_eq!(place("/proc/cpuinfo"), None);
        assert_eq!(place("/proc/12/net/stat"), None);
    }

    #[test]
    fn served_contents_can_only_be_read() {
        let null = c"/dev/null".as_ptr().expose_provenance() as u64;
        let old = call(libc::SYS_openat, [libc::AT_FDCWD as u64, null, 0, 0, 0, 0]).unwrap();
        let fd = serve(old, b"hello", 0).unwrap();
        let mut buffer = [0u8; 16];
        let at = (&raw mut buffer).expose_provenance() as u64;
        assert_eq!(call(libc::SYS_read, [fd, at, 16, 0, 0, 0]), Ok(5));
        assert_eq!(&buffer[..5], b"hello");
        assert_eq!(call(libc::SYS_write, [fd, at, 1, 0, 0, 0]), Err(Errno::EBADF));
        close(fd);
    }

    #[test]
    fn hidden_entries_leave_no_gap() {
        let entry = |name: &str| {
            let mut bytes = vec![0u8; (19 + name.len() + 1).next_multiple_of(8)];
            let length = bytes.len() as u16;
            bytes[16..18].copy_from_slice(&length.to_ne_bytes());
            bytes[19..19 + name.len()].copy_from_slice(name.as_bytes());
            bytes
        };
        let mut all = ["0", "17", "2", "17890123"].map(entry).concat();
        let len = remove_entries(&mut all, |name| name == b"17");
        assert_eq!(all[..len], ["0", "2", "17890123"].map(entry).concat());
        assert_eq!(remove_entries(&mut all[..len], |_| true), 0);
    }
}
