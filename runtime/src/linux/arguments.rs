//! What the arguments of a system call mean: enough to convert pointers, to check them and to print them.

use super::names::{self, Names};

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
    /// A path whose last part is meant itself: a symbolic link there is not followed, unless AT_SYMLINK_FOLLOW is given.
    Name,
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
    /// An array of strings that ends with a null pointer (`argv`).
    Strings,
    /// The same for an environment, of which only the length is printed.
    Environment,
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
    /// As many structures as the given argument says.
    Each(usize, &'static Layout),
    /// A socket address of as many bytes as the given argument says.
    Address(usize),
    /// A socket address of as many bytes as the 32-bit number behind the given argument says.
    AddressBehind(usize),
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
            Len::Arg(index) | Len::Address(index) => args[index],
            Len::Times(index, size) => args[index].saturating_mul(size),
            Len::Each(index, layout) => args[index].saturating_mul(layout.size),
            Len::Plus(index, more) => args[index].saturating_add(more),
            Len::Behind(index) | Len::AddressBehind(index) => behind(args[index]).into(),
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
        names::signal_set(set as u64)
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

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

/// `struct pollfd`.
pub static POLLFD: Layout = Layout {
    size: 8,
    show: |b| {
        let events = |at| names::POLL.show(u16_at(b, at).into());
        format!("{{fd={}, events={}, revents={}}}", u32_at(b, 0) as i32, events(4), events(6))
    },
};

/// The guest's `struct epoll_event`.
pub static EPOLL_EVENT: Layout = Layout {
    size: 16,
    show: |b| {
        let [_, data] = words(b);
        format!("{{events={}, data={data:#x}}}", names::EPOLL_EVENTS.show(u32_at(b, 0).into()))
    },
};

/// The guest's `struct sigaction`.
pub static SIGACTION: Layout = Layout {
    size: 24,
    show: |b| {
        let [handler, flags, mask] = words(b);
        let handler = match handler {
            0 => "SIG_DFL".to_string(),
            1 => "SIG_IGN".to_string(),
            at => format!("{at:#x}"),
        };
        let (flags, mask) = (names::SA.show(flags as u32 as u64), names::signal_set(mask as u64));
        format!("{{sa_handler={handler}, sa_flags={flags}, sa_mask={mask}}}")
    },
};

/// `stack_t`.
pub static STACK: Layout = Layout {
    size: 24,
    show: |b| {
        let [base, flags, size] = words(b);
        format!("{{ss_sp={base:#x}, ss_flags={:#x}, ss_size={size}}}", flags as u32)
    },
};

/// `struct msghdr`.
pub static MSGHDR: Layout = Layout {
    size: 56,
    show: |b| {
        let [name, name_length, vector, vector_length, control, control_length, flags] = words(b);
        format!(
            "{{msg_name={name:#x}, msg_namelen={}, msg_iov={vector:#x}, msg_iovlen={vector_length}, \
             msg_control={control:#x}, msg_controllen={control_length}, msg_flags={}}}",
            name_length as u32,
            names::MSG.show(flags as u32 as u64),
        )
    },
};

/// A socket address of any family, as far as it is there.
pub fn socket_address(bytes: &[u8]) -> String {
    let Some(family) = bytes.first_chunk::<2>().map(|family| u16::from_ne_bytes(*family)) else {
        return "{}".to_string();
    };
    let port = || u16::from_be_bytes([bytes[2], bytes[3]]);
    let name = names::AF.show(family.into());
    match i32::from(family) {
        libc::AF_UNIX => format!("{{{name}, {:?}}}", unix_path(&bytes[2..])),
        libc::AF_INET if bytes.len() >= 8 => {
            format!("{{{name}, {}.{}.{}.{}:{}}}", bytes[4], bytes[5], bytes[6], bytes[7], port())
        }
        libc::AF_INET6 if bytes.len() >= 24 => {
            let address: [u8; 16] = bytes[8..24].try_into().expect("sixteen bytes");
            format!("{{{name}, [{}]:{}}}", std::net::Ipv6Addr::from(address), port())
        }
        _ => format!("{{{name}, ...}}"),
    }
}

/// A path up to its 0; abstract names, which begin with one, with `@` instead.
fn unix_path(bytes: &[u8]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match bytes {
        [0, name @ ..] => format!("@{}", text(name)),
        path => text(path.split(|&byte| byte == 0).next().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_print_as_initialisers() {
        let bytes: Vec<u8> = [1i64, -1].iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!((TIMESPEC.show)(&bytes), "{tv_sec=1, tv_nsec=-1}");
        assert_eq!((RLIMIT.show)(&bytes), "{rlim_cur=1, rlim_max=RLIM_INFINITY}");
        assert_eq!((TWO_FDS.show)(&[3, 0, 0, 0, 4, 0, 0, 0]), "[3, 4]");
        assert_eq!((POLLFD.show)(&[3, 0, 0, 0, 1, 0, 4, 0]), "{fd=3, events=POLLIN, revents=POLLOUT}");
    }

    #[test]
    fn socket_addresses_print_by_family() {
        assert_eq!(socket_address(&[2, 0, 0, 80, 127, 0, 0, 1, 0, 0]), "{AF_INET, 127.0.0.1:80}");
        assert_eq!(socket_address(&[2, 0, 0, 80]), "{AF_INET, ...}");
        assert_eq!(socket_address(b"\x01\0/tmp/s\0\0"), "{AF_UNIX, \"/tmp/s\"}");
        assert_eq!(socket_address(b"\x01\0\0name"), "{AF_UNIX, \"@name\"}");
        assert_eq!(socket_address(&[]), "{}");
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
