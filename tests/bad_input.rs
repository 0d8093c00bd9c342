//! What a person gets for what cannot be run: a clear message and the status that a shell would give.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;

fn mynah(arguments: &[&str]) -> Output {
    common::mynah().args(arguments).stdin(Stdio::null()).output().expect("mynah starts")
}

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim_end().to_owned()
}

/// A file for one case, executable.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bad_input");
    fs::create_dir_all(&folder).expect("the folder can be made");
    let path = folder.join(name);
    fs::write(&path, bytes).expect("the file can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    path
}

fn example() -> Vec<u8> {
    fs::read(common::root().join("examples/hello")).expect("the example is there")
}

fn patched(offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = example();
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
    file
}

/// Where the n-th PT_LOAD program header of the example begins.
fn load_header(n: usize) -> usize {
    let elf = example();
    let table = u64::from_le_bytes(elf[32..40].try_into().expect("eight bytes")) as usize;
    let headers = (0..u16::from_le_bytes([elf[56], elf[57]]) as usize).map(|i| table + i * PROGRAM_HEADER);
    headers.filter(|at| elf[*at..*at + 4] == [1, 0, 0, 0]).nth(n).expect("the example has segments")
}

/// Runs `bytes` as a program: the message must be `mynah: cannot load 'FILE': ` and something with `says` in it.
fn refuses(name: &str, bytes: &[u8], says: &str) {
    let path = file(name, bytes);
    let output = mynah(&[path.to_str().expect("a plain path")]);
    let message = message(&output);
    assert_eq!(output.status.code(), Some(126), "{name}: {message}");
    assert!(message.starts_with(&format!("mynah: cannot load '{}': ", path.display())), "{name}: {message}");
    assert!(message.contains(says), "{name}: {message}");
    assert!(output.stdout.is_empty(), "{name} ran");
}

#[test]
fn files_of_the_wrong_kind() {
    refuses("text", b"hello world\n", "neither an ELF file nor a script");
    refuses("empty", b"", "empty");
    refuses("amd64", &patched(18, &[62, 0]), "not a riscv64 or aarch64 ELF (machine 62)");
    refuses("aarch64", &patched(18, &[183, 0]), "aarch64");
    refuses("narrow", &patched(4, &[1]), "32-bit");
    refuses("big-endian", &patched(5, &[2]), "big-endian");
    refuses("relocatable", &patched(16, &[1, 0]), "");
    refuses("script", b"#!/nonexistent/interpreter\n", "/nonexistent/interpreter");
}

#[test]
fn truncated_files() {
    let whole = example();
    let table = HEADER + PROGRAM_HEADER * u16::from_le_bytes([whole[56], whole[57]]) as usize;
    for length in [4, 15, 16, 17, 40, HEADER - 1, HEADER, HEADER + 1, table - 1] {
        refuses("truncated", &whole[..length], "truncated");
    }
}

#[test]
fn absurd_segments() {
    let address = |value: u64| patched(load_header(0) + 16, &value.to_le_bytes());
    let size = |value: u64| patched(load_header(0) + 40, &value.to_le_bytes());
    refuses("wraps", &address(u64::MAX - 0xfff), "");
    refuses("too-high", &address(1 << 60), "");
    refuses("huge", &size(1 << 62), "");
    refuses("smaller-than-its-file", &size(1), "");
    refuses("many-headers", &patched(56, &[0xff, 0xff]), "program headers");
    refuses("far-table", &patched(32, &(1u64 << 63).to_le_bytes()), "truncated");
}

#[test]
fn no_such_program_and_no_program_at_all() {
    let output = mynah(&["/nonexistent/program"]);
    assert_eq!(
        (output.status.code(), message(&output).as_str()),
        (Some(127), "mynah: cannot load '/nonexistent/program': no such file")
    );
    let output = mynah(&["/"]);
    assert_eq!(
        (output.status.code(), message(&output).as_str()),
        (Some(126), "mynah: cannot load '/': it is a directory")
    );
    let path = file("forbidden", &example());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("the file is ours");
    let output = mynah(&[path.to_str().expect("a plain path")]);
    assert_eq!(output.status.code(), Some(126));
    assert!(message(&output).contains("permission denied"), "{}", message(&output));
}

