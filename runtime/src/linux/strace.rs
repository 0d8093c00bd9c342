//! Prints system calls, one line each: `PID name(arguments) = result`.
//!
//! Everything comes from the table's argument types. What the kernel reads is rendered before the call, what it writes after
//! it. A call that does not come back (`exit`, `execve`) is printed before it is made.

use std::fmt::Write;

use super::arguments::{Arg, Args, Len, socket_address};
use super::names::{self, Names};
use super::table::Row;
use super::{Errno, Outcome};
use crate::memory::{GuestAddr, Memory};
use crate::vcpu::Vcpu;

/// Bytes of a buffer that are shown.
const SHOWN: u64 = 32;
/// Bytes of a path that are shown.
const SHOWN_PATH: usize = 4096;
/// Strings of an `argv` that are shown.
const SHOWN_STRINGS: u64 = 16;
/// Structures of an array that are shown.
const SHOWN_ELEMENTS: u64 = 4;
/// Bytes of the longest socket address (`struct sockaddr_storage`).
const MOST_ADDRESS: u64 = 128;

/// A call that was begun.
pub struct Call {
    row: &'static Row,
    args: Args,
    /// One entry per argument; `None` for memory that the kernel writes.
    rendered: Vec<Option<String>>,
}

impl Call {
    /// Renders what is known before the call; prints it if the call may not return.
    pub fn begin(vcpu: &Vcpu, row: &'static Row, args: &Args) -> Call {
        let memory = &vcpu.process.memory;
        let before = |index: usize| match row.args[index] {
            Arg::Out(_) | Arg::InOut(_) | Arg::IovOut(_) => None,
            _ => Some(render(memory, row, args, index, u64::MAX)),
        };
        let shown = (0..row.args.len()).filter(|&index| !unused(row, args, index));
        let call = Call { row, args: *args, rendered: shown.map(before).collect() };
        if matches!(row.name, "exit" | "exit_group" | "execve" | "execveat" | "rt_sigreturn") {
            print(&format!("{} = ?", call.text(vcpu, 0)));
        }
        call
    }

    /// Prints the call with its result.
    pub fn end(self, vcpu: &Vcpu, outcome: &Outcome) {
        let result = match outcome {
            Outcome::Return(value) => value_text(self.row, *value),
            Outcome::Errno(errno) => error_text(*errno),
            Outcome::RestartAlways | Outcome::Restart | Outcome::RestartNoHandler => {
                "? (interrupted by a signal)".to_string()
            }
            Outcome::NoReturn | Outcome::Exit(_) => return,
        };
        let written = if let Outcome::Return(value) = outcome { *value } else { 0 };
        let returned = matches!(outcome, Outcome::Return(_));
        let text = if returned { self.text(vcpu, written) } else { self.text_failed(vcpu) };
        print(&format!("{text} = {result}"));
    }

    /// `PID name(arguments)`; `written` is the call's result, which for reads is how much there is to show.
    fn text(&self, vcpu: &Vcpu, written: u64) -> String {
        let memory = &vcpu.process.memory;
        self.line(vcpu, |index| render(memory, self.row, &self.args, index, written))
    }

    /// The same after an error: nothing was written, so addresses are shown.
    fn text_failed(&self, vcpu: &Vcpu) -> String {
        self.line(vcpu, |index| address(self.args[index]))
    }

    fn line(&self, vcpu: &Vcpu, late: impl Fn(usize) -> String) -> String {
        let text = |(index, early): (usize, &Option<String>)| early.clone().unwrap_or_else(|| late(index));
        let arguments: Vec<String> = self.rendered.iter().enumerate().map(text).collect();
        format!("{} {}({})", vcpu.tid, self.row.name, arguments.join(", "))
    }
}

/// Prints a call that has no row.
pub fn unknown(vcpu: &Vcpu, number: u64, args: &Args) {
    let arguments: Vec<String> = args.iter().map(|&arg| address(arg)).collect();
    let error = error_text(Errno::ENOSYS);
    print(&format!("{} syscall_{number}({}) = {error}", vcpu.tid, arguments.join(", ")));
}

