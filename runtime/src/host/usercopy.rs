//! Accesses to guest memory that may fault, without signal unwinding.
//!
//! Every access is one instruction with a row in an exception table: the pc of the instruction and the pc where the host
//! continues when it faults. The SIGSEGV and SIGBUS handler asks [`fixup`] and sets the pc; nothing is unwound, so an
//! access costs its `mov` and one fused compare-and-branch. Rows are pairs of 32-bit offsets from the row itself, so the
//! section needs no relocation at start. The section is marked to be kept (`R`): the symbols at its bounds alone do
//! not keep it from a linker that collects garbage.
//!
//! How failure is reported: the fix-up code clears the register that holds the pointer and continues after the access.
//! A null pointer afterwards means that the access faulted. Nothing is ever mapped at address 0 (the kernel's
//! `mmap_min_addr`; [`Memory`](crate::memory::Memory) refuses page 0 too), so a null pointer that was given is a fault.

use std::arch::asm;

/// An access to guest memory that faulted. What the kernel said about it is in the vCPU's signal state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault;

/// One row of the exception table; both fields are relative to their own address.
#[repr(C)]
struct Row {
    access: i32,
    fixup: i32,
}

unsafe extern "C" {
    // The linker defines both for any section whose name is a C identifier.
    #[link_name = "__start_mynah_extable"]
    static TABLE_START: Row;
    #[link_name = "__stop_mynah_extable"]
    static TABLE_STOP: Row;
}

/// Where to continue when the instruction at `pc` faults, if it is one of this file's accesses.
///
/// Async-signal-safe: reads a constant table. The table is searched from its start, since the linker orders it by
/// object file: a few hundred rows, a fraction of what the signal itself costs.
pub fn fixup(pc: u64) -> Option<u64> {
    let start = &raw const TABLE_START;
    let rows = (&raw const TABLE_STOP as usize - start as usize) / size_of::<Row>();
    // SAFETY: the two symbols bound the section, which holds nothing but rows written by `guarded!`.
    let table = unsafe { std::slice::from_raw_parts(start, rows) };
    let absolute = |field: &i32| (field as *const i32 as u64).wrapping_add_signed(i64::from(*field));
    table.iter().find(|row| absolute(&row.access) == pc).map(|row| absolute(&row.fixup))
}

/// The assembly of one guarded access: the instruction, its row, and fix-up code that clears `{p}`.
macro_rules! guarded {
    ($insn:literal) => {
        guarded!($insn, "mov {p:e}, 0")
    };
    ($insn:literal, $on_fault:literal) => {
        concat!(
            "2: ",
            $insn,
            "\n3:\n",
            ".pushsection .text.mynah_fixup, \"ax\", @progbits\n",
            "4: ",
            $on_fault,
            "\njmp 3b\n",
            ".popsection\n",
            ".pushsection mynah_extable, \"aR\", @progbits\n",
            ".balign 4\n",
            ".long 2b - ., 4b - .\n",
            ".popsection"
        )
    };
}

/// `Ok(value)` unless the fix-up cleared the pointer.
#[inline(always)]
fn checked<T>(after: u64, value: T) -> Result<T, Fault> {
    if after == 0 {
        std::hint::cold_path();
        Err(Fault)
    } else {
        Ok(value)
    }
}

macro_rules! plain_accesses {
    ($($load:ident $store:ident $load_insn:literal $store_insn:literal $what:literal;)*) => {$(
        #[doc = concat!("Loads ", $what, " at any alignment, zero-extended.")]
        ///
        /// # Safety
        /// `ptr` must lie in the guest's part of the address space, mapped or not.
        #[inline(always)]
        pub unsafe fn $load(ptr: *const u8) -> Result<u64, Fault> {
            let (value, after): (u64, u64);
            // SAFETY: a fault continues at the fix-up; guest memory is no Rust object.
            unsafe {
                asm!(guarded!($load_insn), p = inout(reg) ptr as u64 => after, v = out(reg) value,
                     options(nostack, preserves_flags, readonly));
            }
            checked(after, value)
        }

        #[doc = concat!("Stores the low ", $what, " of `value` at any alignment.")]
        ///
        /// # Safety
        /// `ptr` must lie in the guest's part of the address space, mapped or not.
        #[inline(always)]
        pub unsafe fn $store(ptr: *mut u8, value: u64) -> Result<(), Fault> {
            let after: u64;
            // SAFETY: a fault continues at the fix-up; guest memory is no Rust object.
            unsafe {
                asm!(guarded!($store_insn), p = inout(reg) ptr as u64 => after, v = in(reg) value,
                     options(nostack, preserves_flags));
            }
            checked(after, ())
        }
    )*};
}

