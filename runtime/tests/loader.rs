//! What cannot be run is refused with a message of its own, and what can is laid out as the kernel does it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use mynah_runtime::host::signal;
use mynah_runtime::loader::{self, Sysroot, elf};
use mynah_runtime::memory::{GuestAddr, PAGE_SIZE};
use mynah_runtime::options::Options;

const EXEC: u16 = 2;
const DYN: u16 = 3;
const LOAD: u32 = 1;
const INTERP: u32 = 3;
const GNU_STACK: u32 = 0x6474_e551;
const R: u32 = 4;
const RW: u32 = 6;
const RX: u32 = 5;

/// A program header: type, flags, offset, address, size in the file, size in memory.
type Header = (u32, u32, u64, u64, u64, u64);

/// A riscv64 ELF file with these program headers, `size` bytes long.
fn elf_file(kind: u16, headers: &[Header], size: usize) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend(kind.to_le_bytes());
    bytes.extend(243u16.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    for word in [0x10000u64, 64, 0] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(5u32.to_le_bytes());
    for half in [64u16, 56, headers.len() as u16, 64, 0, 0] {
        bytes.extend(half.to_le_bytes());
    }
    for &(kind, flags, offset, vaddr, file_size, size) in headers {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(flags.to_le_bytes());
        for word in [offset, vaddr, vaddr, file_size, size, PAGE_SIZE] {
            bytes.extend(word.to_le_bytes());
        }
    }
    assert!(bytes.len() <= size);
    bytes.resize(size, 0xcc);
    bytes
}

/// One segment that covers a page of file and a page more.
fn text() -> Header {
    (LOAD, RX, 0, 0x10000, 0x1000, 0x2000)
}

fn with(mut bytes: Vec<u8>, at: usize, patch: &[u8]) -> Vec<u8> {
    bytes[at..at + patch.len()].copy_from_slice(patch);
    bytes
}

/// A folder that is removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("mynah-loader-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn options(program: &Path) -> Options {
    // Tests share the host's address space: a seed of its own gives each a stack of its own.
    static SEED: AtomicU64 = AtomicU64::new(1);
    let seed = Some(SEED.fetch_add(1, Ordering::Relaxed));
    let argv: Vec<OsString> = vec![program.into(), "one".into()];
    Options { program: program.to_owned(), argv, seed, stack_size: Some(1 << 20), ..Options::default() }
}

/// The message and status for a program that cannot be run; `PATH` stands for its name.
fn refusal(program: &Path) -> (String, i32) {
    let error = loader::load(&options(program), &Sysroot::default()).map(drop).unwrap_err();
    (error.to_string().replace(&*program.to_string_lossy(), "PATH"), error.exit_code())
}

