//! The host kernel's system calls, without libc in between.
//!
//! libc hides the signals it keeps for itself and rewrites arguments; guests use all 64 signals and the plain calls.

use std::arch::global_asm;
use std::sync::atomic::AtomicU32;

/// What [`blocking_syscall`] gives when a signal has to be handled before the kernel is entered (the kernel's own
/// ERESTARTSYS, which it never shows to programs).
pub const ERESTARTSYS: i64 = 512;

// A signal that arrives just before a blocking call must not be slept through. Between looking at `exit_request` and
// the `syscall` instruction lies a window of pcs; the host's signal handler moves a pc in that window to the label
// `interrupted` (see `interrupt`). The kernel rewinds to the `syscall` instruction when it wants a call to be
// restarted after the handler, and this is again a pc in the window: so the caller learns from -ERESTARTSYS that the
// kernel has done nothing yet, whether or not it was entered.
//
// rdi: *const AtomicU32, rsi: number, rdx: *const [u64; 6].
global_asm!(
    ".pushsection .text.mynah_blocking_syscall, \"ax\", @progbits",
    ".balign 16",
    // Rust may put the callers in other object files than this; hidden, so that the addresses stay relative.
    ".globl mynah_blocking_syscall, mynah_blocking_window, mynah_blocking_enter, mynah_blocking_interrupted",
    ".hidden mynah_blocking_syscall, mynah_blocking_window, mynah_blocking_enter, mynah_blocking_interrupted",
    ".type mynah_blocking_syscall, @function",
    "mynah_blocking_syscall:",
    "mov rcx, rdi",
    "mov eax, esi",
    "mov r11, rdx",
    "mov rdi, [r11]",
    "mov rsi, [r11 + 8]",
    "mov rdx, [r11 + 16]",
    "mov r10, [r11 + 24]",
    "mov r8, [r11 + 32]",
    "mov r9, [r11 + 40]",
    "mynah_blocking_window:",
    "cmp dword ptr [rcx], 0",
    "jne mynah_blocking_interrupted",
    "mynah_blocking_enter:",
    "syscall",
    "ret",
    "mynah_blocking_interrupted:",
    "mov rax, -{restart}",
    "ret",
    ".size mynah_blocking_syscall, . - mynah_blocking_syscall",
    ".popsection",
    restart = const ERESTARTSYS,
);

unsafe extern "C" {
    fn mynah_blocking_syscall(exit_request: *const AtomicU32, number: u32, args: *const [u64; 6]) -> i64;
    static mynah_blocking_window: u8;
    static mynah_blocking_enter: u8;
    static mynah_blocking_interrupted: u8;
}

/// Makes a system call that does not wait. Gives the result register: a value, or an error as -4095..=-1.
///
/// # Safety
/// As for the call that is made.
#[inline]
pub unsafe fn syscall(number: i64, args: [u64; 6]) -> i64 {
    let result: i64;
    // SAFETY: the kernel's calling convention; what the call does is the caller's promise.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") args[0],
            in("rsi") args[1],
            in("rdx") args[2],
            in("r10") args[3],
            in("r8") args[4],
            in("r9") args[5],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// Makes a system call that may wait, or that must not happen while a signal is to be handled first.
///
/// Gives -[`ERESTARTSYS`] if `exit_request` was set before the kernel was entered, or if the kernel wants to restart the
/// call after a handler with SA_RESTART; else the result register. -EINTR is the kernel's and final: host handlers carry
/// the guest's own SA_RESTART, so the kernel has already decided.
///
/// # Safety
/// As for the call that is made.
#[inline]
pub unsafe fn blocking_syscall(exit_request: &AtomicU32, number: i64, args: [u64; 6]) -> i64 {
    // SAFETY: both pointers outlive the call; what the call does is the caller's promise.
    unsafe { mynah_blocking_syscall(exit_request, number as u32, &args) }
}

/// Where a host signal handler has to continue instead of at `pc` so that no blocking call sleeps through the signal.
pub fn interrupt(pc: u64) -> u64 {
    let window = &raw const mynah_blocking_window as u64..=&raw const mynah_blocking_enter as u64;
    if window.contains(&pc) { &raw const mynah_blocking_interrupted as u64 } else { pc }
}

/// Whether `pc` is where a call of [`blocking_syscall`] comes back from the kernel.
pub fn is_return(pc: u64) -> bool {
    // The `syscall` instruction has two bytes.
    pc == &raw const mynah_blocking_enter as u64 + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_call_gives_value_and_error() {
        // SAFETY: neither call touches memory.
        let (pid, bad) = unsafe { (syscall(libc::SYS_getpid, [0; 6]), syscall(libc::SYS_close, [u64::MAX; 6])) };
        assert_eq!(pid as u32, std::process::id());
        assert_eq!(bad, -i64::from(libc::EBADF));
    }

    #[test]
    fn a_requested_exit_keeps_the_kernel_out() {
        let mut fds = [0i32; 2];
        let args = [fds.as_mut_ptr() as u64, 0, 0, 0, 0, 0];
        // SAFETY: the array outlives the calls.
        let (refused, made) = unsafe {
            let refused = blocking_syscall(&AtomicU32::new(1), libc::SYS_pipe2, args);
            (refused, blocking_syscall(&AtomicU32::new(0), libc::SYS_pipe2, args))
        };
        assert_eq!((refused, made), (-ERESTARTSYS, 0));
        assert!(fds.iter().all(|&fd| fd > 2));
    }

    #[test]
    fn window_ends_with_the_instruction_that_enters() {
        let (window, enter) = (&raw const mynah_blocking_window as u64, &raw const mynah_blocking_enter as u64);
        let interrupted = &raw const mynah_blocking_interrupted as u64;
        assert_eq!(interrupt(window), interrupted);
        assert_eq!(interrupt(enter), interrupted);
        assert_eq!(interrupt(enter + 2), enter + 2, "after the call its result counts");
        assert_eq!(interrupt(window - 1), window - 1);
    }
}