plain_accesses! {
    load_u8  store_u8  "movzx {v:e}, byte ptr [{p}]" "mov byte ptr [{p}], {v:l}"  "8 bits";
    load_u16 store_u16 "movzx {v:e}, word ptr [{p}]" "mov word ptr [{p}], {v:x}"  "16 bits";
    load_u32 store_u32 "mov {v:e}, dword ptr [{p}]"  "mov dword ptr [{p}], {v:e}" "32 bits";
    load_u64 store_u64 "mov {v}, qword ptr [{p}]"    "mov qword ptr [{p}], {v}"   "64 bits";
}

macro_rules! atomics {
    ($($swap:ident $add:ident $cas:ident $swap_insn:literal $add_insn:literal $cas_insn:literal $low:literal $what:literal;)*) => {$(
        #[doc = concat!("Atomically exchanges ", $what, "; gives the old value, zero-extended. Sequentially consistent.")]
        ///
        /// # Safety
        /// `ptr` must lie in the guest's part of the address space, mapped or not.
        #[inline(always)]
        pub unsafe fn $swap(ptr: *mut u8, value: u64) -> Result<u64, Fault> {
            let (old, after): (u64, u64);
            // SAFETY: a fault continues at the fix-up; guest memory is no Rust object.
            unsafe {
                asm!(guarded!($swap_insn), p = inout(reg) ptr as u64 => after, v = inout(reg) value => old,
                     options(nostack, preserves_flags));
            }
            checked(after, old & $low)
        }

        #[doc = concat!("Atomically adds to ", $what, "; gives the old value, zero-extended. Sequentially consistent.")]
        ///
        /// # Safety
        /// `ptr` must lie in the guest's part of the address space, mapped or not.
        #[inline(always)]
        pub unsafe fn $add(ptr: *mut u8, value: u64) -> Result<u64, Fault> {
            let (old, after): (u64, u64);
            // SAFETY: a fault continues at the fix-up; guest memory is no Rust object.
            unsafe {
                asm!(guarded!($add_insn), p = inout(reg) ptr as u64 => after, v = inout(reg) value => old,
                     options(nostack));
            }
            checked(after, old & $low)
        }

        #[doc = concat!("Atomic compare-and-swap of ", $what, "; gives the old value, zero-extended: the exchange happened \
                         exactly if it equals `expected`'s low bits. Sequentially consistent.")]
        ///
        /// # Safety
        /// `ptr` must lie in the guest's part of the address space, mapped or not.
        #[inline(always)]
        pub unsafe fn $cas(ptr: *mut u8, expected: u64, new: u64) -> Result<u64, Fault> {
            let (old, after): (u64, u64);
            // SAFETY: a fault continues at the fix-up; guest memory is no Rust object.
            unsafe {
                asm!(guarded!($cas_insn), p = inout(reg) ptr as u64 => after, v = in(reg) new,
                     inout("rax") expected => old, options(nostack));
            }
            checked(after, old & $low)
        }
    )*};
}

atomics! {
    swap_u8  add_u8  cas_u8  "xchg byte ptr [{p}], {v:l}"  "lock xadd byte ptr [{p}], {v:l}"  "lock cmpxchg byte ptr [{p}], {v:l}"  0xff "8 bits";
    swap_u16 add_u16 cas_u16 "xchg word ptr [{p}], {v:x}"  "lock xadd word ptr [{p}], {v:x}"  "lock cmpxchg word ptr [{p}], {v:x}"  0xffff "16 bits";
    swap_u32 add_u32 cas_u32 "xchg dword ptr [{p}], {v:e}" "lock xadd dword ptr [{p}], {v:e}" "lock cmpxchg dword ptr [{p}], {v:e}" 0xffff_ffff "32 bits";
    swap_u64 add_u64 cas_u64 "xchg qword ptr [{p}], {v}"   "lock xadd qword ptr [{p}], {v}"   "lock cmpxchg qword ptr [{p}], {v}"   0xffff_ffff_ffff_ffff "64 bits";
}

