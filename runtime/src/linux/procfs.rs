//! `/proc` as it would be if the guest's program were the host process's.
//!
//! The kernel describes Mynah: its file, its mappings, its arguments. The files that programs read to learn about themselves
//! are made here from the guest's state, when they are opened. Files of other processes, and relative paths from a directory
//! of `/proc`, are the kernel's.

use std::ffi::CStr;
use std::fmt::Write;
use std::ops::Range;
use std::path::Path;

use super::Errno;
use super::syscall::call;
use crate::memory::{GuestAddr, MappedFile, PAGE_SIZE, Vma};
use crate::vcpu::Vcpu;

/// A file of `/proc` that is made here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// `exe`: the link to the program.
    Exe,
    /// `maps`.
    Maps,
    /// `smaps`.
    Smaps,
    /// `cmdline`.
    Cmdline,
    /// `environ`.
    Environ,
    /// `auxv`.
    Auxv,
    /// `stat`.
    Stat,
    /// `statm`.
    Statm,
    /// `status`.
    Status,
    /// `/proc/cpuinfo`.
    Cpuinfo,
}

impl Entry {
    /// What an absolute path names: the file of this process, under any of its names in `/proc`.
    pub fn of(path: &CStr) -> Option<Entry> {
        // Almost no path is one.
        if !path.to_bytes().starts_with(b"/proc") {
            return None;
        }
        let mut parts = path.to_str().ok()?.split('/').filter(|part| !part.is_empty() && *part != ".");
        if parts.next()? != "proc" {
            return None;
        }
        let owner = parts.next()?;
        if owner == "cpuinfo" && parts.next().is_none() {
            return Some(Entry::Cpuinfo);
        }
        let own = |name: &str| name.parse() == Ok(std::process::id());
        if owner != "self" && owner != "thread-self" && !own(owner) {
            return None;
        }
        let mut file = parts.next()?;
        // A thread's `stat` and `status` tell its own times and mask; those are the kernel's.
        let mut of_thread = owner == "thread-self";
        if file == "task" && !of_thread {
            parts.next()?.parse::<u32>().ok()?;
            file = parts.next()?;
            of_thread = true;
        }
        let entry = Entry::named(file)?;
        let whole = parts.next().is_none() && !(of_thread && matches!(entry, Entry::Stat | Entry::Status));
        whole.then_some(entry)
    }

    fn named(file: &str) -> Option<Entry> {
        Some(match file {
            "exe" => Entry::Exe,
            "maps" => Entry::Maps,
            "smaps" => Entry::Smaps,
            "cmdline" => Entry::Cmdline,
            "environ" => Entry::Environ,
            "auxv" => Entry::Auxv,
            "stat" => Entry::Stat,
            "statm" => Entry::Statm,
            "status" => Entry::Status,
            _ => return None,
        })
    }

    /// The file's contents now; `None` for the link, which is not made but followed.
    fn contents(self, vcpu: &Vcpu) -> Option<Vec<u8>> {
        let image = &vcpu.process.image;
        Some(match self {
            Entry::Exe => return None,
            Entry::Maps => maps(vcpu).into_bytes(),
            Entry::Smaps => smaps(vcpu)?.into_bytes(),
            Entry::Cmdline => strings(vcpu, &image.arguments),
            Entry::Environ => strings(vcpu, &image.environment),
            Entry::Auxv => image.auxv.clone(),
            Entry::Stat => stat(vcpu)?.into_bytes(),
            Entry::Statm => statm(vcpu)?.into_bytes(),
            Entry::Status => status(vcpu)?.into_bytes(),
            Entry::Cpuinfo => cpuinfo(vcpu).into_bytes(),
        })
    }
}

/// Opens a file that is made here: a descriptor, or `None` for the kernel's files and for uses that only the kernel can
/// answer, as with wrong rights.
pub fn open(vcpu: &Vcpu, path: &CStr, flags: i32) -> Result<Option<u64>, Errno> {
    let kernels = libc::O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW;
    if flags & libc::O_ACCMODE != libc::O_RDONLY || flags & kernels != 0 {
        return Ok(None);
    }
    match Entry::of(path).and_then(|entry| entry.contents(vcpu)) {
        Some(contents) => serve(&contents, flags & libc::O_CLOEXEC).map(Some),
        None => Ok(None),
    }
}

/// A read-only descriptor with these contents, at their start.
fn serve(contents: &[u8], cloexec: i32) -> Result<u64, Errno> {
    let close = |fd: u64| call(libc::SYS_close, [fd, 0, 0, 0, 0, 0]);
    let name = c"proc".as_ptr().expose_provenance() as u64;
    let writer = call(libc::SYS_memfd_create, [name, libc::MFD_CLOEXEC as u64, 0, 0, 0, 0])?;
    let filled = fill(writer, contents);
    let link = std::ffi::CString::new(format!("/proc/self/fd/{writer}")).map_err(|_| Errno::EINVAL)?;
    let open =
        [libc::AT_FDCWD as u64, link.as_ptr().expose_provenance() as u64, (libc::O_RDONLY | cloexec) as u64, 0, 0, 0];
    let reader = filled.and_then(|()| call(libc::SYS_openat, open));
    close(writer)?;
    reader
}

