//! Loads a guest program as the kernel would: segments, interpreter, stack, auxiliary vector.
//!
//! | file | topic |
//! |---|---|
//! | `elf` | reads and checks an ELF file, a pure function |
//! | `program` | finds and opens the file, follows scripts |
//! | `segments` | maps segments |
//! | `stack` | builds the stack, a pure function |
//! | `sysroot` | where the guest's files are |
//! | `symbols` | names for guest addresses |
//! | `error` | why not, in words |

pub mod elf;
mod error;
mod program;
mod segments;
mod stack;
pub mod symbols;
mod vdso;
mod sysroot;

use std::ffi::OsString;
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

pub use error::{LoadError, Reason, SegmentProblem};
pub use program::{Program, ScriptLine, parse_script};
pub use symbols::Symbol;
pub use sysroot::Sysroot;

use crate::linux::Errno;
use crate::memory::{GuestAddr, Layout, Memory, PAGE_SIZE, Prot, page_ceil};
use crate::options::Options;
use segments::Loaded;

/// Smallest and largest stack that is mapped. The kernel grows it on demand up to the limit; Mynah maps it whole, which
/// costs addresses only, so no limit means this much.
const STACK_SIZES: Range<u64> = 256 << 10..1 << 30;
/// The main stack's size where no limit is known, as the kernel's `_STK_LIM`.
const STACK_SIZE: u64 = 8 << 20;
/// Size of the kernel's riscv64 signal frame without extension contexts: `AT_MINSIGSTKSZ`.
const SIGNAL_FRAME_SIZE: u64 = 1088;
/// `AT_MINSIGSTKSZ` (`uapi/asm/auxvec.h`).
const AT_MINSIGSTKSZ: u64 = 51;

/// The program that was loaded.
#[derive(Clone, Debug)]
pub struct Image {
    /// The program's file, absolute, symbolic links resolved, as the guest would name it: what `/proc/self/exe` shows.
    pub exe: PathBuf,
    /// The thread's name: the last part of the program's name, at most 15 bytes.
    pub name: OsString,
    /// The argument vector: as given, or with the interpreter in front for a script.
    pub argv: Vec<OsString>,
    /// Where the thread starts: the interpreter's entry, or the program's if it has none.
    pub entry: u64,
    /// The program's own entry.
    pub program_entry: u64,
    /// The stack pointer at the start; 16-byte aligned.
    pub stack_pointer: GuestAddr,
    /// What was added to the program's addresses.
    pub load_bias: u64,
    /// Guest address of the program headers; 0 if they are not in memory.
    pub phdr: GuestAddr,
    /// Number of program headers.
    pub phnum: u64,
    /// Where the heap begins.
    pub brk_start: GuestAddr,
    /// The auxiliary vector's bytes, for `/proc/self/auxv`.
    pub auxv: Vec<u8>,
    /// Guest addresses of the argument strings.
    pub arguments: Range<u64>,
    /// Guest addresses of the environment strings.
    pub environment: Range<u64>,
    /// Guest address of the code that calls `rt_sigreturn`, the return address of signal handlers.
    pub sigreturn: GuestAddr,
    /// Guest addresses of the vDSO's other functions, whose calls do not reach the host's kernel.
    pub vdso_functions: Range<u64>,
}

impl Image {
    /// The symbol that holds `pc`.
    pub fn symbol(&self, memory: &Memory, pc: u64) -> Option<Symbol> {
        if self.sigreturn.0 == pc {
            return Some(Symbol { name: "__vdso_rt_sigreturn".to_owned(), offset: 0 });
        }
        symbols::lookup(memory, GuestAddr(pc))
    }
}

/// Loads the program that the options name into a new address space.
pub fn load(options: &Options, sysroot: &Sysroot) -> Result<(Memory, Image), LoadError> {
    let (program, argv) = Program::find(&options.program, &options.argv, sysroot)?;
    load_program(options, sysroot, &program, argv).map_err(|reason| LoadError { path: options.program.clone(), reason })
}

