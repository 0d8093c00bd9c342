//! What the arguments of a system call mean: enough to convert pointers, to check them and to print them.

use super::names::Names;

/// The type of one argument.
#[derive(Clone, Copy)]
pub enum Arg {
    /// A file descriptor.
    Fd,
    /// A directory file descriptor, or AT_FDCWD.
    Dir,
    /// A signed 32-bit number.
    Int,
    /// An unsigned 32-bit number.
    Uint,
    /// A signed 64-bit number.
    Long,
    /// An unsigned 64-bit number, printed in decimal.
    Size,
    /// A number printed in hexadecimal.
    Hex,
    /// File permissions, printed in octal.
    Mode,
    /// A process, thread, user or group id.
    Id,
    /// A signal number.
    Signal,
    /// A set of flags or an enumeration, printed by name.
    Flags(&'static Names),
    /// A path the kernel looks up: the sysroot and the guest's `/proc` apply. May be null.
    Path,
    /// A string that is not a path of the guest's file system. May be null.
    Str,
    /// Memory the kernel reads. May be null.
    In(Len),
    /// Memory the kernel writes. May be null.
    Out(Len),
    /// Memory the kernel reads and writes. May be null.
    InOut(Len),
    /// An array of `struct iovec` whose buffers the kernel reads; its length is the given argument.
    IovIn(usize),
    /// An array of `struct iovec` whose buffers the kernel writes; its length is the given argument.
    IovOut(usize),
    /// An array of strings that ends with a null pointer (`argv`, `envp`).
    Strings,
    /// A guest address whose extent the table does not know.
    Ptr,
}

/// How long the memory behind a pointer is.
#[derive(Clone, Copy)]
pub enum Len {
    /// A structure.
    Of(&'static Layout),
    /// A number of bytes.
    Bytes(u64),
    /// As many bytes as the given argument says.
    Arg(usize),
    /// As many elements of the given size as the given argument says.
    Times(usize, u64),
    /// As many bytes as the given argument says, and some more.
    Plus(usize, u64),
    /// As many bytes as the 32-bit number behind the given argument says (`socklen_t *`).
    Behind(usize),
    /// One byte for each page of the length in the given argument (`mincore`).
    Pages(usize),
}

/// A structure that has the same layout on guest and host, or that a handler converts.
pub struct Layout {
    /// Bytes.
    pub size: u64,
    /// Its contents as C would initialise it; the slice has `size` bytes.
    pub show: fn(&[u8]) -> String,
}

/// A system call's arguments.
pub type Args = [u64; 6];

impl Len {
    /// Bytes, as far as the arguments alone tell; `behind` reads the 32-bit number at a guest address.
    pub fn bytes(self, args: &Args, behind: impl Fn(u64) -> u32) -> u64 {
        match self {
            Len::Of(layout) => layout.size,
            Len::Bytes(bytes) => bytes,
            Len::Arg(index) => args[index],
            Len::Times(index, size) => args[index].saturating_mul(size),
            Len::Plus(index, more) => args[index].saturating_add(more),
            Len::Behind(index) => behind(args[index]).into(),
            Len::Pages(index) => args[index].div_ceil(4096),
        }
    }
}

fn words<const N: usize>(bytes: &[u8]) -> [i64; N] {
    std::array::from_fn(|i| i64::from_ne_bytes(bytes[i * 8..i * 8 + 8].try_into().expect("eight bytes")))
}

fn pair(bytes: &[u8], first: &str, second: &str) -> String {
    let [a, b] = words(bytes);
    format!("{{{first}={a}, {second}={b}}}")
}

/// `struct timespec`: seconds and nanoseconds.
pub static TIMESPEC: Layout = Layout { size: 16, show: |b| pair(b, "tv_sec", "tv_nsec") };

/// `struct timeval`: seconds and microseconds.
pub static TIMEVAL: Layout = Layout { size: 16, show: |b| pair(b, "tv_sec", "tv_usec") };

/// Two `struct timespec` (`utimensat`).
pub static TWO_TIMESPECS: Layout =
    Layout { size: 32, show: |b| format!("[{}, {}]", (TIMESPEC.show)(&b[..16]), (TIMESPEC.show)(&b[16..])) };

/// `struct itimerspec`.
pub static ITIMERSPEC: Layout = Layout {
    size: 32,
    show: |b| format!("{{it_interval={}, it_value={}}}", (TIMESPEC.show)(&b[..16]), (TIMESPEC.show)(&b[16..])),
};

/// `struct itimerval`.
pub static ITIMERVAL: Layout = Layout {
    size: 32,
    show: |b| format!("{{it_interval={}, it_value={}}}", (TIMEVAL.show)(&b[..16]), (TIMEVAL.show)(&b[16..])),
};

/// `struct rlimit64`.
pub static RLIMIT: Layout = Layout {
    size: 16,
    show: |b| {
        let limit = |value: i64| if value == -1 { "RLIM_INFINITY".to_string() } else { (value as u64).to_string() };
        let [soft, hard] = words(b);
        format!("{{rlim_cur={}, rlim_max={}}}", limit(soft), limit(hard))
    },
};

/// Two file descriptors (`pipe2`, `socketpair`).
pub static TWO_FDS: Layout = Layout {
    size: 8,
    show: |b| {
        let [both] = words(b);
        format!("[{}, {}]", both as i32, both >> 32)
    },
};

/// A 32-bit number.
pub static INT: Layout =
    Layout { size: 4, show: |b| format!("[{}]", i32::from_ne_bytes(b.try_into().expect("four bytes"))) };

/// A 64-bit number.
pub static LONG: Layout = Layout {
    size: 8,
    show: |b| {
        let [value] = words(b);
        format!("[{value}]")
    },
};

/// A signal set.
pub static SIGSET: Layout = Layout {
    size: 8,
    show: |b| {
        let [set] = words(b);
        super::names::signal_set(set as u64)
    },
};

/// The guest's `struct stat` (asm-generic/stat.h): what matters of it.
pub static STAT: Layout = Layout {
    size: 128,
    show: |b| {
        let [_, _, mode_and_links, _, _, _, size] = words(b);
        format!("{{st_mode={:#o}, st_size={size}, ...}}", mode_and_links as u32)
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_print_as_initialisers() {
        let bytes: Vec<u8> = [1i64, -1].iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!((TIMESPEC.show)(&bytes), "{tv_sec=1, tv_nsec=-1}");
        assert_eq!((RLIMIT.show)(&bytes), "{rlim_cur=1, rlim_max=RLIM_INFINITY}");
        assert_eq!((TWO_FDS.show)(&[3, 0, 0, 0, 4, 0, 0, 0]), "[3, 4]");
    }

    #[test]
    fn lengths_come_from_arguments() {
        let args = [0, 10, 4097, 0, 0, 0];
        assert_eq!(Len::Arg(1).bytes(&args, |_| 0), 10);
        assert_eq!(Len::Times(1, 8).bytes(&args, |_| 0), 80);
        assert_eq!(Len::Plus(1, 8).bytes(&args, |_| 0), 18);
        assert_eq!(Len::Pages(2).bytes(&args, |_| 0), 2);
        assert_eq!(Len::Behind(1).bytes(&args, |address| address as u32 + 1), 11);
        assert_eq!(Len::Times(1, u64::MAX).bytes(&args, |_| 0), u64::MAX);
    }
}
