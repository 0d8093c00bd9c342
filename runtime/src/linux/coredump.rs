//! Core files: what the kernel would write if it ran the guest (`fs/coredump.c`, `fs/binfmt_elf.c`).
//!
//! An ELF file of type ET_CORE for riscv64: notes with the registers of every thread, what killed the process, its files and
//! its auxiliary vector; then its memory. RLIMIT_CORE, `core_pattern`, `coredump_filter` (its default) and PR_SET_DUMPABLE hold.
//! A pattern that pipes into a program is the host kernel's to run, which has no guest core to give it: the file is then
//! `core.PID` in the working directory. The exit status does not say that a core was dumped: only the kernel can set that bit.

use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use super::signal::SigInfo;
use super::sigframe;
use super::syscall::call;
use crate::host::signal::bit;
use crate::memory::{GuestAddr, PAGE_SIZE, Vma};
use crate::vcpu::Vcpu;

/// Signals whose default action is to dump core (`SIG_KERNEL_COREDUMP_MASK`).
pub const SIGNALS: u64 = bit(libc::SIGQUIT)
    | bit(libc::SIGILL)
    | bit(libc::SIGTRAP)
    | bit(libc::SIGABRT)
    | bit(libc::SIGFPE)
    | bit(libc::SIGSEGV)
    | bit(libc::SIGBUS)
    | bit(libc::SIGSYS)
    | bit(libc::SIGXCPU)
    | bit(libc::SIGXFSZ);

/// Notes' types (`uapi/linux/elf.h`).
const NT_PRSTATUS: u32 = 1;
const NT_FPREGSET: u32 = 2;
const NT_PRPSINFO: u32 = 3;
const NT_AUXV: u32 = 6;
const NT_SIGINFO: u32 = 0x5349_4749;
const NT_FILE: u32 = 0x4649_4c45;

const HEADER: u64 = 64;
const PROGRAM_HEADER: u64 = 56;

/// Writes the core file of a process that dies of a signal, if its limits and settings ask for one. Other threads are stopped.
pub fn dump(vcpu: &Vcpu, info: &SigInfo) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes one limit.
    unsafe { libc::getrlimit(libc::RLIMIT_CORE, &mut limit) };
    let dumpable = call(libc::SYS_prctl, [libc::PR_GET_DUMPABLE as u64, 0, 0, 0, 0, 0]) == Ok(1);
    // A child that borrows its parent's memory would dump its parent.
    let asked = SIGNALS & bit(info.signo) != 0 && limit.rlim_cur >= PAGE_SIZE && dumpable && vcpu.borrowed.is_none();
    if !asked {
        return;
    }
    let path = path(vcpu, info.signo);
    match write(vcpu, info, &path, limit.rlim_cur) {
        Ok(()) => tracing::info!("core file: {}", path.display()),
        Err(error) => tracing::warn!("no core file: {}: {error}", path.display()),
    }
}

fn write(vcpu: &Vcpu, info: &SigInfo, path: &std::path::Path, limit: u64) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path)?;
    let told = file.metadata()?;
    // As the kernel: no device, no link that leads elsewhere, no file of another user.
    // SAFETY: asks for a number.
    if !told.is_file() || told.nlink() != 1 || told.uid() != unsafe { libc::geteuid() } {
        return Err(Error::from(ErrorKind::PermissionDenied));
    }
    file.set_len(0)?;
    let areas = vcpu.process.memory.areas();
    let notes = notes(vcpu, info, &areas);
    let headers = HEADER + PROGRAM_HEADER * (areas.len() as u64 + 1);
    let memory_at = (headers + notes.len() as u64).next_multiple_of(PAGE_SIZE);
    let mut out = Out { file, limit };
    let mut table = elf_header(areas.len() as u64 + 1);
    program_header(&mut table, [4, 0], [headers, 0, 0, notes.len() as u64, 0, 1]);
    let mut offset = memory_at;
    for area in &areas {
        let size = dumped(vcpu, area);
        let rights = [(libc::PROT_READ, 4), (libc::PROT_WRITE, 2), (libc::PROT_EXEC, 1)];
        let flags = rights.iter().filter(|(right, _)| area.prot.0 & right != 0).map(|(_, flag)| flag).sum();
        program_header(&mut table, [1, flags], [offset, area.start, 0, size, area.end - area.start, PAGE_SIZE]);
        offset += size;
    }
    table.extend(notes);
    out.put(0, &table)?;
    let mut at = memory_at;
    for area in &areas {
        let size = dumped(vcpu, area);
        out.memory(vcpu, area, size, at)?;
        at += size;
    }
    out.file.set_len(at.min(limit))
}

/// A file that ends at the limit.
struct Out {
    file: File,
    limit: u64,
}

impl Out {
    fn put(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        let room = self.limit.saturating_sub(at).min(bytes.len() as u64);
        self.file.write_all_at(&bytes[..room as usize], at)
    }