/// Everything after the program was found.
fn load_program(
    options: &Options,
    sysroot: &Sysroot,
    program: &Program,
    argv: Vec<OsString>,
) -> Result<(Memory, Image), Reason> {
    let interpreter = match &program.plan.interpreter {
        Some(name) => Some(Program::interpreter(name, sysroot)?),
        None => None,
    };
    let stack_size = stack_size(options.stack_size.unwrap_or(STACK_SIZE));
    check_argument_size(&argv, &options.env, stack_size)?;
    let layout = Layout {
        guest_base: options.guest_base,
        fixed: fixed_span(program, interpreter.as_ref()),
        stack_size,
        seed: options.seed.unwrap_or_else(random_seed),
    };
    let memory =
        Memory::new(layout).map_err(|errno| Reason::GuestBase { base: options.guest_base.unwrap_or(0), errno })?;

    let main = segments::load(&memory, program, memory.program_hint())?;
    let linker = match &interpreter {
        // Without a hint the linker goes where libraries go.
        Some(linker) => Some(segments::load(&memory, linker, GuestAddr::NULL)?),
        None => None,
    };
    let brk_start = page_ceil(main.end + memory.brk_gap()).unwrap_or(main.end);
    memory.set_brk_start(GuestAddr(brk_start));
    let (vdso_at, vdso) = map_vdso(&memory)?;
    let top = map_stack(&memory, stack_size, program.plan.exec_stack)?;

    let auxv = auxiliary_vector(options, vdso_at, &main, linker.as_ref());
    let name = options.program.as_os_str();
    let stack = stack::build(top.0, &argv, &options.env, name, random_bytes(layout.seed), &auxv);
    memory.write_bytes(GuestAddr(stack.sp), &stack.bytes).map_err(Reason::Io)?;

    let image = Image {
        exe: executable_path(program, sysroot),
        name: thread_name(&options.program),
        argv,
        entry: linker.as_ref().unwrap_or(&main).entry,
        program_entry: main.entry,
        stack_pointer: GuestAddr(stack.sp),
        load_bias: main.bias,
        phdr: GuestAddr(main.phdr),
        phnum: main.phnum,
        brk_start: GuestAddr(brk_start),
        auxv: stack.auxv,
        arguments: stack.arguments,
        environment: stack.environment,
        sigreturn: vdso_at + vdso.sigreturn,
        vdso_functions: vdso_at.0 + vdso.functions.start..vdso_at.0 + vdso.functions.end,
    };
    Ok((memory, image))
}

/// What the kernel tells a riscv64 program, in the kernel's order (`ARCH_DLINFO`, then `create_elf_tables`). riscv64 has
/// no `AT_PLATFORM`.
fn auxiliary_vector(options: &Options, vdso: GuestAddr, main: &Loaded, linker: Option<&Loaded>) -> Vec<(u64, u64)> {
    // SAFETY: these read values of the host process and touch no memory.
    let (uid, euid, gid, egid, secure, ticks) = unsafe {
        let secure = libc::getauxval(libc::AT_SECURE);
        (libc::getuid(), libc::geteuid(), libc::getgid(), libc::getegid(), secure, libc::sysconf(libc::_SC_CLK_TCK))
    };
    vec![
        (libc::AT_SYSINFO_EHDR, vdso.0),
        (AT_MINSIGSTKSZ, SIGNAL_FRAME_SIZE),
        (libc::AT_HWCAP, options.cpu.hwcap()),
        (libc::AT_PAGESZ, PAGE_SIZE),
        (libc::AT_CLKTCK, ticks.max(1) as u64),
        (libc::AT_PHDR, main.phdr),
        (libc::AT_PHENT, 56),
        (libc::AT_PHNUM, main.phnum),
        (libc::AT_BASE, linker.map_or(0, |linker| linker.bias)),
        (libc::AT_FLAGS, 0),
        (libc::AT_ENTRY, main.entry),
        (libc::AT_UID, u64::from(uid)),
        (libc::AT_EUID, u64::from(euid)),
        (libc::AT_GID, u64::from(gid)),
        (libc::AT_EGID, u64::from(egid)),
        (libc::AT_SECURE, secure),
    ]
}