#[test]
fn every_bad_file_has_its_own_message() {
    let good = || elf_file(EXEC, &[text()], 0x1000);
    let segment = |header: Header| elf_file(EXEC, &[text(), header], 0x1000);
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", vec![], "the file is empty"),
        ("text", b"hello".to_vec(), "neither an ELF file nor a script"),
        ("x86-64", with(good(), 18, &[62]), "not a riscv64 or aarch64 ELF (machine 62)"),
        ("aarch64", with(good(), 18, &[183]), "an aarch64 ELF; this build runs riscv64 programs only"),
        ("32 bits", with(good(), 4, &[1]), "a 32-bit ELF; only 64-bit guests are supported"),
        ("big-endian", with(good(), 5, &[2]), "a big-endian ELF; only little-endian guests are supported"),
        ("damaged", with(good(), 4, &[9]), "a damaged ELF: its class is 9 and its byte order 1"),
        ("object", with(good(), 16, &[1]), "an ELF of type 1, which is no program (an object file: link it first)"),
        ("core", with(good(), 16, &[4]), "an ELF of type 4, which is no program (a core dump)"),
        ("no headers", with(good(), 56, &[0]), "it has no loadable segment"),
        ("no segment", elf_file(EXEC, &[(GNU_STACK, RW, 0, 0, 0, 0)], 0x1000), "it has no loadable segment"),
        ("header size", with(good(), 54, &[32]), "its program headers are 32 bytes each, not 56"),
        (
            "many headers",
            with(good(), 56, &[0xff, 0xff]),
            "it has 65535 program headers, the kernel takes 1170 at most",
        ),
        (
            "cut in ident",
            good()[..15].to_vec(),
            "the file is truncated: the ELF identification ends at byte 16, the file at 15",
        ),
        (
            "cut in header",
            good()[..63].to_vec(),
            "the file is truncated: the ELF header ends at byte 64, the file at 63",
        ),
        (
            "cut in table",
            good()[..119].to_vec(),
            "the file is truncated: the program header table ends at byte 120, the file at 119",
        ),
        (
            "table beyond the end",
            with(good(), 32, &[0xff; 8]),
            "the file is truncated: the program header table ends at byte 18446744073709551615, the file at 4096",
        ),
        (
            "cut in segment",
            good()[..4095].to_vec(),
            "the file is truncated: a segment ends at byte 4096, the file at 4095",
        ),
        (
            "interpreter beyond",
            segment((INTERP, R, 0xff0, 0, 0x20, 0x20)),
            "the file is truncated: the name of the interpreter ends at byte 4112, the file at 4096",
        ),
        (
            "interpreter too long",
            segment((INTERP, R, 0, 0, 5000, 5000)),
            "the name of its interpreter is empty or too long",
        ),
        ("interpreter empty", segment((INTERP, R, 0, 0, 1, 1)), "the name of its interpreter is empty or too long"),
        (
            "interpreter open",
            segment((INTERP, R, 0x800, 0, 9, 9)),
            "the name of its interpreter does not end with a 0 byte",
        ),
        (
            "more file than memory",
            segment((LOAD, R, 0, 0x20000, 0x200, 0x100)),
            "program header 1 takes more bytes from the file than it has in memory",
        ),
        (
            "wraps",
            segment((LOAD, R, 0, u64::MAX - 0xfff, 0, 0x2000)),
            "program header 1 wraps around the end of the address space",
        ),
        ("too high", segment((LOAD, RW, 0, 1 << 38, 0, 1)), "program header 1 lies beyond the guest's address space"),
        (
            "absurd",
            segment((LOAD, RW, 0, 0x20000, 0, 1 << 60)),
            "program header 1 asks for 0x1000000000000000 bytes, more than the address space has",
        ),
        (
            "misaligned",
            segment((LOAD, R, 0x10, 0x20000, 0x10, 0x10)),
            "program header 1 has an address and a file offset that differ within a page",
        ),
        ("overlap", segment((LOAD, RW, 0xfff, 0x11fff, 1, 1)), "program header 1 overlaps program header 0"),
    ];
    let folder = Folder::new("bad");
    let mut messages = std::collections::BTreeSet::new();
    for (name, bytes, expected) in cases {
        let path = folder.file(name, &bytes);
        assert_eq!(refusal(&path), (format!("cannot load 'PATH': {expected}"), 126), "{name}");
        messages.insert(expected);
    }
    assert!(messages.len() > 20);
}

#[test]
fn files_that_are_no_programs_are_refused() {
    let folder = Folder::new("files");
    assert_eq!(refusal(&folder.0.join("absent")), ("cannot load 'PATH': no such file".into(), 127));
    assert_eq!(refusal(&folder.0), ("cannot load 'PATH': it is a directory".into(), 126));
    let plain = folder.file("plain", elf_file(EXEC, &[text()], 0x1000));
    assert_eq!(refusal(&plain.join("below")), ("cannot load 'PATH': Not a directory".into(), 126));
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
    let denied = "cannot load 'PATH': permission denied (it must be readable and executable)";
    assert_eq!(refusal(&plain), (denied.into(), 126));
    assert_eq!(refusal(Path::new("/dev/null")), ("cannot load 'PATH': it is not a regular file".into(), 126));
}

#[test]
fn interpreters_that_cannot_be_loaded_are_named() {
    let folder = Folder::new("interp");
    let program = |name: &str| {
        let name = format!("{name}\0");
        let headers = [text(), (INTERP, R, 0x800, 0x10800, name.len() as u64, name.len() as u64)];
        with(elf_file(EXEC, &headers, 0x1000), 0x800, name.as_bytes())
    };
    let path = folder.file("missing", program("/lib/no-such-ld.so"));
    let hint = "its interpreter '/lib/no-such-ld.so' does not exist; say where the guest's files are with -L DIRECTORY";
    assert_eq!(refusal(&path), (format!("cannot load 'PATH': {hint}"), 126));
    let wrong = folder.file("x86", with(elf_file(DYN, &[text()], 0x1000), 18, &[62]));
    let path = folder.file("other", program(&wrong.to_string_lossy()));
    let why = format!("its interpreter '{}': not a riscv64 or aarch64 ELF (machine 62)", wrong.display());
    assert_eq!(refusal(&path), (format!("cannot load 'PATH': {why}"), 126));
    // The sysroot has it.
    folder.file("root/lib/no-such-ld.so", elf_file(DYN, &[(LOAD, RX, 0, 0, 0x1000, 0x1000)], 0x1000));
    let sysroot = Sysroot::new(Some(&folder.0.join("root")));
    let (memory, image) = loader::load(&options(&folder.0.join("missing")), &sysroot).unwrap();
    let linker = memory.area(GuestAddr(image.entry - 0x10000)).unwrap();
    assert!(linker.file.unwrap().path.ends_with("root/lib/no-such-ld.so"));
    assert_eq!(image.program_entry, 0x10000);
    assert_eq!(auxv(&image.auxv, libc::AT_BASE), linker.start);
}

