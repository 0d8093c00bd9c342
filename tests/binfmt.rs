//! The kernel runs riscv64 programs with Mynah. In a user namespace of its own, whose binfmt_misc is apart from the system's
//! (since Linux 6.7): nothing of the machine changes, and no rights are needed.

mod common;

use std::process::Command;

use common::{build_folder, clean, run};

const SOURCE: &str = r#"
#include <stdio.h>
#include <sys/auxv.h>
#include <unistd.h>
int main(int count, char **argv) {
    char link[4096] = {0};
    readlink("/proc/self/exe", link, sizeof link - 1);
    for (int i = 0; i < count; i++) printf("[%s]", argv[i]);
    printf(" %s %d\n", link, getauxval(AT_EXECFD) == 0);
    fflush(stdout);
    if (count > 2) execv(link, (char *[]){"again", argv[1], 0});
}
"#;

/// What a shell prints in a namespace with a binfmt_misc of its own. Variables: MYNAH, GUEST.
fn in_namespace(guest: &std::path::Path, script: &str) -> String {
    let mut command = clean(Command::new("unshare"));
    let mount = "mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || exit 77\n";
    command.args(["--user", "--map-root-user", "--mount", "bash", "-ec", &format!("{mount}{script}")]);
    command.env("MYNAH", env!("CARGO_BIN_EXE_mynah")).env("GUEST", guest);
    let outcome = run(command, b"").expect("unshare runs");
    let [text, errors] = [&outcome.stdout, &outcome.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(outcome.status.success(), "{}: {text}{errors}", outcome.ending());
    text
}

/// Whether this kernel lets a user have namespaces with a binfmt_misc of their own. Where it does not, there is nothing to
/// test without changing the machine: the unit tests of what would be written have to do.
fn is_possible() -> bool {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "mount", "-t", "binfmt_misc", "x", "/proc/sys/fs/binfmt_misc"]);
    let possible = command.output().is_ok_and(|output| output.status.success());
    if !possible {
        eprintln!("not tested: this kernel has no binfmt_misc in user namespaces, or forbids those");
    }
    possible
}

#[test]
fn the_kernel_runs_guests_with_their_own_names() {
    if !is_possible() {
        return;
    }
    let folder = build_folder("binfmt");
    let (source, guest) = (folder.join("guest.c"), folder.join("guest"));
    std::fs::write(&source, SOURCE).expect("the build folder can be written");
    let mut compiler = Command::new("riscv64-linux-gnu-gcc");
    compiler.args(["-static", "-O2", "-o"]).arg(&guest).arg(&source);
    assert!(run(compiler, b"").expect("the compiler runs").status.success());
    let shown = guest.display();

    let text = in_namespace(&guest, r#"$MYNAH binfmt install --flags P >/dev/null; (exec -a odd "$GUEST" -L x)"#);
    assert_eq!(text, format!("[odd][-L][x] {shown} 1\n[again][-L] {shown} 1\n"), "with P");
    let text = in_namespace(&guest, r#"$MYNAH binfmt install --flags OP >/dev/null; (exec -a odd "$GUEST" one)"#);
    assert_eq!(text, format!("[odd][one] {shown} 1\n"), "with O and P");
    let text = in_namespace(&guest, r#"$MYNAH binfmt install --flags "" >/dev/null; "$GUEST" one"#);
    assert_eq!(text, format!("[{shown}][one] {shown} 1\n"), "without flags");

    let text = in_namespace(&guest, r#"$MYNAH binfmt install --flags F >/dev/null 2>&1; $MYNAH binfmt status | head -3"#);
    assert_eq!(text, format!("mynah-riscv64:\nenabled\ninterpreter {}\n", env!("CARGO_BIN_EXE_mynah")));
    let text = in_namespace(&guest, r#"$MYNAH binfmt install >/dev/null 2>&1; $MYNAH binfmt remove; $MYNAH binfmt status || echo $?"#);
    assert_eq!(text, "nothing is registered as mynah-riscv64\n1\n");
}
