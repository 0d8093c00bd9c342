//! Files as byte slices.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::fd::AsRawFd;

/// A file's content, mapped read-only. Someone who truncates the file meanwhile takes the pages away (SIGBUS); the loader
/// reads headers only, right after opening.
#[derive(Debug)]
pub struct FileMap {
    start: *const u8,
    len: usize,
}

// SAFETY: the mapping is read-only and belongs to the value alone.
unsafe impl Send for FileMap {}
// SAFETY: as above.
unsafe impl Sync for FileMap {}

impl FileMap {
    /// Maps a whole file.
    pub fn new(file: &File) -> io::Result<FileMap> {
        let len = usize::try_from(file.metadata()?.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        if len == 0 {
            return Ok(FileMap { start: std::ptr::dangling(), len });
        }
        // SAFETY: a fresh mapping wherever the kernel likes.
        let start =
            unsafe { libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ, libc::MAP_PRIVATE, file.as_raw_fd(), 0) };
        if start == libc::MAP_FAILED {
            Err(io::Error::last_os_error())
        } else {
            Ok(FileMap { start: start.cast(), len })
        }
    }
}

impl Deref for FileMap {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: the mapping has this length and lives as long as the value; an empty slice may dangle.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}

impl Drop for FileMap {
    fn drop(&mut self) {
        if self.len != 0 {
            // SAFETY: the mapping is the value's own, and every slice of it borrowed the value.
            unsafe { libc::munmap(self.start.cast_mut().cast(), self.len) };
        }
    }
}
