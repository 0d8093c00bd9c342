//! The stack of a new program as the kernel builds it (`fs/exec.c`, `create_elf_tables` in `fs/binfmt_elf.c`).
//!
//! ```text
//! high   8 zero bytes
//!        name of the program, environment strings, argument strings      each ends with a 0
//!        16 random bytes (AT_RANDOM)
//!        padding to 16
//!        auxiliary vector: pairs, the last is AT_NULL
//!        environment pointers, 0
//!        argument pointers, 0
//! sp     argument count                                                    16-byte aligned
//! ```

use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;

/// A stack to write at `sp`, up to its top.
#[derive(Debug)]
pub struct Stack {
    /// Guest address of the first byte.
    pub sp: u64,
    /// What lies there.
    pub bytes: Vec<u8>,
    /// Addresses of the argument strings.
    pub arguments: Range<u64>,
    /// Addresses of the environment strings.
    pub environment: Range<u64>,
    /// The auxiliary vector's bytes.
    pub auxv: Vec<u8>,
}

/// Builds the stack that ends at `top`. `auxv` is completed by `AT_RANDOM`, `AT_EXECFN` and `AT_NULL`.
///
/// Strings end at a 0 inside them: the guest could not see what follows.
pub fn build(
    top: u64,
    argv: &[OsString],
    env: &[OsString],
    name: &OsStr,
    random: [u8; 16],
    auxv: &[(u64, u64)],
) -> Stack {
    let mut strings = Strings { bytes: Vec::new(), start: 0 };
    // Laid out upwards from an address that is known only when the total is: places first, addresses afterwards.
    let random_at = strings.push_bytes(&random);
    let argument_offsets: Vec<u64> = argv.iter().map(|word| strings.push(word)).collect();
    let environment_at = strings.len();
    let environment_offsets: Vec<u64> = env.iter().map(|word| strings.push(word)).collect();
    let name_at = strings.push(name);
    strings.push_bytes(&[0; 8]);
    strings.start = (top - strings.len()) & !15;

    let mut auxv: Vec<(u64, u64)> = auxv.to_vec();
    auxv.push((libc::AT_RANDOM, strings.address(random_at)));
    auxv.push((libc::AT_EXECFN, strings.address(name_at)));
    auxv.push((libc::AT_NULL, 0));
    let mut words = vec![argv.len() as u64];
    words.extend(argument_offsets.iter().map(|&offset| strings.address(offset)).chain([0]));
    words.extend(environment_offsets.iter().map(|&offset| strings.address(offset)).chain([0]));
    let auxv: Vec<u64> = auxv.iter().flat_map(|&(kind, value)| [kind, value]).collect();
    words.extend(&auxv);

    let sp = (strings.start - words.len() as u64 * 8) & !15;
    let mut bytes = to_bytes(&words);
    bytes.resize((strings.start - sp) as usize, 0);
    let (arguments, environment) = (strings.address(16), strings.address(environment_at));
    let (arguments, environment) = (arguments..environment, environment..strings.address(name_at));
    bytes.extend(strings.bytes);
    Stack { sp, bytes, arguments, environment, auxv: to_bytes(&auxv) }
}

/// Strings one after the other.
struct Strings {
    bytes: Vec<u8>,
    start: u64,
}

impl Strings {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
    fn address(&self, offset: u64) -> u64 {
        self.start + offset
    }
    /// Appends bytes; gives their offset.
    fn push_bytes(&mut self, bytes: &[u8]) -> u64 {
        let at = self.len();
        self.bytes.extend_from_slice(bytes);
        at
    }
    /// Appends a string and its terminating 0; gives its offset.
    fn push(&mut self, string: &OsStr) -> u64 {
        let at = self.push_bytes(string.as_bytes().split(|&byte| byte == 0).next().unwrap_or_default());
        self.bytes.push(0);
        at
    }
}

/// Words in the guest's byte order.
fn to_bytes(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Bytes that [`build`] needs for strings, pointers included: what the kernel limits to a quarter of the stack.
pub fn argument_size(argv: &[OsString], env: &[OsString]) -> u64 {
    argv.iter().chain(env).map(|word| word.len() as u64 + 1 + 8).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a built stack as a program would.
    struct Reader<'a>(&'a Stack);

    impl Reader<'_> {
        fn word(&self, addr: u64) -> u64 {
            let at = (addr - self.0.sp) as usize;
            u64::from_le_bytes(self.0.bytes[at..at + 8].try_into().unwrap())
        }
        fn string(&self, addr: u64) -> &str {
            let rest = &self.0.bytes[(addr - self.0.sp) as usize..];
            std::str::from_utf8(rest.split(|&b| b == 0).next().unwrap()).unwrap()
        }
    }

    fn words(list: &[&str]) -> Vec<OsString> {
        list.iter().map(Into::into).collect()
    }

    #[test]
    fn a_program_finds_its_arguments() {
        for extra in 0..8 {
            let argv = words(&["a", "bc", "", &"x".repeat(extra)]);
            let env = words(&["HOME=/", "B=2"]);
            let top = 0x3f_ffff_f000;
            let stack = build(top, &argv, &env, OsStr::new("/bin/a"), [7; 16], &[(6, 4096), (9, 0x1234)]);
            assert_eq!(stack.sp % 16, 0);
            assert!(stack.sp + stack.bytes.len() as u64 <= top);
            let read = Reader(&stack);
            assert_eq!(read.word(stack.sp), 4);
            let at = |index: u64| read.word(stack.sp + 8 * index);
            let found: Vec<&str> = (1..=4).map(|index| read.string(at(index))).collect();
            assert_eq!(found, ["a", "bc", "", &"x".repeat(extra)]);
            assert_eq!((at(5), at(8)), (0, 0));
            assert_eq!((read.string(at(6)), read.string(at(7))), ("HOME=/", "B=2"));
            assert_eq!([at(9), at(10), at(11), at(12)], [6, 4096, 9, 0x1234]);
            assert_eq!(at(13), libc::AT_RANDOM);
            assert_eq!(read.word(at(14)), u64::from_le_bytes([7; 8]));
            assert_eq!((at(15), read.string(at(16))), (libc::AT_EXECFN, "/bin/a"));
            assert_eq!((at(17), at(18)), (libc::AT_NULL, 0));
            assert_eq!(stack.auxv.len(), 5 * 16);
            assert_eq!((stack.arguments.start, stack.arguments.end), (at(1), stack.environment.start));
            assert_eq!((stack.environment.start, stack.environment.end), (at(6), at(16)));
        }
    }

    #[test]
    fn an_empty_vector_is_still_terminated() {
        let stack = build(0x10000, &[], &[], OsStr::new("x"), [0; 16], &[]);
        let read = Reader(&stack);
        assert_eq!((0..3).map(|i| read.word(stack.sp + 8 * i)).collect::<Vec<_>>(), [0, 0, 0]);
    }
}
