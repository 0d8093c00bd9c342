/// native: yes
/// qemu: no, it lacks most of these calls
// Calls of recent kernels: pidfd, openat2, statx, close_range, process_vm, process_madvise, memfd_secret, cachestat, futex2,
// statmount, listmount, xattrat, AIO, message queues, extended attributes, handles.
#include "check.h"
#include <linux/aio_abi.h>
#include <linux/openat2.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

int main(void) {
    scratch();
    // pidfd.
    pid_t child = fork();
    if (child == 0) { pause(); _exit(0); }
    int pidfd = syscall(SYS_pidfd_open, child, 0);
    WORKS(pidfd);
    struct pollfd poll_pid = {pidfd, POLLIN, 0};
    SHOW(poll(&poll_pid, 1, 0));
    int theirs = syscall(SYS_pidfd_getfd, pidfd, 0, 0);
    WORKS(theirs);
    close(theirs);
    SHOW(syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0));
    SHOW(poll(&poll_pid, 1, 5000));
    siginfo_t info = {0};
    SHOW(waitid(P_PIDFD, pidfd, &info, WEXITED));
    printf("%d %d %d\n", info.si_code == CLD_KILLED, info.si_status, info.si_pid == child);
    SHOW(syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0));
    SHOW(syscall(SYS_pidfd_open, -5, 0));
    close(pidfd);

    // openat2, statx, close_range.
    int file = open("file", O_RDWR | O_CREAT, 0644);
    SHOW(write(file, "0123456789", 10));
    SHOW(symlink("file", "link"));
    struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_NO_SYMLINKS};
    SHOW(syscall(SYS_openat2, AT_FDCWD, "link", &how, sizeof how));
    SHOW(close(syscall(SYS_openat2, AT_FDCWD, "file", &how, sizeof how)));
    how.resolve = RESOLVE_BENEATH;
    SHOW(syscall(SYS_openat2, AT_FDCWD, "../x", &how, sizeof how));
    how.resolve = 1 << 20;
    SHOW(syscall(SYS_openat2, AT_FDCWD, "file", &how, sizeof how));
    struct statx status;
    SHOW(statx(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &status));
    printf("%d %d\n", S_ISLNK(status.stx_mode), (int)status.stx_size);
    SHOW(statx(file, "", AT_EMPTY_PATH, STATX_SIZE, &status));
    printf("%d\n", (int)status.stx_size);
    int many[4];
    for (int i = 0; i < 4; i++) many[i] = dup(file);
    SHOW(syscall(SYS_close_range, many[1], many[2], 0));
    SHOW(fcntl(many[0], F_GETFD));
    SHOW(fcntl(many[1], F_GETFD));
    SHOW(syscall(SYS_close_range, many[3], ~0U, 4));
    SHOW(fcntl(many[3], F_GETFD));
    SHOW(syscall(SYS_close_range, 9, 8, 0));

    // Other processes' memory.
    char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(shared, "parent");
    int pipes[2];
    pipe(pipes);
    child = fork();
    if (child == 0) { strcpy(shared, "child!"); write(pipes[1], "x", 1); pause(); _exit(0); }
    char copy[16] = {0};
    read(pipes[0], copy, 1);
    struct iovec local = {copy, 7}, remote = {shared, 7};
    SHOW(process_vm_readv(child, &local, 1, &remote, 1, 0));
    printf("%s\n", copy);
    strcpy(copy, "poked!");
    SHOW(process_vm_writev(child, &local, 1, &remote, 1, 0));
    SHOW(process_vm_readv(child, &local, 1, &remote, 1, 0));
    remote.iov_base = BAD;
    SHOW(process_vm_readv(child, &local, 1, &remote, 1, 0));
    pidfd = syscall(SYS_pidfd_open, child, 0);
    struct iovec advised = {shared, 4096};
    SHOW(syscall(SYS_process_madvise, pidfd, &advised, 1L, MADV_COLD, 0));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);

    WORKS(syscall(SYS_memfd_secret, 0));
    struct { unsigned long offset, length; } range = {0, 4096};
    unsigned long cached[5];
    SHOW(syscall(451, file, &range, cached, 0));

    // futex2.
    static unsigned int word = 5;
    SHOW(syscall(454, &word, ~0UL, 1, 2));
    struct timespec soon = {0, 1};
    SHOW(syscall(455, &word, 4UL, ~0UL, 2, NULL, CLOCK_MONOTONIC));
    SHOW(syscall(455, &word, 5UL, ~0UL, 2, &soon, CLOCK_MONOTONIC));
    struct { unsigned long value, address; unsigned flags, reserved; } waiters[2] = {{5, (long)&word, 2, 0}, {6, (long)&word, 2, 0}};
    SHOW(syscall(SYS_futex_waitv, waiters, 2, 0, NULL, 0));

    // Mounts.
    unsigned long request[4] = {24, ~0UL, 0, 0}, ids[64];
    SHOW(syscall(458, request, ids, 64, 0) > 0);
    request[1] = ids[0], request[2] = 2;
    static char mount[4096];
    SHOW(syscall(457, request, mount, sizeof mount, 0));

    // Extended attributes, by path and by the newer calls.
    SHOW(setxattr("file", "user.one", "value", 5, 0));
    SHOW(getxattr("file", "user.one", copy, 16));
    SHOW(getxattr("file", "user.one", copy, 2));
    SHOW(getxattr("file", "user.two", copy, 16));
    SHOW(listxattr("file", NULL, 0));
    SHOW(lgetxattr("link", "user.one", copy, 16));
    struct { unsigned long value; unsigned size, flags; } attribute = {(long)copy, 16, 0};
    SHOW(syscall(464, AT_FDCWD, "file", 0, "user.one", &attribute, sizeof attribute));
    SHOW(syscall(466, AT_FDCWD, "file", 0, "user.one"));
    SHOW(removexattr("file", "user.one"));

    // AIO.
    aio_context_t context = 0;
    SHOW(syscall(SYS_io_setup, 4, &context));
    struct iocb block = {.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = file, .aio_buf = (long)copy, .aio_nbytes = 10};
    struct iocb *blocks[] = {&block};
    SHOW(syscall(SYS_io_submit, context, 1L, blocks));
    struct io_event events[1];
    SHOW(syscall(SYS_io_getevents, context, 1L, 1L, events, NULL));
    printf("%ld %.10s\n", (long)events[0].res, copy);
    SHOW(syscall(SYS_io_destroy, context));
    SHOW(syscall(SYS_io_destroy, context));

    // Message queues.
    struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 64};
    char name[32];
    sprintf(name, "/mynah-%d", getpid());
    mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attributes);
    WORKS(queue);
    SHOW(mq_send(queue, "low", 3, 1));
    SHOW(mq_send(queue, "high", 4, 9));
    char message[64];
    unsigned priority;
    SHOW(mq_receive(queue, message, 64, &priority));
    printf("%.4s %u\n", message, priority);
    SHOW(mq_receive(queue, message, 3, &priority));
    SHOW(mq_receive(queue, message, 64, &priority));
    SHOW(mq_receive(queue, message, 64, &priority));
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, SIGUSR1), sigprocmask(SIG_BLOCK, &set, NULL);
    struct sigevent notice = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 12};
    SHOW(mq_notify(queue, &notice));
    SHOW(mq_send(queue, "wake", 4, 0));
    SHOW(sigwaitinfo(&set, &info));
    printf("%d %d\n", info.si_code == SI_MESGQ, info.si_value.sival_int);
    SHOW(mq_unlink(name));
    SHOW(mq_close(queue));

    struct { struct file_handle head; char room[128]; } handle = {.head.handle_bytes = 128};
    int id;
    SHOW(name_to_handle_at(AT_FDCWD, "file", &handle.head, &id, 0));
    handle.head.handle_bytes = 0;
    SHOW(name_to_handle_at(AT_FDCWD, "file", &handle.head, &id, 0));
    unlink("file"), unlink("link");
    unscratch();
}
