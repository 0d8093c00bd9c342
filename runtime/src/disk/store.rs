//! The cache's directory: opening entries of which there is no doubt, and publishing new ones whole.
//!
//! ```text
//! DIR/<variant>/<file>.code
//! ```
//!
//! A file appears under its name complete (`rename`), is never changed, and its bytes have checksums; so a writer may die
//! at any instruction, and a reader needs no lock. What is not the user's own, or what others could write, is not used.

use std::ffi::CString;
use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use mynah_backend::entry::{Entry, EntryError, Name};

/// Why the cache, or one entry, is not used.
#[derive(Debug)]
pub enum Doubt {
    /// There is none.
    Absent,
    /// The operating system refused.
    Io(&'static str, io::Error),
    /// It belongs to another user.
    Owner,
    /// Others may write it.
    Mode,
    /// It is not a directory, or not a file.
    Kind,
    /// Its bytes are wrong.
    Entry(EntryError),
    /// The bytes of a profile are wrong.
    Profile,
    /// The process may only write files of a limited size; beyond it would get SIGXFSZ.
    SizeLimit,
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Doubt::Absent => write!(f, "there is none"),
            Doubt::Io(what, error) => write!(f, "{what}: {error}"),
            Doubt::Owner => write!(f, "it belongs to another user"),
            Doubt::Mode => write!(f, "others may write it"),
            Doubt::Kind => write!(f, "it is of the wrong kind"),
            Doubt::Entry(error) => write!(f, "{error}"),
            Doubt::SizeLimit => write!(f, "the size of files that may be written is limited"),
            Doubt::Profile => write!(f, "its profile is damaged"),
        }
    }
}

fn doubt(what: &'static str) -> impl FnOnce(io::Error) -> Doubt {
    move |error| match error.kind() {
        io::ErrorKind::NotFound => Doubt::Absent,
        _ => Doubt::Io(what, error),
    }
}

/// A directory of the cache that was found to be the user's own.
#[derive(Debug)]
pub struct Store {
    dir: File,
}

fn open_at(dir: i32, name: &Path, flags: i32, mode: u32) -> io::Result<File> {
    let name = CString::new(name.as_os_str().as_bytes())?;
    // SAFETY: the name ends with a 0; the new descriptor is this value's own.
    unsafe {
        match libc::openat(dir, name.as_ptr(), flags | libc::O_CLOEXEC, mode) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(File::from_raw_fd(fd)),
        }
    }
}

/// Whether an open file or directory is the user's own and nobody else's to write.
fn trusted(file: &File, directory: bool) -> Result<(), Doubt> {
    let meta = file.metadata().map_err(doubt("fstat"))?;
    // SAFETY: no memory is involved.
    let user = unsafe { libc::geteuid() };
    match meta {
        meta if meta.is_dir() != directory || (!directory && !meta.is_file()) => Err(Doubt::Kind),
        meta if meta.uid() != user => Err(Doubt::Owner),
        meta if meta.mode() & 0o022 != 0 => Err(Doubt::Mode),
        _ => Ok(()),
    }
}

const DIRECTORY: i32 = libc::O_RDONLY | libc::O_DIRECTORY;

impl Store {
    /// Opens the directory of a variant.
    pub fn open(root: &Path, variant: u128) -> Result<Store, Doubt> {
        let top = Store::open_root(root)?;
        let name = format!("{variant:032x}");
        let dir = open_at(top.dir.as_raw_fd(), Path::new(&name), DIRECTORY | libc::O_NOFOLLOW, 0);
        let dir = dir.map_err(doubt("open"))?;
        trusted(&dir, true)?;
        Ok(Store { dir })
    }

    /// Opens the top of the cache.
    pub fn open_root(root: &Path) -> Result<Store, Doubt> {
        let dir = open_at(libc::AT_FDCWD, root, DIRECTORY, 0).map_err(doubt("open"))?;
        trusted(&dir, true)?;
        Ok(Store { dir })
    }

