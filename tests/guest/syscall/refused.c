/// qemu: no, it refuses other calls
// What Mynah refuses fails as on a kernel without it.
#include "check.h"
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

int main(void) {
    SHOW(ptrace(PTRACE_TRACEME, 0, 0, 0));
    SHOW(syscall(SYS_seccomp, 0, 0, NULL));
    SHOW(syscall(SYS_perf_event_open, NULL, 0, 0, -1, 0));
    SHOW(syscall(SYS_userfaultfd, 0));
    SHOW(syscall(SYS_io_uring_setup, 4, NULL));
    SHOW(pkey_alloc(0, 0));
    SHOW(syscall(SYS_init_module, NULL, 0, ""));
    SHOW(prctl(PR_SET_SECCOMP, 1));
    SHOW(prctl(PR_SET_MM, 1, 0, 0, 0));
    SHOW(syscall(250));
    SHOW(syscall(470));
    SHOW(syscall(-1L));
}
