//! The vDSO's calls do not enter the host's kernel: it is told to kill whoever makes them.

mod common;

use std::os::unix::process::CommandExt;
use std::process::Command;

use common::{build_folder, mynah, root, run};

/// Classic BPF (`linux/filter.h`): load the number, compare, return.
fn filter(forbidden: &[i64]) -> Vec<libc::sock_filter> {
    const LOAD: u16 = 0x20;
    const EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let statement = |code, k| libc::sock_filter { code, jt: 0, jf: 0, k };
    let mut program = vec![statement(LOAD, 0)];
    for &number in forbidden {
        program.push(libc::sock_filter { code: EQUAL, jt: 0, jf: 1, k: number as u32 });
        program.push(statement(RETURN, libc::SECCOMP_RET_KILL_PROCESS));
    }
    program.push(statement(RETURN, libc::SECCOMP_RET_ALLOW));
    program
}

#[test]
fn time_calls_do_not_enter_the_hosts_kernel() {
    let guest = build_folder("vdso").join("vdso");
    let source = root().join("tests/guest/syscall/vdso.c");
    let mut compiler = Command::new("riscv64-linux-gnu-gcc");
    compiler.args(["-static", "-O2", "-D_GNU_SOURCE", "-o"]).arg(&guest).arg(source);
    assert!(run(compiler, b"").expect("the compiler runs").status.success());

    let numbers = [libc::SYS_clock_gettime, libc::SYS_clock_getres, libc::SYS_gettimeofday, libc::SYS_getcpu, libc::SYS_time];
    let program = filter(&numbers);
    let mut command = mynah();
    command.arg(&guest).arg("alone");
    // SAFETY: plain system calls; the filter lives in the closure, in the child's copy of the memory.
    unsafe {
        command.pre_exec(move || {
            let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
            let privileges = libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            let filtered = libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &filter);
            if (privileges, filtered) == (0, 0) { Ok(()) } else { Err(std::io::Error::last_os_error()) }
        });
    }
    let outcome = run(command, b"").expect("mynah runs");
    let text = String::from_utf8_lossy(&outcome.stdout);
    assert!(outcome.status.success(), "{}: {text} {}", outcome.ending(), String::from_utf8_lossy(&outcome.stderr));
    assert_eq!(text.lines().count(), 18, "{text}");
}