macro_rules! updates {
    ($($update:ident $load:ident $cas:ident $what:literal;)*) => {$(
        #[doc = concat!("Atomically replaces ", $what, " by `f` of the old value (zero-extended); gives the old value.")]
        ///
        /// # Safety
        /// `ptr` must lie in the guest's part of the address space, mapped or not.
        #[inline(always)]
        pub unsafe fn $update(ptr: *mut u8, f: impl Fn(u64) -> u64) -> Result<u64, Fault> {
            // SAFETY: as the caller promises.
            let mut old = unsafe { $load(ptr) }?;
            loop {
                // SAFETY: as above.
                let seen = unsafe { $cas(ptr, old, f(old)) }?;
                if seen == old {
                    return Ok(old);
                }
                old = seen;
            }
        }
    )*};
}

updates! {
    update_u8  load_u8  cas_u8  "8 bits";
    update_u16 load_u16 cas_u16 "16 bits";
    update_u32 load_u32 cas_u32 "32 bits";
    update_u64 load_u64 cas_u64 "64 bits";
}

/// Atomic compare-and-swap of 16 bytes (halves: low first); gives the old value. `ptr` must be 16-byte aligned, as the
/// guest's own instruction demands: the host raises #GP (SIGSEGV, a [`Fault`] here) otherwise.
///
/// # Safety
/// `ptr` must lie in the guest's part of the address space, mapped or not.
#[inline(always)]
pub unsafe fn cas_u128(ptr: *mut u8, expected: [u64; 2], new: [u64; 2]) -> Result<[u64; 2], Fault> {
    let (low, high, after): (u64, u64, u64);
    // The compiler keeps rbx for itself, so the low half of the new value gets there by an exchange, and rbx its own
    // value back after the access, faulted or not.
    // SAFETY: a fault continues at the fix-up; guest memory is no Rust object. rbx is restored.
    unsafe {
        asm!("xchg rbx, {new_low}",
             guarded!("lock cmpxchg16b xmmword ptr [{p}]"),
             "mov rbx, {new_low}",
             p = inout(reg) ptr as u64 => after, new_low = inout(reg) new[0] => _, in("rcx") new[1],
             inout("rax") expected[0] => low, inout("rdx") expected[1] => high, options(nostack));
    }
    checked(after, [low, high])
}

/// Copies `len` bytes between host and guest memory; gives how many bytes at the end were not copied, 0 if all were.
///
/// # Safety
/// One side must be valid for `len` bytes; the other must lie in the guest's part of the address space.
#[inline]
unsafe fn copy(dst: *mut u8, src: *const u8, len: usize) -> usize {
    let left: usize;
    // SAFETY: the host side is valid as the caller promises; the guest side may fault, which continues after the
    // instruction with rcx counting what is left.
    unsafe {
        asm!(guarded!("rep movsb", "nop"), inout("rcx") len => left, inout("rdi") dst => _, inout("rsi") src => _,
             options(nostack, preserves_flags));
    }
    left
}

/// Copies from guest memory; gives the number of bytes that were not read, 0 if all were.
///
/// # Safety
/// `src` and the `dst.len()` bytes after it must lie in the guest's part of the address space, mapped or not.
#[inline]
pub unsafe fn copy_in(dst: &mut [u8], src: *const u8) -> usize {
    // SAFETY: `dst` is a slice; `src` is as the caller promises.
    unsafe { copy(dst.as_mut_ptr(), src, dst.len()) }
}

/// Copies to guest memory; gives the number of bytes that were not written, 0 if all were.
///
/// # Safety
/// `dst` and the `src.len()` bytes after it must lie in the guest's part of the address space, mapped or not.
#[inline]
pub unsafe fn copy_out(dst: *mut u8, src: &[u8]) -> usize {
    // SAFETY: `src` is a slice; `dst` is as the caller promises.
    unsafe { copy(dst, src.as_ptr(), src.len()) }
}

/// Fills guest memory with zeros; gives the number of bytes that were not written, 0 if all were.
///
/// # Safety
/// `dst` and the `len` bytes after it must lie in the guest's part of the address space, mapped or not.
pub unsafe fn zero(dst: *mut u8, len: usize) -> usize {
    let left: usize;
    // SAFETY: a fault continues after the instruction with rcx counting what is left.
    unsafe {
        asm!(guarded!("rep stosb", "nop"), inout("rcx") len => left, inout("rdi") dst => _, in("al") 0u8,
             options(nostack, preserves_flags));
    }
    left
}

