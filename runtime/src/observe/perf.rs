//! What Linux's `perf` reads about code that a program makes itself: the map `/tmp/perf-PID.map`, and the dump
//! `jit-PID.dump` in the working directory, which has the code too (the kernel's
//! `tools/perf/Documentation/jitdump-specification.txt`).

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::sync::Mutex;

use super::{Observer, Translation, Wants, lock};
use crate::process::Process;

/// Which of the two files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Lines of address, size and name.
    Map,
    /// Records with the code.
    Dump,
}

/// The observer that writes one of them.
pub struct Perf {
    kind: Kind,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    file: Option<File>,
    /// Translations so far.
    index: u64,
}

impl Perf {
    /// Begins a file for this process.
    pub fn begin(kind: Kind) -> io::Result<Perf> {
        let perf = Perf { kind, state: Mutex::default() };
        perf.open()?;
        Ok(perf)
    }

    fn open(&self) -> io::Result<()> {
        let pid = std::process::id();
        let path = match self.kind {
            Kind::Map => format!("/tmp/perf-{pid}.map"),
            Kind::Dump => format!("jit-{pid}.dump"),
        };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        if self.kind == Kind::Dump {
            file.write_all(&header(pid))?;
            announce(&file);
        }
        *lock(&self.state) = State { file: Some(file), index: 0 };
        Ok(())
    }
}

const MAGIC: u32 = 0x4a69_5444;
const EM_X86_64: u32 = 62;

fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one time.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn header(pid: u32) -> Vec<u8> {
    let words = [MAGIC, 1, 40, EM_X86_64, 0, pid];
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.extend([now(), 0].iter().flat_map(|word: &u64| word.to_le_bytes()));
    bytes
}

/// `perf record` notices the file when a page of it is mapped executable.
fn announce(file: &File) {
    let rights = libc::PROT_READ | libc::PROT_EXEC;
    // SAFETY: a fresh mapping that nobody reads.
    unsafe { libc::mmap(std::ptr::null_mut(), 4096, rights, libc::MAP_PRIVATE, file.as_raw_fd(), 0) };
}

/// A record of the dump: JIT_CODE_LOAD.
fn load(name: &str, host: u64, code: &[u8], index: u64) -> Vec<u8> {
    // SAFETY: no memory is involved.
    let (pid, tid) = (std::process::id(), unsafe { libc::gettid() } as u32);
    let size = 16 + 40 + name.len() as u32 + 1 + code.len() as u32;
    let mut bytes: Vec<u8> = [0u32, size].iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.extend(now().to_le_bytes());
    bytes.extend([pid, tid].iter().flat_map(|word| word.to_le_bytes()));
    bytes.extend([host, host, code.len() as u64, index].iter().flat_map(|word| word.to_le_bytes()));
    bytes.extend(name.as_bytes());
    bytes.push(0);
    bytes.extend(code);
    bytes
}

impl Observer for Perf {
    fn wants(&self) -> Wants {
        Wants::default()
    }

    fn translated(&self, process: &Process, translation: &Translation) {
        if translation.host == 0 {
            return;
        }
        let symbol = process.image.symbol(&process.memory, translation.pc);
        let name = symbol.map_or_else(|| format!("guest-{:#x}", translation.pc), |symbol| symbol.to_string());
        let mut state = lock(&self.state);
        let index = state.index;
        state.index += 1;
        let Some(file) = state.file.as_mut() else { return };
        let written = match self.kind {
            Kind::Map => writeln!(file, "{:x} {:x} {name}", translation.host, translation.host_bytes),
            Kind::Dump => {
                let start = std::ptr::with_exposed_provenance(translation.host as usize);
                // SAFETY: just published; the memory of the code cache stays mapped and readable.
                let code = unsafe { std::slice::from_raw_parts(start, translation.host_bytes) };
                file.write_all(&load(&name, translation.host, code, index))
            }
        };
        if let Err(error) = written {
            tracing::error!("cannot tell perf about translated code: {error}");
            state.file = None;
        }
    }

    fn forked(&self, _: &Process) {
        if let Err(error) = self.open() {
            tracing::error!("cannot tell perf about translated code: {error}");
        }
    }

    fn fork_guard(&'static self) -> Box<dyn std::any::Any> {
        Box::new(lock(&self.state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_the_size_they_say() {
        let record = load("name", 0x1000, &[1, 2, 3], 7);
        let word = |at: usize| u32::from_le_bytes(record[at..at + 4].try_into().unwrap());
        assert_eq!((word(0), word(4) as usize), (0, record.len()));
        assert_eq!(record[record.len() - 8..], *b"name\0\x01\x02\x03");
        assert_eq!(header(1).len(), 40);
    }
}