    /// The first `size` bytes of an area. Pages that hold nothing stay holes.
    fn memory(&mut self, vcpu: &Vcpu, area: &Vma, size: u64, at: u64) -> Result<()> {
        if !area.prot.read() && !area.prot.exec() {
            return Ok(());
        }
        let present = vcpu.process.memory.resident(area);
        let mut page = [0u8; PAGE_SIZE as usize];
        for (index, offset) in (0..size).step_by(PAGE_SIZE as usize).enumerate() {
            let wanted = area.file.is_some() || present.get(index).is_none_or(|page| page & 1 != 0);
            let there = wanted && vcpu.process.memory.read_bytes(GuestAddr(area.start + offset), &mut page).is_ok();
            if there && page.iter().any(|&byte| byte != 0) && at + offset < self.limit {
                self.put(at + offset, &page)?;
            }
        }
        Ok(())
    }
}

/// How much of an area is dumped by the default filter: anonymous memory, what was written of private files, and the first
/// page of ELF files, by which debuggers find the rest.
fn dumped(vcpu: &Vcpu, area: &Vma) -> u64 {
    let whole = area.end - area.start;
    match &area.file {
        None => whole,
        // Shared anonymous memory has a file too, without a name in the file system.
        Some(file) if area.shared && file.dev == libc::makedev(0, 1) => whole,
        Some(_) if !area.shared && area.prot.write() => whole,
        Some(_) if area.offset == 0 => {
            let magic = vcpu.process.memory.read::<[u8; 4]>(GuestAddr(area.start));
            if magic == Ok(*b"\x7fELF") { PAGE_SIZE } else { 0 }
        }
        Some(_) => 0,
    }
}

/// Appends numbers of several widths.
trait Append {
    fn words(&mut self, words: &[u64]);
    fn ints(&mut self, ints: &[u32]);
}

impl Append for Vec<u8> {
    fn words(&mut self, words: &[u64]) {
        words.iter().for_each(|word| self.extend(word.to_le_bytes()));
    }
    fn ints(&mut self, ints: &[u32]) {
        ints.iter().for_each(|int| self.extend(int.to_le_bytes()));
    }
}

fn elf_header(segments: u64) -> Vec<u8> {
    let mut head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // ET_CORE, EM_RISCV; no entry; program headers behind the header; RVC and the double-float ABI.
    head.ints(&[4 | 243 << 16, 1]);
    head.words(&[0, HEADER, 0]);
    head.ints(&[5, HEADER as u32 | (PROGRAM_HEADER as u32) << 16, segments.min(0xffff) as u32, 0]);
    head
}

fn program_header(table: &mut Vec<u8>, kind_and_flags: [u32; 2], rest: [u64; 6]) {
    table.ints(&kind_and_flags);
    table.words(&rest);
}

fn note(out: &mut Vec<u8>, kind: u32, contents: &[u8]) {
    out.ints(&[5, contents.len() as u32, kind]);
    out.extend(b"CORE\0\0\0\0");
    out.extend(contents);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// All notes, in the kernel's order: the dying thread's come first.
fn notes(vcpu: &Vcpu, info: &SigInfo, areas: &[Vma]) -> Vec<u8> {
    let mut out = Vec::new();
    note(&mut out, NT_PRSTATUS, &status(vcpu, vcpu, info));
    note(&mut out, NT_PRPSINFO, &process(vcpu));
    note(&mut out, NT_SIGINFO, &siginfo(info));
    note(&mut out, NT_AUXV, &vcpu.process.image.auxv);
    note(&mut out, NT_FILE, &files(vcpu, areas));
    note(&mut out, NT_FPREGSET, &sigframe::float_registers(vcpu));
    vcpu.process.stop_others(vcpu, |other| {
        note(&mut out, NT_PRSTATUS, &status(vcpu, other, info));
        note(&mut out, NT_FPREGSET, &sigframe::float_registers(other));
    });
    out
}

fn siginfo(info: &SigInfo) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.ints(&[info.signo as u32, info.errno as u32, info.code as u32, 0]);
    bytes.words(&info.fields);
    bytes
}

/// `struct elf_prstatus`.
fn status(dying: &Vcpu, vcpu: &Vcpu, info: &SigInfo) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.ints(&[info.signo as u32, info.code as u32, info.errno as u32, info.signo as u32]);
    // Pending signals are the kernel's; the blocked ones are known.
    bytes.words(&[0, vcpu.signals.mask]);
    bytes.ints(&[vcpu.tid as u32]);
    bytes.ints(&relatives());
    // User and system time, and those of children that were waited for: the process's for the dying thread.
    let times = if std::ptr::eq(dying, vcpu) { times() } else { [0; 8] };
    bytes.words(&times);
    bytes.words(&sigframe::registers(vcpu));
    bytes.ints(&[1, 0]);
    bytes
}

/// Parent, process group, session.
fn relatives() -> [u32; 3] {
    // SAFETY: these ask for numbers.
    unsafe { [libc::getppid() as u32, libc::getpgid(0) as u32, libc::getsid(0) as u32] }
}

