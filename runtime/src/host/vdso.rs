//! The host's own vDSO, where libc does not reach it: `__vdso_getrandom` (Linux 6.11; glibc uses it since 2.41).

use std::sync::OnceLock;

use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSymbol};

/// `ssize_t __vdso_getrandom(void *buffer, size_t len, unsigned int flags, void *opaque_state, size_t opaque_len)`.
type GetRandom = unsafe extern "C" fn(*mut u8, usize, u32, *mut u8, usize) -> isize;

/// What the vDSO says about its states (`struct vgetrandom_opaque_params`).
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Parameters {
    size: u32,
    prot: u32,
    flags: u32,
    reserved: [u32; 13],
}

/// The function, and how to allocate a state for it; `None` on hosts without it.
static FOUND: OnceLock<Option<(GetRandom, Parameters)>> = OnceLock::new();

fn find() -> Option<(GetRandom, Parameters)> {
    // SAFETY: asks for a number.
    let base = unsafe { libc::getauxval(libc::AT_SYSINFO_EHDR) };
    if base == 0 {
        return None;
    }
    let start: *const u8 = std::ptr::with_exposed_provenance(base as usize);
    // SAFETY: the kernel maps its vDSO there, a page at least, for as long as the process lives.
    let head = unsafe { std::slice::from_raw_parts(start, 64) };
    let word = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().expect("eight bytes"));
    let half = |at: usize| u64::from(u16::from_le_bytes([head[at], head[at + 1]]));
    // The file ends with its section headers.
    let size = word(40) + half(58) * half(60);
    // SAFETY: the whole file is mapped, read-only.
    let file = unsafe { std::slice::from_raw_parts(start, size as usize) };
    let elf = ElfFile64::<Endianness>::parse(file).ok()?;
    let symbol = elf.dynamic_symbols().find(|symbol| symbol.name() == Ok("__vdso_getrandom"))?;
    let address: *const u8 = std::ptr::with_exposed_provenance((base + symbol.address()) as usize);
    // SAFETY: the symbol names a function with this signature (`include/vdso/getrandom.h`).
    let function: GetRandom = unsafe { std::mem::transmute(address) };
    let mut parameters = Parameters::default();
    // SAFETY: with this size and no buffer the function writes the parameters and nothing else.
    let result = unsafe { function(std::ptr::null_mut(), 0, 0, (&raw mut parameters).cast(), usize::MAX) };
    (result == 0).then_some((function, parameters))
}

/// A thread's state of the host's random numbers. The kernel empties it at a fork, so a copy never repeats anything.
#[derive(Debug, Default)]
pub struct Random {
    /// The mapping; null until it is used.
    state: Option<std::ptr::NonNull<u8>>,
}

impl Random {
    /// Fills `bytes` without entering the kernel, most of the time; `None` if that is not possible or fails.
    pub fn fill(&mut self, bytes: &mut [u8], flags: u32) -> Option<()> {
        let (function, parameters) = (*FOUND.get_or_init(find))?;
        let state = match self.state {
            Some(state) => state,
            None => *self.state.insert(allocate(&parameters)?),
        };
        let size = parameters.size as usize;
        // SAFETY: the buffer is valid for its length, and the state is this thread's alone.
        let filled = unsafe { function(bytes.as_mut_ptr(), bytes.len(), flags, state.as_ptr(), size) };
        (filled == bytes.len() as isize).then_some(())
    }
}

fn allocate(parameters: &Parameters) -> Option<std::ptr::NonNull<u8>> {
    let (prot, flags) = (parameters.prot as i32, parameters.flags as i32);
    // SAFETY: a fresh mapping.
    let got = unsafe { libc::mmap(std::ptr::null_mut(), parameters.size as usize, prot, flags, -1, 0) };
    if got == libc::MAP_FAILED { None } else { std::ptr::NonNull::new(got.cast()) }
}

impl Drop for Random {
    fn drop(&mut self) {
        if let (Some(state), Some(Some((_, parameters)))) = (self.state, FOUND.get()) {
            // SAFETY: made by `allocate`, and used no more.
            unsafe { libc::munmap(state.as_ptr().cast(), parameters.size as usize) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_differ_each_time_where_the_host_has_them() {
        let (mut random, mut other) = (Random::default(), Random::default());
        let (mut first, mut second, mut third) = ([0u8; 32], [0u8; 32], [0u8; 32]);
        if random.fill(&mut first, 0).is_none() {
            assert!(find().is_none(), "the function is there, but fails");
            return;
        }
        random.fill(&mut second, 0).expect("as before");
        other.fill(&mut third, 0).expect("as before");
        assert!(first != second && second != third && first != [0; 32]);
    }
}
