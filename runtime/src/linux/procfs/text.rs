//! What the files of `/proc` say of a guest. The base is the kernel's own text of the same file; what would tell of Mynah's
//! memory and threads is replaced.

use std::fmt::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::published::{self, Other};
use super::{Entry, Place};
use crate::host::signal::{self as host, SYNCHRONOUS, bit};
use crate::linux::coredump;
use crate::linux::signal::{SIG_DFL, SIG_IGN};
use crate::linux::syscall::call;
use crate::memory::{GuestAddr, MappedFile, PAGE_SIZE, Prot, Vma};
use crate::vcpu::Vcpu;

/// The memory of a guest process as far as it can be seen from outside.
struct Seen {
    /// Ascending.
    areas: Vec<Vma>,
    guest_base: u64,
    /// Threads of Mynah's own that the kernel counts.
    helpers: u64,
}

impl Seen {
    fn own(vcpu: &Vcpu) -> Seen {
        let memory = &vcpu.process.memory;
        Seen { areas: memory.areas(), guest_base: memory.guest_base(), helpers: 0 }
    }

    /// That of another process; `None` if it does not run under Mynah, or may not be read.
    fn other(process: u32) -> Option<Seen> {
        let other = Other::find(process)?;
        let text = std::fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
        let (code, named, guest_base) = (other.code()?, other.named()?, other.guest_base()?);
        let areas = text.lines().filter_map(|line| host_area(line, guest_base));
        let areas = areas.flat_map(|area| as_guests(area, &code, &named)).collect();
        Some(Seen { areas, guest_base, helpers: u64::from(other.helper()? != 0) })
    }

    fn find(&self, addr: u64) -> Option<&Vma> {
        let after = self.areas.partition_point(|area| area.start <= addr);
        self.areas[..after].last().filter(|area| addr < area.end)
    }

    fn sum(&self, which: impl Fn(&Vma) -> bool) -> u64 {
        self.areas.iter().filter(|area| which(area)).map(|area| area.end - area.start).sum()
    }
}

/// A line of the kernel's `maps` as an area at guest addresses; `None` for memory of Mynah's.
fn host_area(line: &str, guest_base: u64) -> Option<Vma> {
    let host = addresses(line)?;
    let top = if guest_base == 0 { crate::memory::HIGH_END } else { crate::memory::TASK_SIZE };
    let start = host.start.checked_sub(guest_base).filter(|&start| start < top)?;
    let mut words = line.split_ascii_whitespace().skip(1);
    let (rights, offset, device, inode) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let name = line.splitn(6, ' ').nth(5).unwrap_or("").trim_start();
    let (major, minor) = device.split_once(':')?;
    let hex = |digits: &str| u64::from_str_radix(digits, 16).ok();
    let right = |letter: char, bit: i32| if rights.contains(letter) { bit } else { 0 };
    let ino = inode.parse().ok()?;
    let dev = libc::makedev(hex(major)? as u32, hex(minor)? as u32);
    let file = (ino != 0).then(|| Arc::new(MappedFile { path: name.into(), dev, ino, key: 0 }));
    Some(Vma {
        start,
        end: start + (host.end - host.start),
        prot: Prot(right('r', libc::PROT_READ) | right('w', libc::PROT_WRITE)),
        shared: rights.contains('s'),
        grows_down: false,
        offset: hex(offset)?,
        file,
        name: "",
    })
}

/// Splits an area where the guest's right to execute changes, and names it.
fn as_guests(area: Vma, code: &[Range<u64>], (heap, vdso, stack): &(Range<u64>, u64, u64)) -> Vec<Vma> {
    let inside = code.iter().flat_map(|range| [range.start, range.end]);
    let mut edges: Vec<u64> = inside.filter(|&edge| area.start < edge && edge < area.end).collect();
    edges.insert(0, area.start);
    edges.push(area.end);
    edges.dedup();
    let part = |pair: &[u64]| {
        let (start, end) = (pair[0], pair[1]);
        let mut part = Vma { start, end, offset: area.offset_at(start), ..area.clone() };
        let executable = code.iter().any(|range| range.contains(&start));
        if executable {
            part.prot.0 |= libc::PROT_EXEC;
        }
        part.grows_down = end == *stack;
        part.name = match () {
            _ if part.file.is_some() => "",
            _ if start == *vdso => "[vdso]",
            _ if part.grows_down => "[stack]",
            _ if start < heap.end && heap.start < end => "[heap]",
            _ => "",
        };
        part
    };
    edges.windows(2).map(part).collect()
}