/// A value in an auxiliary vector.
fn auxv(bytes: &[u8], kind: u64) -> u64 {
    let words: Vec<u64> = bytes.chunks(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect();
    words.chunks(2).find(|pair| pair[0] == kind).unwrap_or_else(|| panic!("no entry {kind}"))[1]
}

#[test]
fn programs_are_laid_out_as_the_kernel_does() {
    let _stack = signal::install();
    let folder = Folder::new("layout");
    // Data begins in the middle of a page of the file, its zeros in the middle of another.
    let data = (LOAD, RW, 0x1010, 0x13010, 0x20, 0x3000);
    for kind in [EXEC, DYN] {
        let path = folder
            .file("program-with-a-long-name", elf_file(kind, &[text(), data, (GNU_STACK, RW, 0, 0, 0, 0)], 0x1800));
        let (memory, image) = loader::load(&options(&path), &Sysroot::default()).unwrap();
        let bias = image.load_bias;
        assert_eq!(bias == 0, kind == EXEC);
        assert_eq!((image.entry, image.phdr.0, image.phnum), (bias + 0x10000, bias + 0x10040, 3));
        let byte = |addr: u64| memory.read::<u8>(GuestAddr(bias + addr));
        assert_eq!(byte(0x10000), Ok(0x7f));
        assert_eq!((byte(0x11000), byte(0x11fff)), (Ok(0), Ok(0)), "zeros after the file");
        assert!(byte(0x12000).is_err(), "between segments nothing is mapped");
        assert_eq!((byte(0x1302f), byte(0x13030), byte(0x13fff), byte(0x15fff)), (Ok(0xcc), Ok(0), Ok(0), Ok(0)));
        assert!(byte(0x17000).is_err());
        assert!(memory.write(GuestAddr(bias + 0x10000), &0u8).is_err());
        assert!(memory.exec_range(GuestAddr(bias + 0x13010)).is_none());
        assert_eq!(image.name, "program-with-a-");
        assert_eq!(image.exe, path.canonicalize().unwrap());
        assert!(image.brk_start.0 >= bias + 0x16010 && image.brk_start.is_aligned(PAGE_SIZE));
        assert_eq!(memory.brk(image.brk_start + 100), image.brk_start + 100);
        let code: [u32; 2] = memory.read(image.sigreturn).unwrap();
        assert_eq!(code, [0x08b0_0893, 0x73], "li a7, 139; ecall");
        assert!(memory.exec_range(image.sigreturn).is_some());
        let stack = memory.area(image.stack_pointer).unwrap();
        assert_eq!((stack.name, stack.end - stack.start), ("[stack]", 1 << 20));
        assert_eq!(memory.read::<u64>(image.stack_pointer), Ok(2));
        let name = memory.read_cstr(GuestAddr(auxv(&image.auxv, libc::AT_EXECFN))).unwrap();
        assert_eq!(name.to_bytes(), path.to_str().unwrap().as_bytes());
        assert_ne!(memory.read::<[u8; 16]>(GuestAddr(auxv(&image.auxv, libc::AT_RANDOM))), Ok([0; 16]));
        assert_eq!(auxv(&image.auxv, libc::AT_ENTRY), image.program_entry);
        assert_eq!(auxv(&image.auxv, libc::AT_PHDR), image.phdr.0);
        assert_eq!((auxv(&image.auxv, libc::AT_BASE), auxv(&image.auxv, libc::AT_PAGESZ)), (0, 4096));
    }
}

#[test]
fn a_stack_is_executable_only_if_the_program_says_so() {
    let folder = Folder::new("stack");
    for (flags, expected) in [(RW, false), (RW | 1, true)] {
        let path = folder.file("program", elf_file(DYN, &[text(), (GNU_STACK, flags, 0, 0, 0, 0)], 0x1000));
        let (memory, image) = loader::load(&options(&path), &Sysroot::default()).unwrap();
        assert_eq!(memory.exec_range(image.stack_pointer).is_some(), expected);
    }
}

#[test]
fn a_program_whose_addresses_are_taken_gets_another_base() {
    let folder = Folder::new("base");
    let at = 0x7_0000_0000_u64;
    // SAFETY: nothing is replaced.
    let own = unsafe {
        libc::mmap(at as *mut _, 4096, 0, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE, -1, 0)
    };
    assert_eq!(own as u64, at);
    let path = folder.file("program", elf_file(EXEC, &[(LOAD, RX, 0, at, 0x1000, 0x1000)], 0x1000));
    let (memory, _image) = loader::load(&options(&path), &Sysroot::default()).unwrap();
    assert_ne!(memory.guest_base(), 0);
    assert_eq!(memory.read::<u8>(GuestAddr(at)), Ok(0x7f));
    let low = folder.file("low", elf_file(EXEC, &[(LOAD, RX, 0, 0x1000, 0x1000, 0x1000)], 0x1000));
    let (memory, _image) = loader::load(&options(&low), &Sysroot::default()).unwrap();
    assert_eq!(memory.read::<u8>(GuestAddr(0x1000)), Ok(0x7f), "below what the host lets a process map, or at it");
}

#[test]
fn scripts_run_through_their_interpreter() {
    let folder = Folder::new("scripts");
    let program = folder.file("program", elf_file(DYN, &[text()], 0x1000));
    let inner = folder.file("inner", format!("#! {} -x  y \n", program.display()));
    let outer = folder.file("outer", format!("#!{}", inner.display()));
    let (_memory, image) = loader::load(&options(&outer), &Sysroot::default()).unwrap();
    let expected: Vec<OsString> =
        vec![program.clone().into(), "-x  y".into(), inner.clone().into(), outer.clone().into(), "one".into()];
    assert_eq!(image.argv, expected);
    assert_eq!(image.name, "outer");
    assert_eq!(image.exe, program.canonicalize().unwrap());

    let endless = folder.0.join("endless");
    folder.file("endless", format!("#!{}", endless.display()));
    assert_eq!(refusal(&endless), ("cannot load 'PATH': too many scripts are each other's interpreter".into(), 126));
    let nothing = folder.file("nothing", "#! \n");
    assert_eq!(refusal(&nothing), ("cannot load 'PATH': a script whose first line names no interpreter".into(), 126));
    let absent = folder.file("absent", "#!/no/such/interpreter");
    let message = "cannot load 'PATH': its interpreter '/no/such/interpreter' cannot be run: no such file";
    assert_eq!(refusal(&absent), (message.into(), 126));
}

#[test]
fn too_many_arguments_are_refused() {
    let folder = Folder::new("arguments");
    let path = folder.file("program", elf_file(DYN, &[text()], 0x1000));
    let mut options = options(&path);
    options.env = vec!["X=".to_owned().into(); 100_000];
    let error = loader::load(&options, &Sysroot::default()).map(drop).unwrap_err();
    assert!(error.to_string().contains("arguments and environment take"), "{error}");
    assert_eq!((error.exit_code(), error.errno().0), (126, libc::E2BIG));
}

/// Whatever the bytes are, reading an ELF file answers, and what it accepts keeps its promises.
#[test]
fn damaged_files_never_break_the_reader() {
    let data = (LOAD, RW, 0x1010, 0x13010, 0x20, 0x3000);
    let good = elf_file(DYN, &[text(), data, (INTERP, R, 0x800, 0x10800, 4, 4), (GNU_STACK, RW, 0, 0, 0, 0)], 0x1800);
    let good = with(good, 0x800, b"ld\0\0");
    assert!(elf::parse(&good).is_ok());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    let mut accepted = 0;
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..1 + random(4) {
            let at = random(300);
            bytes[at] = [0, 1, 0x7f, 0x80, 0xff, random(256) as u8][random(6)];
        }
        if random(8) == 0 {
            bytes.truncate(random(good.len()));
        }
        let _ = loader::parse_script(&bytes);
        let _ = loader::symbols::find(&bytes, random(0x20000) as u64);
        let Ok(plan) = elf::parse(&bytes) else { continue };
        accepted += 1;
        let (start, end) = plan.span();
        assert!(start < end && end <= 1 << 38);
        for segment in &plan.segments {
            assert!(segment.file_size <= segment.size && segment.offset + segment.file_size <= bytes.len() as u64);
            assert!(start <= segment.vaddr && segment.end() <= end);
        }
        assert!(plan.segments.windows(2).all(|pair| pair[0].end() <= pair[1].vaddr));
    }
    assert!(accepted > 1000, "most damage must get past the first check: {accepted}");
}