fn times() -> [u64; 8] {
    let mut words = [0; 8];
    for (who, out) in [libc::RUSAGE_SELF, libc::RUSAGE_CHILDREN].into_iter().zip(words.chunks_mut(4)) {
        // SAFETY: the structure holds only numbers, and the kernel fills it.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(who, &mut usage);
            usage
        };
        let values = [usage.ru_utime.tv_sec, usage.ru_utime.tv_usec, usage.ru_stime.tv_sec, usage.ru_stime.tv_usec];
        out.copy_from_slice(&values.map(|value| value as u64));
    }
    words
}

/// `struct elf_prpsinfo`.
fn process(vcpu: &Vcpu) -> Vec<u8> {
    let mut bytes = vec![0, b'R', 0, 0, 0, 0, 0, 0];
    bytes.words(&[0]);
    // SAFETY: these ask for numbers.
    bytes.ints(&unsafe { [libc::getuid(), libc::getgid()] });
    bytes.ints(&[std::process::id()]);
    bytes.ints(&relatives());
    let mut field = |text: &[u8], size: usize| {
        let mut padded = text[..text.len().min(size - 1)].to_vec();
        padded.resize(size, 0);
        bytes.extend(padded);
    };
    field(vcpu.process.image.name.as_bytes(), 16);
    let arguments: Vec<&[u8]> = vcpu.process.argv().iter().map(|word| word.as_bytes()).collect();
    field(&arguments.join(&b' '), 80);
    bytes
}

/// Mapped files: their number, the unit of offsets, ranges with offsets, then names.
fn files(vcpu: &Vcpu, areas: &[Vma]) -> Vec<u8> {
    let mapped: Vec<_> = areas.iter().filter_map(|area| Some((area, area.file.as_ref()?))).collect();
    let mut bytes = Vec::new();
    bytes.words(&[mapped.len() as u64, PAGE_SIZE]);
    mapped.iter().for_each(|(area, _)| bytes.words(&[area.start, area.end, area.offset / PAGE_SIZE]));
    for (_, file) in mapped {
        bytes.extend(vcpu.process.sysroot.guest_path(&file.path).as_os_str().as_bytes());
        bytes.push(0);
    }
    bytes
}

/// Where the core file goes, by `core_pattern`.
fn path(vcpu: &Vcpu, signal: i32) -> PathBuf {
    let setting = |name: &str| std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
    let pattern = setting("core_pattern");
    let pattern = pattern.trim_end_matches('\n');
    let with_pid = setting("core_uses_pid").trim() == "1";
    let pattern = match pattern {
        piped if piped.starts_with(['|', '@']) => "core.%p",
        "" => "core",
        pattern => pattern,
    };
    let name = expand(pattern, |letter| specifier(vcpu, signal, letter));
    let add_pid = with_pid && !pattern.contains("%p");
    PathBuf::from(if add_pid { format!("{name}.{}", std::process::id()) } else { name })
}

/// Replaces what follows each `%`.
fn expand(pattern: &str, value: impl Fn(char) -> String) -> String {
    let mut out = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => out += &letters.next().map(&value).unwrap_or_default(),
            letter => out.push(letter),
        }
    }
    out
}

/// What a letter stands for (core(5)).
fn specifier(vcpu: &Vcpu, signal: i32, letter: char) -> String {
    let flat = |text: &std::path::Path| text.to_string_lossy().replace('/', "!");
    match letter {
        '%' => "%".to_owned(),
        'p' | 'P' => std::process::id().to_string(),
        'i' | 'I' => vcpu.tid.to_string(),
        // SAFETY: asks for a number.
        'u' => unsafe { libc::getuid() }.to_string(),
        // SAFETY: asks for a number.
        'g' => unsafe { libc::getgid() }.to_string(),
        's' => signal.to_string(),
        't' => std::time::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs()).to_string(),
        'h' => std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().replace('/', "!"),
        'e' => vcpu.process.image.name.to_string_lossy().replace('/', "!"),
        'f' => vcpu.process.exe().file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned()),
        'E' => flat(vcpu.process.exe()),
        'd' => "1".to_owned(),
        'c' => "18446744073709551615".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_expanded() {
        let value = |letter: char| format!("<{letter}>");
        assert_eq!(expand("/var/core.%e.%p", value), "/var/core.<e>.<p>");
        assert_eq!(expand("core%", value), "core");
    }

    #[test]
    fn headers_have_the_sizes_that_elf_says() {
        assert_eq!(elf_header(3).len() as u64, HEADER);
        let mut table = Vec::new();
        program_header(&mut table, [1, 5], [0; 6]);
        assert_eq!(table.len() as u64, PROGRAM_HEADER);
        let mut notes = Vec::new();
        note(&mut notes, NT_AUXV, &[0; 5]);
        assert_eq!(notes.len(), 12 + 8 + 8);
    }
}