/// Whether the kernel itself says what is right of arguments, environment and auxiliary vector.
static DESCRIBED: AtomicBool = AtomicBool::new(false);

/// Tells the kernel and other processes of Mynah where the new program has its things.
pub fn describe(vcpu: &Vcpu) {
    let (memory, image) = (&vcpu.process.memory, &vcpu.process.image);
    published::publish(memory.guest_base(), vcpu.process.exe(), image.vdso_functions.start & !(PAGE_SIZE - 1), memory.stack_top().0);
    let host = |addr: u64| addr + memory.guest_base();
    let (code, data) = (program_range(vcpu, |area| area.prot.exec()), program_range(vcpu, |area| area.prot.write()));
    // The heap in the kernel's books is the one that Mynah's allocator uses, and has to stay.
    let heap = call(libc::SYS_brk, [0; 6]).unwrap_or(0);
    let map: [u64; 13] = [
        host(code.0),
        host(code.1),
        host(data.0),
        host(data.1),
        heap,
        heap,
        host(image.stack_pointer.0),
        host(image.arguments.start),
        host(image.arguments.end),
        host(image.environment.start),
        host(image.environment.end),
        image.auxv.as_ptr().expose_provenance() as u64,
        // Size of the auxiliary vector, and no descriptor of another file: the kernel has Mynah's mapped.
        image.auxv.len() as u64 | 0xffff_ffff << 32,
    ];
    const PR_SET_MM_MAP: u64 = 14;
    let at = map.as_ptr().expose_provenance() as u64;
    let told = call(libc::SYS_prctl, [libc::PR_SET_MM as u64, PR_SET_MM_MAP, at, size_of_val(&map) as u64, 0, 0]);
    DESCRIBED.store(told.is_ok(), Ordering::Relaxed);
}

/// What a file of `/proc` is to say, given its path and a descriptor of the kernel's; `None` where the kernel is right.
pub fn contents(vcpu: &Vcpu, fd: u64, path: &Path) -> Option<Vec<u8>> {
    if path.file_name()? == "cpuinfo" && Place::of(path).is_none() {
        return Some(cpuinfo(vcpu).into_bytes());
    }
    let place = Place::of(path)?;
    let entry = Entry::named(place.name)?;
    let image = &vcpu.process.image;
    let undescribed = place.is_own() && !DESCRIBED.load(Ordering::Relaxed);
    match entry {
        Entry::Cmdline => return undescribed.then(|| strings(vcpu, &image.arguments)),
        Entry::Environ => return undescribed.then(|| strings(vcpu, &image.environment)),
        Entry::Auxv => return undescribed.then(|| image.auxv.clone()),
        Entry::Limits => return place.is_own().then(|| limits(vcpu, fd))?,
        _ => {}
    }
    if place.is_own() && matches!(entry, Entry::Stat | Entry::Status) {
        // The kernel is about to count threads: Mynah's own goes first.
        vcpu.process.background.stop();
    }
    let seen = if place.is_own() { Seen::own(vcpu) } else { Seen::other(place.process)? };
    let text = match entry {
        Entry::Maps => maps(vcpu, &seen),
        Entry::Smaps => smaps(vcpu, &seen, &kernels(fd)?),
        Entry::Stat => stat(vcpu, &seen, place, &kernels(fd)?)?,
        Entry::Statm => statm(&seen, &kernels(fd)?),
        _ => status(vcpu, &seen, place, &kernels(fd)?),
    };
    Some(text.into_bytes())
}

