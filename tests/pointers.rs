//! Bad pointers and lengths for every pointer argument of every system call, made from the table: NULL, without
//! rights, read-only, across the end of a mapping, beyond all addresses; and huge lengths. One C program asks the kernel of this
//! machine and Mynah; the answers must be the same, and nothing may die.

mod common;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;

use common::{build_folder, clean, mynah, run};
use mynah_runtime::linux::arguments::{Arg, Len};
use mynah_runtime::linux::names;
use mynah_runtime::linux::table::{Decision, ROWS, Row};

/// Calls that are not asked, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("brk", "takes an address, not a pointer"),
    ("clone", "its pointers are written by the child"),
    ("clone3", "a page of zeros is a request for a process"),
    ("execve", "a program without arguments is executed"),
    ("exit_group", "ends the program"),
    ("mincore", "its first pointer is an address"),
    ("mlock", "takes an address, not a pointer"),
    ("mlock2", "takes an address, not a pointer"),
    ("munlock", "takes an address, not a pointer"),
    ("mmap", "takes an address, not a pointer"),
    ("munmap", "takes an address, not a pointer"),
    ("mremap", "takes an address, not a pointer"),
    ("mprotect", "takes an address, not a pointer"),
    ("madvise", "takes an address, not a pointer"),
    ("msync", "takes an address, not a pointer"),
    ("mbind", "takes an address, not a pointer"),
    ("mseal", "takes an address, not a pointer"),
    ("set_mempolicy_home_node", "takes an address, not a pointer"),
    ("shmat", "takes an address, not a pointer"),
    ("shmdt", "takes an address, not a pointer"),
    ("rt_sigreturn", "has no arguments"),
    ("set_tid_address", "never looks at the address"),
    ("set_robust_list", "never looks at the address"),
    ("riscv_hwprobe", "is RISC-V's own"),
    ("riscv_flush_icache", "is RISC-V's own"),
    ("uname", "the kernel of the native program has another machine, but the same errors: asked in process_settings.c"),
    ("rseq", "libc of the native program has registered its own"),
    ("reboot", "would restart the machine"),
    ("swapoff", "would change the machine"),
    ("sethostname", "would change the machine"),
    ("setdomainname", "would change the machine"),
    ("settimeofday", "would change the machine"),
    ("clock_settime", "would change the machine"),
    ("acct", "would change the machine"),
    ("restart_syscall", "has no arguments"),
];

/// Null pointers with which a call waits for ever.
const WAITS: &[(&str, usize)] =
    &[("rt_sigtimedwait", 2), ("ppoll", 2), ("pselect6", 4), ("epoll_pwait2", 3), ("futex", 3), ("mq_timedreceive", 4)];

/// Values of arguments that are no pointers, where the usual one would not reach the pointers or would do harm.
const VALUES: &[(&str, usize, &str)] = &[
    ("openat2", 3, "24"),
    ("mount_setattr", 4, "32"),
    ("epoll_ctl", 1, "1"),
    ("epoll_pwait", 2, "1"),
    ("epoll_pwait2", 2, "1"),
    ("getcwd", 1, "4096"),
    ("getdents64", 2, "4096"),
    ("pselect6", 0, "8"),
    ("semctl", 0, "-1"),
    ("msgctl", 0, "-1"),
    ("shmctl", 0, "-1"),
    ("msgsnd", 0, "-1"),
    ("msgrcv", 0, "-1"),
    ("semop", 0, "-1"),
    ("semtimedop", 0, "-1"),
    ("rt_sigprocmask", 0, "2"),
    ("rt_sigaction", 0, "10"),
    ("rt_sigqueueinfo", 0, "0x7fffff0"),
    ("rt_tgsigqueueinfo", 0, "0x7fffff0"),
    ("rt_tgsigqueueinfo", 1, "0x7fffff0"),
    ("sched_setaffinity", 1, "8"),
    ("sched_getaffinity", 1, "128"),
    ("getrlimit", 0, "7"),
    ("setrlimit", 0, "7"),
    ("prlimit64", 1, "7"),
    ("quotactl", 0, "0x800007"),
];

fn is_pointer(kind: &Arg) -> bool {
    matches!(
        kind,
        Arg::Path | Arg::Name | Arg::Str | Arg::In(_) | Arg::Out(_) | Arg::InOut(_) | Arg::IovIn(_) | Arg::IovOut(_)
            | Arg::Strings | Arg::Environment | Arg::Ptr
    )
}

/// A good value for an argument, as C.
fn good(row: &Row, index: usize) -> String {
    if let Some((.., value)) = VALUES.iter().find(|(name, at, _)| *name == row.name && *at == index) {
        return (*value).to_owned();
    }
    match row.args[index] {
        Arg::Fd => "fd".into(),
        Arg::Dir => "AT_FDCWD".into(),
        Arg::Path | Arg::Name => "(long)\"file\"".into(),
        Arg::Str => "(long)\"text\"".into(),
        Arg::IovIn(_) | Arg::IovOut(_) => format!("(long)vector({index})"),
        Arg::Strings | Arg::Environment => "(long)none".into(),
        Arg::In(_) | Arg::Out(_) | Arg::InOut(_) | Arg::Ptr => format!("(long)area({index})"),
        Arg::Flags(list) if std::ptr::eq(list, &names::CLOCK) => "1".into(),
        Arg::Size => "8".into(),
        Arg::Uint => "1".into(),
        Arg::Int | Arg::Long | Arg::Hex | Arg::Mode | Arg::Id | Arg::Signal | Arg::Flags(_) => "0".into(),
    }
}

