//! Where what is logged goes: standard error, or a file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::IntoRawFd;
use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};

static FD: AtomicI32 = AtomicI32::new(2);

/// Sends what is logged from now on to a file: an empty one, or what is there already if `more`.
pub fn to_file(path: &Path, more: bool) -> io::Result<()> {
    if !more {
        File::create(path)?;
    }
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    // Guests use low numbers and count on which comes next.
    // SAFETY: makes another descriptor of an open file.
    let fd = unsafe { libc::fcntl(std::os::fd::AsRawFd::as_raw_fd(&file), libc::F_DUPFD_CLOEXEC, 512) };
    FD.store(if fd < 0 { file.into_raw_fd() } else { fd }, Ordering::Relaxed);
    Ok(())
}

/// Logs text in one write, so that what several threads and processes log does not mix.
pub fn write(text: &[u8]) {
    // SAFETY: writes initialised bytes. Not `eprint`: its lock would be copied locked by a guest's fork.
    unsafe { libc::write(FD.load(Ordering::Relaxed), text.as_ptr().cast(), text.len()) };
}

/// A writer for whoever wants one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