/// What the kernel says in an open file.
fn kernels(fd: u64) -> Option<String> {
    let (mut bytes, mut len) = (vec![0u8; 1 << 14], 0);
    loop {
        let rest = &mut bytes[len..];
        let args = [fd, rest.as_mut_ptr().expose_provenance() as u64, rest.len() as u64, len as u64, 0, 0];
        match call(libc::SYS_pread64, args).ok()? as usize {
            0 => break,
            more => len += more,
        }
        if bytes.len() - len < 4096 {
            bytes.resize(bytes.len() * 2, 0);
        }
    }
    bytes.truncate(len);
    Some(String::from_utf8_lossy(&bytes).into_owned())
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

fn maps(vcpu: &Vcpu, seen: &Seen) -> String {
    seen.areas.iter().map(|area| map_line(area, |path| shown_path(vcpu, path))).collect()
}

/// What the kernel says of the mappings that hold the guest's areas, under the areas' own rights and names. A mapping may
/// be a part of an area: pages that hold translated code are one of their own.
fn smaps(vcpu: &Vcpu, seen: &Seen, kernels: &str) -> String {
    let mut text = String::new();
    let mut shown = false;
    for line in kernels.lines() {
        if let Some(host) = addresses(line) {
            let start = host.start.wrapping_sub(seen.guest_base);
            let area = seen.find(start);
            shown = area.is_some();
            if let Some(area) = area {
                let end = start + (host.end - host.start);
                let part = Vma { start, end, offset: area.offset_at(start), ..area.clone() };
                text += &map_line(&part, |path| shown_path(vcpu, path));
            }
        } else if shown {
            text += line;
            text.push('\n');
        }
    }
    text
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

/// The kernel's line with the fields that tell of the program's memory and threads changed (proc_pid_stat(5), counted from 1).
fn stat(vcpu: &Vcpu, seen: &Seen, place: Place<'_>, kernels: &str) -> Option<String> {
    // The name may hold spaces and parentheses; everything else follows its last one.
    let (name, rest) = kernels.trim_end().rsplit_once(") ")?;
    let mut fields: Vec<String> = rest.split(' ').map(str::to_string).collect();
    let image = &vcpu.process.image;
    let mut set = |number: usize, value: u64| {
        if let Some(field) = fields.get_mut(number - 3) {
            *field = value.to_string();
        }
    };
    set(20, told_threads(rest.split(' ').nth(20 - 3)?.parse().ok()?, seen));
    set(23, seen.sum(|_| true));
    if place.is_own() {
        let (code, data) = (program_range(vcpu, |area| area.prot.exec()), program_range(vcpu, |area| area.prot.write()));
        let places = [(26, code.0), (27, code.1), (28, image.stack_pointer.0), (45, data.0), (46, data.1), (47, image.brk_start.0)];
        places.into_iter().for_each(|(number, value)| set(number, value));
        let strings = [(48, image.arguments.start), (49, image.arguments.end), (50, image.environment.start), (51, image.environment.end)];
        strings.into_iter().for_each(|(number, value)| set(number, value));
    }
    Some(format!("{name}) {}\n", fields.join(" ")))
}

/// The number of threads without Mynah's own; a process that has ended has none to subtract.
fn told_threads(count: u64, seen: &Seen) -> u64 {
    if count > seen.helpers { count - seen.helpers } else { count }
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

/// Bytes of a guest's memory by kind, as the kernel sorts them: data, stack, code.
fn kinds(seen: &Seen) -> [u64; 3] {
    let stack = |area: &Vma| area.grows_down || area.name == "[stack]";
    let data = seen.sum(|area| area.prot.write() && !area.shared && !stack(area));
    [data, seen.sum(stack), seen.sum(|area| area.prot.exec() && !area.prot.write() && !stack(area))]
}

/// The kernel's line with the sizes of the guest's memory in pages: size, resident, shared, text, 0, data with stack, 0.
fn statm(seen: &Seen, kernels: &str) -> String {
    let mut fields: Vec<String> = kernels.split_ascii_whitespace().map(str::to_string).collect();
    let [data, stack, _] = kinds(seen);
    for (index, bytes) in [(0, seen.sum(|_| true)), (5, data + stack)] {
        if let Some(field) = fields.get_mut(index) {
            *field = (bytes / PAGE_SIZE).to_string();
        }
    }
    fields.join(" ") + "\n"
}

/// The kernel's lines with what they say of the guest's memory, threads and signals.
fn status(vcpu: &Vcpu, seen: &Seen, place: Place<'_>, kernels: &str) -> String {
    let [data, stack, code] = kinds(seen);
    let size = seen.sum(|_| true);
    let line = |line: &str| {
        let Some((name, value)) = line.split_once(":\t") else { return format!("{line}\n") };
        let kibibytes = |bytes: u64| format!("{name}:\t{:>8} kB\n", bytes >> 10);
        match name {
            "VmPeak" | "VmSize" => kibibytes(size),
            "VmData" => kibibytes(data),
            "VmStk" => kibibytes(stack),
            "VmLib" => kibibytes(code.saturating_sub(text_size(kernels))),
            "Threads" => format!("{name}:\t{}\n", value.parse().map_or(1, |count| told_threads(count, seen))),
            "SigIgn" if place.is_own() => signals(vcpu, name, value, |handler| handler == SIG_IGN),
            "SigCgt" if place.is_own() => signals(vcpu, name, value, |handler| handler != SIG_IGN && handler != SIG_DFL),
            _ => format!("{line}\n"),
        }
    };
    kernels.lines().map(line).collect()
}

/// Bytes of the program's own code, which the kernel knows.
fn text_size(kernels: &str) -> u64 {
    let line = kernels.lines().find_map(|line| line.strip_prefix("VmExe:"));
    line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok()).map_or(0, |size: u64| size << 10)
}

/// A mask of signals in which those that Mynah always catches are as the guest has them.
fn signals(vcpu: &Vcpu, name: &str, value: &str, is: impl Fn(u64) -> bool) -> String {
    let caught = SYNCHRONOUS | coredump::SIGNALS;
    let kernels = u64::from_str_radix(value.trim(), 16).unwrap_or(0) & !caught;
    let ours = (1..=host::SIGNALS).filter(|&signal| caught & bit(signal) != 0 && is(vcpu.actions().get(signal).handler));
    let mask = ours.fold(kernels, |mask, signal| mask | bit(signal));
    format!("{name}:\t{mask:016x}\n")
}

/// The kernel's table with the limits that Mynah keeps.
fn limits(vcpu: &Vcpu, fd: u64) -> Option<Vec<u8>> {
    let rows =
        [("Max address space", libc::RLIMIT_AS), ("Max data size", libc::RLIMIT_DATA), ("Max stack size", libc::RLIMIT_STACK)];
    let line = |line: &str| match rows.iter().find(|row| line.starts_with(row.0)) {
        Some((name, resource)) => {
            let limit = vcpu.limits().get(*resource).unwrap_or([u64::MAX; 2]);
            let [soft, hard] = limit.map(|value| if value == u64::MAX { "unlimited".to_owned() } else { value.to_string() });
            format!("{name:<25} {soft:<20} {hard:<20} {:<10}\n", "bytes")
        }
        None => format!("{line}\n"),
    };
    Some(kernels(fd)?.lines().map(line).collect::<String>().into_bytes())
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
    fn areas_of_others_are_made_of_the_kernels_lines() {
        let line = "10000-14000 r--p 00001000 08:01 77                         /bin/a program";
        let area = host_area(line, 0).unwrap();
        let named = (0x20000..0x22000, 0x30000, 0x40000);
        let parts = as_guests(area, &[0x11000..0x12000, 0x50000..0x51000], &named);
        let shown: Vec<(u64, u64, i32, u64)> = parts.iter().map(|part| (part.start, part.end, part.prot.0, part.offset)).collect();
        assert_eq!(shown, [(0x10000, 0x11000, 1, 0x1000), (0x11000, 0x12000, 5, 0x2000), (0x12000, 0x14000, 1, 0x3000)]);
        assert_eq!(parts[0].file.as_ref().unwrap().path, Path::new("/bin/a program"));
        let heap = as_guests(host_area("21000-22000 rw-p 00000000 00:00 0 ", 0).unwrap(), &[], &named);
        assert_eq!(heap[0].name, "[heap]");
        assert_eq!(as_guests(host_area("3f000-40000 rw-p 00000000 00:00 0 ", 0).unwrap(), &[], &named)[0].name, "[stack]");
        assert!(host_area("7f0000000000-7f0000001000 rw-p 00000000 00:00 0 ", 0).is_none());
    }
}