    /// Opens the directory of a variant for writing, and makes what is missing.
    pub fn create(root: &Path, variant: u128) -> Result<Store, Doubt> {
        let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: `limit` is valid for the answer.
        unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit) };
        if limit.rlim_cur != libc::RLIM_INFINITY {
            return Err(Doubt::SizeLimit);
        }
        match Store::open(root, variant) {
            Err(Doubt::Absent) => {}
            result => return result,
        }
        let make = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
        make(root).map_err(|error| Doubt::Io("mkdir", error))?;
        // Only below a directory that is the user's own.
        Store::open_root(root)?;
        make(&root.join(format!("{variant:032x}"))).map_err(|error| Doubt::Io("mkdir", error))?;
        Store::open(root, variant)
    }

    /// Opens a file of the directory.
    pub fn file(&self, name: &str) -> Result<File, Doubt> {
        let flags = libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = open_at(self.dir.as_raw_fd(), Path::new(name), flags, 0).map_err(doubt("open"))?;
        trusted(&file, false)?;
        Ok(file)
    }

    /// Opens an entry.
    pub fn entry(&self, name: Name) -> Result<(File, Entry), Doubt> {
        let file = self.file(&entry_name(name.file))?;
        let entry = Entry::open(&file, name).map_err(Doubt::Entry)?;
        Ok((file, entry))
    }

    /// Notes that a file was used just now, for those who look for what was not.
    pub fn touch(&self, file: &File) {
        const HOUR: i64 = 3600;
        // SAFETY: no memory is involved but the clock's.
        let now = unsafe { libc::time(std::ptr::null_mut()) };
        let old = file.metadata().is_ok_and(|meta| !(now - HOUR..=now).contains(&meta.mtime()));
        if old {
            // SAFETY: null times mean now. A cache that cannot be written keeps its times.
            unsafe { libc::futimens(file.as_raw_fd(), std::ptr::null()) };
        }
    }

    /// Puts a file under a name, whole or not at all.
    pub fn publish(&self, name: &str, bytes: &[u8]) -> Result<(), Doubt> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let temporary = format!(".new-{}-{number}", std::process::id());
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW;
        // A process of this number that was killed may have left one.
        self.remove(&temporary);
        let file = open_at(self.dir.as_raw_fd(), Path::new(&temporary), flags, 0o600);
        let mut file = file.map_err(|error| Doubt::Io("create", error))?;
        let written = file.write_all(bytes).and_then(|()| self.rename(&temporary, name));
        written.map_err(|error| {
            self.remove(&temporary);
            Doubt::Io("write", error)
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (CString::new(from)?, CString::new(to)?);
        let dir = self.dir.as_raw_fd();
        // SAFETY: both names end with a 0.
        match unsafe { libc::renameat(dir, from.as_ptr(), dir, to.as_ptr()) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Removes a file if it is there.
    pub fn remove(&self, name: &str) -> bool {
        let Ok(name) = CString::new(name) else { return false };
        // SAFETY: the name ends with a 0.
        unsafe { libc::unlinkat(self.dir.as_raw_fd(), name.as_ptr(), 0) == 0 }
    }

    /// The names in the directory.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let path = format!("/proc/self/fd/{}", self.dir.as_raw_fd());
        let names = std::fs::read_dir(path)?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names.collect())
    }

    /// The bytes of a file.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, Doubt> {
        let mut bytes = Vec::new();
        self.file(name)?.read_to_end(&mut bytes).map_err(doubt("read"))?;
        Ok(bytes)
    }

    /// Takes the lock of a name until the result is dropped; `None` if another process has it.
    pub fn try_lock(&self, name: &str) -> Option<File> {
        self.lock(name, libc::LOCK_EX | libc::LOCK_NB)
    }

    /// Takes the lock of a name until the result is dropped, and waits for it.
    pub fn wait_lock(&self, name: &str) -> Option<File> {
        self.lock(name, libc::LOCK_EX)
    }

    fn lock(&self, name: &str, how: i32) -> Option<File> {
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_NOFOLLOW;
        let file = open_at(self.dir.as_raw_fd(), Path::new(name), flags, 0o600).ok()?;
        // SAFETY: no memory is involved.
        (unsafe { libc::flock(file.as_raw_fd(), how) } == 0).then_some(file)
    }
}

/// The name of a guest file's entry.
pub fn entry_name(file: u128) -> String {
    format!("{file:032x}.code")
}
