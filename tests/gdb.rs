//! The gdb stub, driven by gdb-multiarch: what QEMU's own tests of its stub cover, asked anew.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const SOURCE: &str = r#"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
volatile long counter, watched, handled;
double half = 0.5;
char text[] = "guest memory";
static pthread_barrier_t barrier;
__attribute__((noinline)) long step_here(long a) { long b = a * 3; counter += b; return b + 1; }
__attribute__((noinline)) void *work(void *n) {
    pthread_barrier_wait(&barrier);
    counter += (long)n;
    pthread_barrier_wait(&barrier);
    return n;
}
static void on_signal(int signal) { handled = signal; }
__attribute__((noinline)) void halfway(void) { __asm__ volatile(""); }
__attribute__((noinline)) void all_started(void) { __asm__ volatile(""); }
int main(int argc, char **argv) {
    long sum = 0;
    for (int i = 0; i < 30000; i++) {
        if (i == 15000) halfway();
        sum += step_here(i);
    }
    watched = 42;
    sum += watched;
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    half *= 3;
    pthread_t threads[2];
    pthread_barrier_init(&barrier, 0, 3);
    for (long i = 0; i < 2; i++) pthread_create(&threads[i], 0, work, (void *)(i + 1));
    all_started();
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], 0);
    syscall(SYS_getpid);
    if (argc > 1) *(volatile int *)8 = 1;
    printf("%ld %ld %ld %g\n", sum, watched, handled, half);
    return 7;
}
"#;

fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("gdb-{name}"))
}

fn program(name: &str) -> PathBuf {
    let (source, program) = (temporary(&format!("{name}.c")), temporary(name));
    fs::write(&source, SOURCE).expect("the source can be written");
    let mut compiler = Command::new("riscv64-linux-gnu-gcc");
    compiler.args(["-static", "-O1", "-g", "-pthread", "-o"]).arg(&program).arg(&source);
    assert!(compiler.status().expect("the cross compiler is installed (scripts/install-deps)").success());
    program
}