/// Addresses that must be free because a program cannot be moved; `None` if it can.
fn fixed_span(program: &Program, interpreter: Option<&Program>) -> Option<(u64, u64)> {
    let fixed = [Some(program), interpreter].into_iter().flatten().filter(|program| !program.plan.movable);
    fixed.map(|program| program.plan.span()).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// The size that the main stack gets under a limit.
pub(crate) fn stack_size(limit: u64) -> u64 {
    page_ceil(limit.clamp(STACK_SIZES.start, STACK_SIZES.end)).unwrap_or(STACK_SIZES.end)
}

/// The kernel's limit for arguments: a quarter of the stack, but at most 6 MiB and at least 128 KiB (`fs/exec.c`).
fn check_argument_size(argv: &[OsString], env: &[OsString], stack: u64) -> Result<(), Reason> {
    let (size, limit) = (stack::argument_size(argv, env), (stack / 4).clamp(128 << 10, 6 << 20));
    if size > limit { Err(Reason::ArgumentsTooLong { size, limit }) } else { Ok(()) }
}

/// Maps the main stack; gives its top.
fn map_stack(memory: &Memory, size: u64, exec: bool) -> Result<GuestAddr, Reason> {
    let top = memory.stack_top();
    let prot = libc::PROT_READ | libc::PROT_WRITE | if exec { libc::PROT_EXEC } else { 0 };
    let start = top - size;
    memory.map_named(start..top, Prot(prot), true, "[stack]").map_err(|errno| Reason::NoRoom {
        start: start.0,
        len: size,
        errno,
    })?;
    Ok(top)
}

/// Maps the vDSO; gives its address.
fn map_vdso(memory: &Memory) -> Result<(GuestAddr, vdso::Vdso), Reason> {
    let vdso = vdso::build();
    let map = || {
        let page = memory.reserve(GuestAddr::NULL, PAGE_SIZE, PAGE_SIZE)?;
        memory.munmap(page, PAGE_SIZE)?;
        let rw = Prot(libc::PROT_READ | libc::PROT_WRITE);
        memory.map_named(page..page + PAGE_SIZE, rw, false, "[vdso]")?;
        memory.write_bytes(page, &vdso.bytes)?;
        memory.mprotect(page, PAGE_SIZE, libc::PROT_READ | libc::PROT_EXEC)?;
        Ok(page)
    };
    map().map(|page| (page, vdso)).map_err(|errno: Errno| Reason::NoRoom { start: 0, len: PAGE_SIZE, errno })
}

/// What `/proc/self/exe` shows.
fn executable_path(program: &Program, sysroot: &Sysroot) -> PathBuf {
    let host = program.path.canonicalize().unwrap_or_else(|_| program.path.clone());
    sysroot.guest_path(&host).into_owned()
}

/// The kernel's `TASK_COMM_LEN`, less the terminating 0.
fn thread_name(program: &Path) -> OsString {
    let name = program.file_name().unwrap_or(program.as_os_str()).as_bytes();
    OsString::from_vec(name[..name.len().min(15)].to_vec())
}

/// A seed that nobody can guess.
fn random_seed() -> u64 {
    let mut bytes = [0; 8];
    // SAFETY: the buffer is valid for its length. It stays zero in the first moments after the host's boot.
    unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), libc::GRND_NONBLOCK) };
    u64::from_le_bytes(bytes)
}

/// The bytes of `AT_RANDOM`.
fn random_bytes(seed: u64) -> [u8; 16] {
    let halves = [crate::memory::random(seed, 16), crate::memory::random(seed, 17)];
    let mut bytes = [0; 16];
    for (out, half) in bytes.chunks_mut(8).zip(halves) {
        out.copy_from_slice(&half.to_le_bytes());
    }
    bytes
}
