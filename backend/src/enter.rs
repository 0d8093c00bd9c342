//! The way into translated code and out of it: the entry trampoline for x86-64 and the reasons for leaving.
//!
//! Translated functions follow Cranelift's `tail` convention: the context's address in `rdi`, a link's address in `rsi`
//! (used only by the stub of an unlinked exit), the result in `rax`. The result is a guest pc (even) at which execution
//! goes on, or an odd code from [`code`].

use std::arch::global_asm;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::context::Context;

/// Why translated code was left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// A direct exit whose target has no translation; pc is the target.
    NotTranslated,
    /// An indirect exit whose target was not found in the jump table; pc is the target.
    Indirect,
    /// A system call; pc is that of the calling instruction.
    Syscall,
    /// A memory access faulted; pc is still unknown: see [`Context::fault_host_pc`].
    Fault,
    /// Somebody asked for it; pc is where to go on.
    Interrupted,
    /// The instruction at pc traps; the number is [`mynah_ir::TrapKind`]'s discriminant.
    Trap(u8),
    /// The instruction at pc is tier 0's.
    Interpret,
}

/// Odd result codes of translated functions.
pub mod code {
    pub const NOT_TRANSLATED: u64 = 1;
    pub const SYSCALL: u64 = 3;
    pub const FAULT: u64 = 5;
    pub const INTERRUPTED: u64 = 7;
    pub const INTERPRET: u64 = 9;
    /// Bits 8 and up hold the trap's discriminant.
    pub const TRAP: u64 = 11;
}

global_asm!(
    ".pushsection .text.mynah_enter,\"ax\",@progbits",
    ".globl mynah_enter, mynah_fault_exit, mynah_unlinked",
    ".p2align 4",
    "mynah_enter:",
    "push rbp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "push rdi",
    "stmxcsr [rdi + {host_mxcsr}]",
    "ldmxcsr [rdi + {guest_mxcsr}]",
    "mov [rdi + {host_sp}], rsp",
    "mov rax, rsi",
    "xor esi, esi",
    "call rax",
    "2:",
    "pop rdi",
    "stmxcsr [rdi + {left_mxcsr}]",
    "ldmxcsr [rdi + {host_mxcsr}]",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
    "mynah_fault_exit:",
    "mov eax, {fault}",
    "jmp 2b",
    ".p2align 4",
    "mynah_unlinked:",
    "mov [rdi + {exit_link}], rsi",
    "mov eax, {not_translated}",
    "ret",
    ".popsection",
    host_mxcsr = const std::mem::offset_of!(Context, host_mxcsr),
    guest_mxcsr = const std::mem::offset_of!(Context, guest_mxcsr),
    left_mxcsr = const std::mem::offset_of!(Context, left_mxcsr),
    host_sp = const std::mem::offset_of!(Context, host_sp),
    exit_link = const std::mem::offset_of!(Context, exit_link),
    fault = const code::FAULT,
    not_translated = const code::NOT_TRANSLATED,
);

unsafe extern "C" {
    fn mynah_enter(ctx: *mut Context, entry: u64) -> u64;
    fn mynah_fault_exit();
    fn mynah_unlinked();
}

/// The address that an unlinked link holds.
pub fn unlinked_stub() -> u64 {
    mynah_unlinked as *const () as u64
}

/// Runs translated code from `entry` until it is left, and gives the reason. The state's pc is set, except for
/// [`Exit::Fault`].
///
/// # Safety
/// `entry` must be the entry of published code, and `ctx` this thread's context with a valid jump table and helpers.
pub unsafe fn enter(ctx: *mut Context, entry: u64) -> Exit {
    // SAFETY: the caller vouches for both; the trampoline keeps the host's calling convention.
    let result = unsafe { mynah_enter(ctx, entry) };
    // SAFETY: `ctx` is valid and translated code has been left, so nothing else uses it.
    let ctx = unsafe { &mut *ctx };
    ctx.state.cells[mynah_ir::state::FLAGS_CELL as usize] |= guest_flags(ctx.left_mxcsr);
    if result & 1 == 0 {
        ctx.state.set_pc(result);
        return Exit::Indirect;
    }
    match result & 0xff {
        code::NOT_TRANSLATED => Exit::NotTranslated,
        code::SYSCALL => Exit::Syscall,
        code::FAULT => Exit::Fault,
        code::INTERRUPTED => Exit::Interrupted,
        code::INTERPRET => Exit::Interpret,
        _ => Exit::Trap((result >> 8) as u8),
    }
}

/// Makes an interrupted host context continue at the trampoline's exit with [`Exit::Fault`]; for the host's fault
/// handler, when the access at `rip` was made by translated code.
pub fn abandon(ctx: &mut Context, rip: &mut u64, rsp: &mut u64) {
    ctx.fault_host_pc = *rip;
    *rip = mynah_fault_exit as *const () as u64;
    *rsp = ctx.host_sp;
}

static CODE_START: AtomicU64 = AtomicU64::new(0);
static CODE_END: AtomicU64 = AtomicU64::new(0);

/// Tells where translated code lies; there is one code cache in a process.
pub(crate) fn set_code_range(range: std::ops::Range<u64>) {
    CODE_START.store(range.start, Ordering::Relaxed);
    CODE_END.store(range.end, Ordering::Relaxed);
}

/// Whether a host pc lies in translated code. Async-signal-safe.
pub fn in_code(rip: u64) -> bool {
    (CODE_START.load(Ordering::Relaxed)..CODE_END.load(Ordering::Relaxed)).contains(&rip)
}

/// MXCSR for a guest rounding mode that x86 has (0 to 3): all exceptions masked, no sticky flag set.
pub fn mxcsr_for(frm: u8) -> u32 {
    // The guest's RNE, RTZ, RDN, RUP are x86's 0, 3, 1, 2 (Intel SDM vol. 1, 10.2.3.1).
    const RC: [u32; 4] = [0, 3, 1, 2];
    0x1f80 | RC[frm as usize & 3] << 13
}

/// The guest's accrued flags in an MXCSR value: IE, ZE, OE, UE, PE are bits 0, 2, 3, 4, 5.
#[inline(always)]
pub(crate) fn guest_flags(mxcsr: u32) -> u64 {
    let m = mxcsr as u64;
    (m & 1) << 4 | (m & 4) << 1 | (m & 8) >> 1 | (m & 0x10) >> 3 | (m & 0x20) >> 5
}