/// Starts a program that waits for gdb at a socket.
fn start(name: &str, options: &[&str], program: &Path, arguments: &[&str]) -> (Child, PathBuf) {
    let socket = temporary(&format!("{name}.socket"));
    let _ = fs::remove_file(&socket);
    let suspend = options.contains(&"running");
    let place = format!("{}{}", socket.display(), if suspend { ",suspend=n" } else { "" });
    let mut command = common::mynah();
    command.args(["-g", &place]).args(options.iter().filter(|option| **option != "running"));
    command.arg(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("mynah starts");
    let begin = std::time::Instant::now();
    while !socket.exists() {
        assert!(begin.elapsed() < common::LIMIT, "no socket");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    (child, socket)
}

/// Runs gdb's commands against a program; gives what gdb printed, and how the program ended.
fn session(name: &str, options: &[&str], arguments: &[&str], commands: &[&str]) -> (String, common::Outcome) {
    let program = program(name);
    let (child, socket) = start(name, options, &program, arguments);
    let mut gdb = Command::new("gdb-multiarch");
    gdb.args(["-nx", "-batch", "-ex", "set confirm off", "-ex", "set pagination off", "-ex", "set sysroot /nonexistent"]);
    gdb.args(["-ex", &format!("target remote {}", socket.display())]);
    gdb.args(commands.iter().flat_map(|command| ["-ex", command]));
    gdb.arg(&program);
    let said = common::run(gdb, b"").unwrap_or_else(|why| panic!("{why}; scripts/install-deps installs gdb-multiarch"));
    let said = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    let ended = child.wait_with_output().expect("mynah ends");
    (said, common::Outcome { stdout: ended.stdout, stderr: ended.stderr, status: ended.status })
}

/// Panics unless `text` has all of these, in this order.
fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("no '{part}' (in order) in:\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

const RESULT: &str = "1349985042 42 10 1.5\n";

#[test]
fn breakpoints_in_code_that_is_compiled() {
    // The breakpoint is set after thousands of calls, when the function and its caller are compiled.
    let commands = [
        "handle SIGUSR1 nostop", "break halfway", "continue", "break step_here", "continue", "print a", "backtrace 2", "finish",
        "print counter", "continue", "print a", "delete", "break *step_here", "continue", "print $pc == &step_here", "print $a0", "delete", "continue",
    ];
    for options in [&["--tier", "1"][..], &[], &["--tier", "0"]] {
        let (said, ended) = session("breakpoints", options, &[], &commands);
        in_order(&said, &["step_here (a=", "$1 = 15000", "#0", "step_here", "#1", "in main", "Value returned is", "= 45001", "= 337522500", "= 15001", "= 1\n", "= 15002", "exited with code 07"]);
        assert_eq!((String::from_utf8_lossy(&ended.stdout).as_ref(), ended.status.code()), (RESULT, Some(7)), "{options:?}: {said}");
    }
}

#[test]
fn registers_and_memory_are_read_and_written() {
    let commands = [
        "break step_here", "continue", "print/x $sp == $x2", "set var $a0 = 100000", "stepi", "stepi", "print $pc - (long)step_here > 0",
        "print text", "set var text[0] = 'G'", "print text", "x/2xb text", "print half", "set var $ft3 = 2.5", "print $ft3.double",
        "info registers fcsr", "set var $fcsr = 0x21", "print $frm", "print $fflags", "print *(int*)8", "delete", "kill",
    ];
    let (said, _) = session("registers", &[], &[], &commands);
    in_order(&said, &["Breakpoint 1", "= 0x1", "= 1", "\"guest memory\"", "\"Guest memory\"", "0x47", "0.5", "= 2.5", "fcsr", "= 1", "= 1", "Cannot access memory at address 0x8"]);
}

#[test]
fn single_steps_visit_every_instruction() {
    let mut commands = vec!["break step_here", "continue", "delete"];
    commands.extend(["stepi", "x/i $pc"].repeat(12));
    commands.push("kill");
    let (said, _) = session("steps", &[], &[], &commands);
    // Every instruction of the function, as the disassembler lists them.
    let objdump = Command::new("riscv64-linux-gnu-objdump").args(["-d", "--disassemble=step_here"]).arg(temporary("steps")).output();
    let objdump = String::from_utf8_lossy(&objdump.expect("binutils").stdout).into_owned();
    let listed: Vec<&str> = objdump.lines().filter_map(|line| line.trim().split_once(":\t").map(|(at, _)| at)).collect();
    assert!(listed.len() > 4, "{objdump}");
    for at in &listed[1..] {
        assert!(said.contains(&format!("0x{at} ")), "{at} was not visited:\n{said}");
    }
}

#[test]
fn watchpoints_stop_behind_the_access() {
    let commands = ["handle SIGUSR1 nostop", "break main", "continue", "watch watched", "rwatch half", "continue", "continue", "delete", "continue"];
    let (said, ended) = session("watchpoints", &["--tier", "1"], &[], &commands);
    in_order(&said, &["Hardware watchpoint 2: watched", "Hardware read watchpoint 3: half", "Old value = 0", "New value = 42", "Hardware read watchpoint 3: half", "Value = 0.5", "exited with code 07"]);
    assert_eq!(String::from_utf8_lossy(&ended.stdout), RESULT);
}

#[test]
fn signals_are_told_and_passed_or_not() {
    let (said, ended) = session("signals", &[], &[], &["continue", "continue"]);
    in_order(&said, &["Program received signal SIGUSR1", "exited with code 07"]);
    assert_eq!(String::from_utf8_lossy(&ended.stdout), RESULT);
    let (said, ended) = session("unsignalled", &[], &[], &["handle SIGUSR1 nopass", "continue", "continue"]);
    in_order(&said, &["Program received signal SIGUSR1", "exited with code 07"]);
    assert_eq!(String::from_utf8_lossy(&ended.stdout), RESULT.replace(" 10 ", " 0 "), "the handler did not run");
}

#[test]
fn a_crash_stops_where_it_happens() {
    let (said, ended) = session("crash", &[], &["crash"], &["handle SIGUSR1 nostop", "continue", "backtrace", "continue"]);
    in_order(&said, &["Program received signal SIGSEGV", "main", "#0", "main", "Program terminated with signal SIGSEGV"]);
    assert_eq!(ended.ending(), "signal 11");
}

#[test]
fn threads_are_listed_and_stopped_together() {
    let commands = [
        "handle SIGUSR1 nostop", "break all_started", "continue", "info threads", "thread apply all backtrace 3", "delete", "break work",
        "continue",
    ];
    let (said, _) = session("threads", &[], &[], &[&commands[..4], &["kill"]].concat());
    in_order(&said, &["all_started", "* 1", "Thread"]);
    assert!(said.matches("Thread ").count() >= 3, "{said}");
    let (said, ended) = session("threads-on", &[], &[], &[&commands[..3], &["thread apply all backtrace 2", "delete", "continue"]].concat());
    assert!(said.contains("exited with code 07"), "{said}");
    assert_eq!(String::from_utf8_lossy(&ended.stdout), RESULT);
}

/// gdb's remote protocol, for what gdb cannot be asked on riscv64.
struct Remote(std::os::unix::net::UnixStream);

impl Remote {
    fn ask(&mut self, packet: &str) -> String {
        use std::io::{Read, Write};
        let sum = packet.bytes().fold(0u8, u8::wrapping_add);
        self.0.write_all(format!("${packet}#{sum:02x}").as_bytes()).expect("the stub listens");
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"#") {
            self.0.read_exact(&mut byte).expect("the stub answers");
            answer.push(byte[0]);
        }
        self.0.read_exact(&mut [0; 2]).expect("a checksum");
        // After the last answer nobody may be there to read it.
        let _ = self.0.write_all(b"+");
        let text = String::from_utf8_lossy(&answer).into_owned();
        text.trim_start_matches(['+', '$']).trim_end_matches('#').to_owned()
    }
}

#[test]
fn system_calls_are_caught() {
    let program = program("calls");
    let (child, socket) = start("calls", &[], &program, &[]);
    let mut remote = Remote(std::os::unix::net::UnixStream::connect(socket).expect("the stub listens"));
    assert!(remote.ask("qSupported:multiprocess+;QCatchSyscalls+").contains("QCatchSyscalls+"));
    assert!(remote.ask("?").starts_with('T'));
    // getpid, whose number is 172.
    assert_eq!(remote.ask("QCatchSyscalls:1;ac"), "OK");
    let until = |remote: &mut Remote, wanted: &str| loop {
        let stop = remote.ask("vCont;c");
        if stop.contains(wanted) {
            return;
        }
        assert!(stop.contains("T1e"), "only SIGUSR1 comes between: {stop}");
    };
    until(&mut remote, "syscall_entry:ac;");
    until(&mut remote, "syscall_return:ac;");
    assert_eq!(remote.ask("QCatchSyscalls:0"), "OK");
    until(&mut remote, "W07");
    assert_eq!(child.wait_with_output().expect("mynah ends").status.code(), Some(7));
}

#[test]
fn the_auxiliary_vector_and_the_file() {
    let (said, _) = session("auxv", &[], &[], &["info auxv", "info proc exe", "kill"]);
    in_order(&said, &["AT_PHDR", "AT_ENTRY"]);
}

#[test]
fn a_debugger_comes_late_and_goes_early() {
    let busybox = common::fetched("riscv64/usr/bin/busybox");
    let (mut child, socket) = start("late", &["running"], &busybox, &["cat"]);
    let gdb = |commands: &[&str]| {
        let mut gdb = Command::new("gdb-multiarch");
        gdb.args(["-nx", "-batch", "-ex", &format!("target remote {}", socket.display())]);
        gdb.args(commands.iter().flat_map(|command| ["-ex", command]));
        let said = common::run(gdb, b"").expect("gdb-multiarch runs");
        format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr))
    };
    // The guest waits in the kernel: it is brought out, looked at, and waits on. Twice.
    for _ in 0..2 {
        let said = gdb(&["x/i $pc", "print $a7", "detach"]);
        in_order(&said, &["ecall", "= 63", "detached"]);
    }
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"still here\n").expect("cat reads");
    let ended = child.wait_with_output().expect("cat ends");
    assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(0), &b"still here\n"[..]));
}

#[test]
fn places_that_cannot_be_had() {
    let refuse = |place: &str| {
        let mut command = common::mynah();
        command.args(["-g", place]).arg(common::root().join("examples/hello"));
        let ended = common::run(command, b"").expect("mynah ends");
        assert_eq!((ended.status.code(), ended.stdout.len()), (Some(2), 0));
        String::from_utf8_lossy(&ended.stderr).into_owned()
    };
    assert!(refuse("/nonexistent/socket").contains("cannot listen for a debugger at '/nonexistent/socket'"));
    assert!(refuse("123456").contains("neither a port nor a path"));
}