fn print(line: &str) {
    crate::host::log::write(format!("{line}\n").as_bytes());
}

/// Whether the guest leaves this argument out: `open`'s mode when nothing is created.
fn unused(row: &Row, args: &Args, index: usize) -> bool {
    let creates = |flags: u64| flags & (libc::O_CREAT | libc::O_TMPFILE & !libc::O_DIRECTORY) as u64 != 0;
    row.name == "openat" && index == 3 && !creates(args[2])
}

fn value_text(row: &Row, value: u64) -> String {
    match row.name {
        "brk" | "mmap" | "mremap" | "shmat" => format!("{value:#x}"),
        _ => (value as i64).to_string(),
    }
}

fn error_text(errno: Errno) -> String {
    format!("-1 {errno:?} ({errno})")
}

fn address(value: u64) -> String {
    if value == 0 { "NULL".to_string() } else { format!("{value:#x}") }
}

/// One argument; `limit` bounds the bytes shown of a buffer.
fn render(memory: &Memory, row: &Row, args: &Args, index: usize, limit: u64) -> String {
    let value = args[index];
    match row.args[index] {
        Arg::Fd | Arg::Int | Arg::Id => (value as i32).to_string(),
        Arg::Dir if value as i32 == libc::AT_FDCWD => "AT_FDCWD".to_string(),
        Arg::Dir => (value as i32).to_string(),
        Arg::Uint => (value as u32).to_string(),
        Arg::Long => (value as i64).to_string(),
        Arg::Size => value.to_string(),
        Arg::Hex => format!("{value:#x}"),
        Arg::Mode => format!("{:#o}", value as u32),
        Arg::Signal => names::signal(value),
        Arg::Flags(set) => flags(set, value),
        Arg::Path | Arg::Name | Arg::Str => string(memory, value),
        Arg::Strings => strings(memory, value),
        Arg::Environment => environment(memory, value),
        Arg::In(len) | Arg::InOut(len) => buffer(memory, args, value, len, u64::MAX),
        Arg::Out(len) => buffer(memory, args, value, len, limit),
        Arg::IovIn(count) | Arg::IovOut(count) => vector(memory, value, args[count]),
        Arg::Ptr => address(value),
    }
}

/// Flags are 32 bits wide in all calls whose flags have names.
fn flags(set: &Names, value: u64) -> String {
    set.show(value as u32 as u64)
}

fn string(memory: &Memory, at: u64) -> String {
    if at == 0 {
        return "NULL".to_string();
    }
    match memory.read_str(GuestAddr(at), SHOWN_PATH) {
        Ok(Some(text)) => quote(text.to_bytes()),
        _ => address(at),
    }
}

/// The pointers of a vector that ends with a null one, at most `most`.
fn pointers(memory: &Memory, at: u64, most: u64) -> Vec<u64> {
    let element = |i: u64| memory.read::<u64>(GuestAddr(at) + i * 8).ok().filter(|&pointer| pointer != 0);
    (0..most).map_while(element).collect()
}

fn strings(memory: &Memory, at: u64) -> String {
    if at == 0 {
        return "NULL".to_string();
    }
    list(&pointers(memory, at, SHOWN_STRINGS + 1), SHOWN_STRINGS as usize, |&pointer| string(memory, pointer))
}

fn environment(memory: &Memory, at: u64) -> String {
    format!("{} /* {} variables */", address(at), pointers(memory, at, 1 << 16).len())
}

/// The first elements in brackets.
fn list<T>(elements: &[T], most: usize, show: impl Fn(&T) -> String) -> String {
    let mut shown: Vec<String> = elements.iter().take(most).map(show).collect();
    if elements.len() > most {
        shown.push("...".to_string());
    }
    format!("[{}]", shown.join(", "))
}