/// The argument that says how long the memory behind another is.
fn length_of(kind: &Arg) -> Option<usize> {
    match kind {
        Arg::In(len) | Arg::Out(len) | Arg::InOut(len) => match *len {
            Len::Arg(index) | Len::Times(index, _) | Len::Each(index, _) | Len::Address(index) | Len::Plus(index, _) => Some(index),
            _ => None,
        },
        Arg::IovIn(index) | Arg::IovOut(index) => Some(*index),
        _ => None,
    }
}

/// The statements that ask one call.
fn cases(row: &Row) -> String {
    let mut text = String::new();
    let arguments: Vec<String> = (0..row.args.len()).map(|index| good(row, index)).collect();
    let mut case = |what: &str, index: usize, value: &str| {
        let mut arguments = arguments.clone();
        arguments[index] = value.to_owned();
        arguments.resize(6, "0".to_owned());
        let list: Vec<String> = arguments.iter().map(|argument| format!("(long)({argument})")).collect();
        writeln!(text, "    ask({:?}, {index}, {what:?}, number, {});", row.name, list.join(", ")).expect("a string");
    };
    for (index, kind) in row.args.iter().enumerate().filter(|(_, kind)| is_pointer(kind)) {
        if !WAITS.contains(&(row.name, index)) {
            case("null", index, "0");
        }
        case("no rights", index, "forbidden");
        // A mask that can be read is one to wait under.
        if row.name != "rt_sigsuspend" {
            case("read-only", index, "constant");
        }
        case("crossing", index, "edge - 1");
        case("kernel's", index, "-8L");
        case("odd", index, "0x123456789abcdefL");
        if let Some(length) = length_of(kind).filter(|&length| !VALUES.iter().any(|row_| row_.0 == row.name && row_.1 == length)) {
            case("huge length", length, "1L << 62");
            case("long length", length, "0x7fffffff");
            case("negative length", length, "-1L");
        }
    }
    text
}

/// The program that asks.
fn program() -> String {
    let asked = ROWS.iter().filter(|row| {
        let refused = matches!(row.decision, Decision::Refused(_));
        row.args.iter().any(is_pointer) && !refused && !LEFT_OUT.iter().any(|(name, _)| *name == row.name)
    });
    let (mut functions, mut calls) = (String::new(), String::new());
    for row in asked {
        let number = if row.number >= 424 { row.number.to_string() } else { format!("SYS_{}", row.name) };
        let fds = row.args.iter().any(|kind| matches!(kind, Arg::Fd));
        let body = cases(row);
        write!(functions, "static void ask_{}(void) {{\n    long number = {number};\n{body}}}\n", row.name).expect("a string");
        writeln!(calls, "    group(ask_{}, {});", row.name, u8::from(fds)).expect("a string");
    }
    format!("{}{functions}int main(void) {{\n    prepare();\n{calls}    clean_up();\n}}\n", include_str!("pointers.c"))
}

/// Questions and answers.
fn answers(command: Command) -> BTreeMap<String, String> {
    let outcome = run(command, b"").expect("the program runs");
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    assert!(outcome.status.success(), "{}: {}\n{}", outcome.ending(), text.lines().last().unwrap_or(""), common::excerpt(&outcome.stderr));
    text.lines().filter_map(|line| line.rsplit_once(": ")).map(|(ask, said)| (ask.to_owned(), said.to_owned())).collect()
}

#[test]
fn bad_pointers_are_answered_as_the_kernel_answers_them() {
    let folder = build_folder("pointers");
    let source = folder.join("pointers.c");
    std::fs::write(&source, program()).expect("the build folder can be written");
    let build = |compiler: &str| {
        let out = folder.join(format!("pointers.{compiler}"));
        let mut command = Command::new(compiler);
        command.args(["-static", "-O1", "-D_GNU_SOURCE", "-o"]).arg(&out).arg(&source);
        let built = run(command, b"").expect("the compiler runs");
        assert!(built.status.success(), "{}", common::excerpt(&built.stderr));
        out
    };
    let native = answers(clean(Command::new(build("gcc"))));
    let mut command = mynah();
    command.arg(build("riscv64-linux-gnu-gcc"));
    let ours = answers(command);
    assert!(native.len() > 3000, "only {} answers", native.len());
    let wrong: Vec<String> = native
        .iter()
        .filter(|(question, answer)| ours.get(*question) != Some(answer))
        .map(|(question, answer)| format!("{question}: {answer}, got {}", ours.get(question).map_or("nothing", String::as_str)))
        .collect();
    assert!(wrong.is_empty(), "{} of {} answers differ:\n{}", wrong.len(), native.len(), wrong.join("\n"));
    assert_eq!(native.len(), ours.len());
}