/// Length of the string at `ptr` without its terminating 0, at most `max`: `max` if there is no 0 among the first `max`
/// bytes.
///
/// # Safety
/// `ptr` must lie in the guest's part of the address space, mapped or not.
pub unsafe fn strnlen(ptr: *const u8, max: usize) -> Result<usize, Fault> {
    let mut len = 0;
    // Whole words where they cannot touch a page that the string does not: at aligned addresses.
    while len < max {
        // SAFETY: as the caller promises; bytes before this one were not 0, so the string extends to here.
        let at = unsafe { ptr.add(len) };
        let step = if at as usize % 8 == 0 {
            // SAFETY: an aligned word lies in the page of its first byte.
            let word = unsafe { load_u64(at) }?;
            // The lowest set bit marks the lowest byte that is 0.
            let zeros = word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080;
            if zeros != 0 {
                return Ok((len + zeros.trailing_zeros() as usize / 8).min(max));
            }
            8
        } else {
            // SAFETY: as the caller promises.
            if unsafe { load_u8(at) }? == 0 {
                return Ok(len);
            }
            1
        };
        len += step;
    }
    Ok(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_access_has_a_row_and_moves_the_right_bits() {
        let mut bytes = [0x11u8, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99];
        let p = bytes.as_mut_ptr();
        // SAFETY: the pointer is that of a live array, and every access stays in it.
        unsafe {
            assert_eq!(load_u8(p), Ok(0x11));
            assert_eq!(load_u16(p.add(1)), Ok(0x3322));
            assert_eq!(load_u32(p.add(1)), Ok(0x5544_3322));
            assert_eq!(load_u64(p.add(1)), Ok(0x9988_7766_5544_3322));
            store_u8(p, 0xabcd).unwrap();
            store_u16(p.add(1), 0x1_0203).unwrap();
            assert_eq!(bytes[..4], [0xcd, 0x03, 0x02, 0x44]);
        }
        assert_eq!(fixup(0), None);
    }

    #[test]
    fn atomics_give_the_old_value_of_their_width() {
        let mut cell = [0u8; 8];
        let p = cell.as_mut_ptr();
        // SAFETY: the pointer is that of a live array, and every access stays in it.
        unsafe {
            store_u64(p, 0xffff_ffff_ffff_ff05).unwrap();
            assert_eq!(add_u8(p, 0xfe), Ok(0x05));
            assert_eq!(load_u64(p), Ok(0xffff_ffff_ffff_ff03));
            assert_eq!(swap_u16(p, 0x1234), Ok(0xff03));
            assert_eq!(cas_u32(p, 0xffff_1234, 7), Ok(0xffff_1234));
            assert_eq!(cas_u64(p, 1, 2), Ok(0xffff_ffff_0000_0007));
            assert_eq!(update_u64(p, |v| v | 8), Ok(0xffff_ffff_0000_0007));
            assert_eq!(load_u64(p), Ok(0xffff_ffff_0000_000f));
        }
    }

    #[test]
    fn cas128_compares_both_halves() {
        #[repr(align(16))]
        struct Cell([u64; 2]);
        let mut cell = Cell([1, 2]);
        let p = cell.0.as_mut_ptr().cast::<u8>();
        // SAFETY: the pointer is that of a live, aligned array.
        unsafe {
            assert_eq!(cas_u128(p, [1, 3], [5, 6]), Ok([1, 2]));
            assert_eq!(cas_u128(p, [1, 2], [5, 6]), Ok([1, 2]));
        }
        assert_eq!(cell.0, [5, 6]);
    }

    #[test]
    fn strnlen_stops_at_zero_and_at_the_limit() {
        let text = b"0123456789abcdefghij\0rest of it";
        for start in 0..20 {
            // SAFETY: the string lies in a static that is longer than any aligned word read here.
            unsafe {
                let p = text.as_ptr().add(start);
                assert_eq!(strnlen(p, 100), Ok(20 - start));
                assert_eq!(strnlen(p, 3), Ok(3.min(20 - start)));
            }
        }
    }
}