/// Memory of a length that the table tells; `limit` bounds it where a call's result says how much was written.
fn buffer(memory: &Memory, args: &Args, at: u64, len: Len, limit: u64) -> String {
    let behind = |at: u64| memory.read::<u32>(GuestAddr(at)).unwrap_or(0);
    let bytes = len.bytes(args, behind);
    let read = |bytes: u64| {
        let mut data = vec![0; bytes as usize];
        memory.read_bytes(GuestAddr(at), &mut data).ok().map(|()| data)
    };
    let shown = match len {
        _ if at == 0 => None,
        Len::Of(layout) => read(layout.size).map(|data| (layout.show)(&data)),
        Len::Each(index, layout) => {
            let count = args[index].min(limit).min(SHOWN_ELEMENTS + 1);
            read(count * layout.size).map(|data| {
                let elements: Vec<&[u8]> = data.chunks_exact(layout.size as usize).collect();
                list(&elements, SHOWN_ELEMENTS as usize, |element| (layout.show)(element))
            })
        }
        Len::Address(_) | Len::AddressBehind(_) => read(bytes.min(MOST_ADDRESS)).map(|data| socket_address(&data)),
        Len::Arg(_) => Some(quoted_memory(memory, at, bytes.min(limit))),
        Len::Behind(_) | Len::Plus(..) => Some(quoted_memory(memory, at, bytes)),
        Len::Bytes(_) | Len::Times(..) | Len::Pages(_) => None,
    };
    shown.unwrap_or_else(|| address(at))
}

fn quoted_memory(memory: &Memory, at: u64, bytes: u64) -> String {
    let mut data = vec![0; bytes.min(SHOWN) as usize];
    match memory.read_bytes(GuestAddr(at), &mut data) {
        Ok(()) => quote(&data) + if bytes > SHOWN { "..." } else { "" },
        Err(_) => address(at),
    }
}

fn vector(memory: &Memory, at: u64, count: u64) -> String {
    let count = count.min(SHOWN_ELEMENTS + 1) as usize;
    let Ok(elements) = memory.read_slice::<[u64; 2]>(GuestAddr(at), count) else { return address(at) };
    list(&elements, SHOWN_ELEMENTS as usize, |&[base, length]| {
        format!("{{iov_base={}, iov_len={length}}}", quoted_memory(memory, base, length))
    })
}

/// The bytes as a string of C.
fn quote(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for (index, &byte) in bytes.iter().enumerate() {
        let digit_follows = bytes.get(index + 1).is_some_and(u8::is_ascii_digit);
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\r' => text.push_str("\\r"),
            b'"' | b'\\' => write!(text, "\\{}", byte as char).expect("writing to a string"),
            b' '..=b'~' => text.push(byte as char),
            _ if digit_follows => write!(text, "\\{byte:03o}").expect("writing to a string"),
            _ => write!(text, "\\{byte:o}").expect("writing to a string"),
        }
    }
    text + "\""
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::table;

    #[test]
    fn bytes_are_quoted_as_in_c() {
        assert_eq!(quote(b"a\"b\\\n"), r#""a\"b\\\n""#);
        assert_eq!(quote(b"\x001\x7f"), r#""\0001\177""#);
    }

    #[test]
    fn a_mode_is_shown_where_files_are_created() {
        let openat = table::find(56).expect("openat");
        assert!(unused(openat, &[0, 0, libc::O_RDWR as u64, 0o600, 0, 0], 3));
        assert!(!unused(openat, &[0, 0, libc::O_CREAT as u64, 0o600, 0, 0], 3));
        assert!(!unused(openat, &[0, 0, libc::O_TMPFILE as u64, 0o600, 0, 0], 3));
        assert!(unused(openat, &[0, 0, libc::O_DIRECTORY as u64, 0o600, 0, 0], 3));
    }

    #[test]
    fn errors_have_name_and_text() {
        assert_eq!(error_text(Errno::ENOENT), "-1 ENOENT (No such file or directory)");
    }
}