#[test]
fn a_missing_interpreter_is_named() {
    // A dynamic program of Debian's, without the sysroot that has its dynamic linker.
    let program = common::fetched("riscv64/usr/bin/cat");
    let output = mynah(&["-L", "/nonexistent", program.to_str().expect("a plain path")]);
    assert_eq!(output.status.code(), Some(126), "{}", message(&output));
    assert!(message(&output).contains("/lib/ld-linux-riscv64-lp64d.so.1"), "{}", message(&output));
}

#[test]
fn mistakes_on_the_command_line() {
    for (arguments, says) in [
        (&["--bogus", "x"][..], "--bogus"),
        (&["--tb-size", "0", "x"], "code cache"),
        (&["-trace", "x", "x"], "not available yet"),
        (&["-g", "123456", "x"], "neither a port nor a path"),
        (&["-L"], "needs"),
        (&["--tier", "7", "x"], "tier"),
        (&["--passes", "nonsense", "x"], "nonsense"),
        (&["-cpu", "nonsense", "x"], "nonsense"),
        (&["dump", "--stage", "nonsense", "x"], "nonsense"),
        (&[], "usage"),
    ] {
        let output = mynah(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", message(&output));
        assert!(message(&output).contains(says), "{arguments:?}: {}", message(&output));
        assert!(message(&output).starts_with("mynah: "), "{arguments:?}: {}", message(&output));
    }
}

/// Compiles a C program for riscv64.
fn guest(name: &str, source: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (input, output) = (folder.join(format!("{name}.c")), folder.join(name));
    fs::write(&input, source).expect("the source can be written");
    let status = Command::new("riscv64-linux-gnu-gcc").args(["-w", "-O1", "-static", "-o"]).arg(&output).arg(&input).status();
    assert!(status.expect("the cross compiler is installed (scripts/install-deps)").success());
    output
}

#[test]
fn a_guest_that_a_signal_kills_takes_mynah_with_it() {
    let cases = [
        ("wild", "int main(void) { *(volatile int *)0x123 = 1; }", libc::SIGSEGV, "SIGSEGV", "address 0x123"),
        ("illegal", "int main(void) { __asm__(\".word 0xffffffff\"); }", libc::SIGILL, "SIGILL", "main+"),
        ("jump", "int main(void) { ((void (*)(void))0x5000)(); }", libc::SIGSEGV, "SIGSEGV", "address 0x5000"),
        ("break", "int main(void) { __asm__(\"ebreak\"); }", libc::SIGTRAP, "SIGTRAP", "main+"),
    ];
    for (name, source, signal, title, says) in cases {
        let program = guest(name, source);
        for tier in ["0", "1", "both"] {
            let output = mynah(&["--tier", tier, program.to_str().expect("a plain path")]);
            assert_eq!(output.status.signal(), Some(signal), "{name}: {}", message(&output));
            let message = message(&output);
            assert!(message.starts_with(&format!("mynah: guest killed by {title} at 0x")), "{name}: {message}");
            assert!(message.lines().next().is_some_and(|line| line.contains(says)), "{name}: {message}");
            // Registers and calls follow.
            assert!(message.lines().all(|line| line.starts_with("mynah: ")), "{name}: {message}");
            assert!(message.contains("\nmynah: #0  0x"), "{name}: {message}");
        }
    }
}

#[test]
fn a_bad_pointer_in_a_system_call_is_efault() {
    let source = "#include <errno.h>\n#include <unistd.h>\n#include <sys/stat.h>\nint main(void) {\n\
        if (write(1, (void *)8, 5) != -1 || errno != EFAULT) return 1;\n\
        if (read(0, (void *)-4096L, 5) > 0) return 2;\n\
        if (stat((char *)16, (void *)main) != -1 || errno != EFAULT) return 3;\n\
        if (stat(\"/\", (void *)24) != -1 || errno != EFAULT) return 4;\n\
        return 42; }\n";
    assert_eq!(mynah(&[guest("efault", source).to_str().expect("a plain path")]).status.code(), Some(42));
}