fn fill(fd: u64, mut rest: &[u8]) -> Result<(), Errno> {
    while !rest.is_empty() {
        let at = rest.as_ptr().expose_provenance() as u64;
        let written = call(libc::SYS_write, [fd, at, rest.len() as u64, 0, 0, 0])?;
        rest = &rest[written as usize..];
    }
    // The kernel's files are 0444.
    call(libc::SYS_fchmod, [fd, 0o444, 0, 0, 0, 0]).map(drop)
}

/// The bytes between two guest addresses; what the guest unmapped is left out.
fn strings(vcpu: &Vcpu, range: &Range<u64>) -> Vec<u8> {
    let mut bytes = vec![0; range.end.saturating_sub(range.start) as usize];
    match vcpu.process.memory.read_bytes(GuestAddr(range.start), &mut bytes) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}

/// A path as `maps` shows it: the guest's name for it, with newlines as `\012`.
fn shown_path(vcpu: &Vcpu, path: &Path) -> String {
    vcpu.process.sysroot.guest_path(path).to_string_lossy().replace('\n', "\\012")
}

fn maps(vcpu: &Vcpu) -> String {
    vcpu.process.memory.areas().iter().map(|area| map_line(area, |path| shown_path(vcpu, path))).collect()
}

/// What the kernel says of the mappings that hold the guest's areas, under the areas' own rights and names. A mapping may
/// be a part of an area: pages that hold translated code are one of their own.
fn smaps(vcpu: &Vcpu) -> Option<String> {
    let memory = &vcpu.process.memory;
    let mut text = String::new();
    let mut shown = false;
    for line in kernels("smaps")?.lines() {
        if let Some(host) = addresses(line) {
            let start = host.start.wrapping_sub(memory.guest_base());
            let area = memory.area(GuestAddr(start));
            shown = area.is_some();
            if let Some(area) = area {
                let end = start + (host.end - host.start);
                let part = Vma { start, end, offset: area.offset_at(start), ..area };
                text += &map_line(&part, |path| shown_path(vcpu, path));
            }
        } else if shown {
            text += line;
            text.push('\n');
        }
    }
    Some(text)
}

/// The addresses that begin a mapping's line, `start-end `; other lines begin with a name and a colon.
fn addresses(line: &str) -> Option<Range<u64>> {
    let (start, end) = line.split_once(' ')?.0.split_once('-')?;
    let hex = |digits: &str| u64::from_str_radix(digits, 16).ok();
    Some(hex(start)?..hex(end)?)
}

/// A line as `show_map_vma` of Linux prints it: names begin in column 73.
fn map_line(area: &Vma, guest_name: impl Fn(&Path) -> String) -> String {
    let right = |has: bool, letter: char| if has { letter } else { '-' };
    let rights = [
        right(area.prot.0 & libc::PROT_READ != 0, 'r'),
        right(area.prot.write(), 'w'),
        right(area.prot.exec(), 'x'),
        if area.shared { 's' } else { 'p' },
    ];
    let (device, inode) = area.file.as_ref().map_or((0, 0), |file| (file.dev, file.ino));
    let name = area.file.as_ref().map_or(area.name.to_string(), |file| guest_name(&file.path));
    let line = format!(
        "{:08x}-{:08x} {} {:08x} {:02x}:{:02x} {inode} ",
        area.start,
        area.end,
        rights.iter().collect::<String>(),
        area.offset,
        libc::major(device),
        libc::minor(device),
    );
    if name.is_empty() { line + "\n" } else { format!("{line:<73}{name}\n") }
}

/// A file of the kernel's about this process.
fn kernels(name: &str) -> Option<String> {
    std::fs::read_to_string(format!("/proc/self/{name}")).ok()
}

/// Bytes that the guest has mapped.
fn mapped_bytes(vcpu: &Vcpu) -> u64 {
    vcpu.process.memory.areas().iter().map(|area| area.end - area.start).sum()
}

/// The kernel's line with the fields that tell of the program's memory changed (proc_pid_stat(5), counted from 1).
fn stat(vcpu: &Vcpu) -> Option<String> {
    let text = kernels("stat")?;
    // The name may hold spaces and parentheses; everything else follows its last one.
    let (name, rest) = text.trim_end().rsplit_once(") ")?;
    let mut fields: Vec<String> = rest.split(' ').map(str::to_string).collect();
    let image = &vcpu.process.image;
    let mut set = |number: usize, value: u64| {
        if let Some(field) = fields.get_mut(number - 3) {
            *field = value.to_string();
        }
    };
    set(23, mapped_bytes(vcpu));
    let code = program_range(vcpu, |area| area.prot.exec());
    set(26, code.0);
    set(27, code.1);
    set(28, image.stack_pointer.0);
    let data = program_range(vcpu, |area| area.prot.write());
    set(45, data.0);
    set(46, data.1);
    set(47, image.brk_start.0);
    set(48, image.arguments.start);
    set(49, image.arguments.end);
    set(50, image.environment.start);
    set(51, image.environment.end);
    Some(format!("{name}) {}\n", fields.join(" ")))
}

/// From the first to the last of the program's own areas that are of a kind.
fn program_range(vcpu: &Vcpu, kind: impl Fn(&Vma) -> bool) -> (u64, u64) {
    let (exe, sysroot) = (vcpu.process.exe(), &vcpu.process.sysroot);
    let areas = vcpu.process.memory.areas();
    let is_exe = |file: &MappedFile| sysroot.guest_path(&file.path) == *exe;
    let own = |area: &&Vma| kind(area) && area.file.as_ref().is_some_and(|file| is_exe(file));
    let mut own = areas.iter().filter(own);
    let first = own.next();
    (first.map_or(0, |area| area.start), own.next_back().or(first).map_or(0, |area| area.end))
}

/// The kernel's line with the size of the guest's memory in pages.
fn statm(vcpu: &Vcpu) -> Option<String> {
    let text = kernels("statm")?;
    let (_, rest) = text.split_once(' ')?;
    Some(format!("{} {rest}", mapped_bytes(vcpu) / PAGE_SIZE))
}

/// The kernel's lines with the size of the guest's memory.
fn status(vcpu: &Vcpu) -> Option<String> {
    let size = mapped_bytes(vcpu) >> 10;
    let line = |line: &str| match line.split_once(':') {
        Some((name @ ("VmPeak" | "VmSize"), _)) => format!("{name}:\t{size:>8} kB\n"),
        _ => format!("{line}\n"),
    };
    Some(kernels("status")?.lines().map(line).collect())
}

/// As `c_show` in `arch/riscv/kernel/cpu.c` prints it, one paragraph for each processor the guest may use.
fn cpuinfo(vcpu: &Vcpu) -> String {
    let isa = vcpu.process.options.cpu.isa_string();
    let count = std::thread::available_parallelism().map_or(1, |count| count.get());
    let mut text = String::new();
    for hart in 0..count {
        writeln!(
            text,
            "processor\t: {hart}\nhart\t\t: {hart}\nisa\t\t: {isa}\nmmu\t\t: sv39\nmvendorid\t: 0x0\nmarchid\t\t: 0x0\n\
             mimpid\t\t: 0x0\nhart isa\t: {isa}\n"
        )
        .expect("writing to a string");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Prot;

    fn entry(path: &str) -> Option<Entry> {
        Entry::of(&std::ffi::CString::new(path).unwrap())
    }

    #[test]
    fn paths_name_entries() {
        let pid = std::process::id();
        assert_eq!(entry("/proc/self/exe"), Some(Entry::Exe));
        assert_eq!(entry("//proc/self//./maps"), None, "two slashes in front are not looked at");
        assert_eq!(entry("/proc//self/./maps"), Some(Entry::Maps));
        assert_eq!(entry(&format!("/proc/{pid}/cmdline")), Some(Entry::Cmdline));
        assert_eq!(entry(&format!("/proc/self/task/{pid}/maps")), Some(Entry::Maps));
        assert_eq!(entry(&format!("/proc/self/task/{pid}/stat")), None);
        assert_eq!(entry("/proc/thread-self/maps"), Some(Entry::Maps));
        assert_eq!(entry("/proc/1/exe"), None);
        assert_eq!(entry("/proc/cpuinfo"), Some(Entry::Cpuinfo));
        assert_eq!(entry("/proc/self/maps/x"), None);
        assert_eq!(entry("/proc/self"), None);
        assert_eq!(entry("/process/self/exe"), None);
        assert_eq!(entry("proc/self/exe"), None);
    }

    #[test]
    fn areas_print_as_the_kernel_does() {
        let file = std::sync::Arc::new(MappedFile { path: "/bin/x".into(), dev: libc::makedev(8, 1), ino: 77, key: 0 });
        let mut area = Vma {
            start: 0x10000,
            end: 0x12000,
            prot: Prot(libc::PROT_READ | libc::PROT_EXEC),
            shared: false,
            grows_down: false,
            file: Some(file),
            offset: 0x1000,
            name: "",
        };
        let name = |path: &Path| path.display().to_string();
        let line = map_line(&area, name);
        assert_eq!(line, format!("{:<73}/bin/x\n", "00010000-00012000 r-xp 00001000 08:01 77"));
        area.file = None;
        assert_eq!(map_line(&area, name), "00010000-00012000 r-xp 00001000 00:00 0 \n");
    }

    #[test]
    fn served_contents_can_only_be_read() {
        let fd = serve(b"hello", 0).unwrap();
        let mut buffer = [0u8; 16];
        let at = (&raw mut buffer).expose_provenance() as u64;
        assert_eq!(call(libc::SYS_read, [fd, at, 16, 0, 0, 0]), Ok(5));
        assert_eq!(&buffer[..5], b"hello");
        assert_eq!(call(libc::SYS_write, [fd, at, 1, 0, 0, 0]), Err(Errno::EBADF));
        call(libc::SYS_close, [fd, 0, 0, 0, 0, 0]).unwrap();
    }
}
