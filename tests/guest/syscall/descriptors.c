/// qemu: no, it loses flags of pipe2
/// native: yes
// dup, close, fcntl with locks and owners, close_range, pipes, memfd with seals, openat2, ioctl.
#include "check.h"
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

int main(void) {
    scratch();
    int pipes[2];
    SHOW(pipe2(pipes, O_CLOEXEC | O_NONBLOCK));
    printf("%d %d\n", fcntl(pipes[0], F_GETFD), fcntl(pipes[1], F_GETFL) == (O_WRONLY | O_NONBLOCK));
    char byte;
    SHOW(read(pipes[0], &byte, 1));
    SHOW(write(pipes[1], "xyz", 3));
    int available = 0;
    SHOW(ioctl(pipes[0], FIONREAD, &available));
    printf("%d\n", available);
    SHOW(ioctl(pipes[0], TCGETS, &available));
    SHOW(fcntl(pipes[0], F_GETPIPE_SZ));
    SHOW(dup(pipes[0]));
    SHOW(dup3(pipes[0], 50, O_CLOEXEC));
    SHOW(dup3(50, 50, 0));
    SHOW(dup2(50, 50));
    SHOW(dup2(99, 98));
    SHOW(fcntl(50, F_DUPFD, 60));
    SHOW(fcntl(50, F_DUPFD_CLOEXEC, 60));
    SHOW(close(60));
    SHOW(close(60));
    SHOW(close_range(50, 70, CLOSE_RANGE_CLOEXEC));
    SHOW(close_range(50, ~0u, 0));
    SHOW(close(61));
    SHOW(close_range(70, 50, 0));
    SHOW(fcntl(pipes[0], F_SETOWN, getpid()));
    printf("%d\n", fcntl(pipes[0], F_GETOWN) == getpid());
    struct f_owner_ex owner = {F_OWNER_PID, getpid()}, back = {0};
    SHOW(fcntl(pipes[0], F_SETOWN_EX, &owner));
    SHOW(fcntl(pipes[0], F_GETOWN_EX, &back));
    printf("%d %d\n", back.type, back.pid == getpid());

    int fd = open("lock", O_RDWR | O_CREAT, 0600);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5};
    SHOW(fcntl(fd, F_SETLK, &lock));
    if (fork() == 0) {
        struct flock wanted = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 100};
        SHOW(fcntl(fd, F_SETLK, &wanted));
        SHOW(fcntl(fd, F_GETLK, &wanted));
        printf("%d %ld %ld %d\n", wanted.l_type, (long)wanted.l_start, (long)wanted.l_len, wanted.l_pid == getppid());
        int again = open("lock", O_RDWR);
        SHOW(flock(again, LOCK_EX | LOCK_NB));
        exit(0);
    }
    wait(NULL);
    SHOW(fcntl(fd, F_SETLKW, BAD));
    SHOW(flock(fd, LOCK_SH));

    int memory = memfd_create("name", MFD_ALLOW_SEALING);
    SHOW(ftruncate(memory, 4096));
    SHOW(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK));
    SHOW(fcntl(memory, F_GET_SEALS));
    SHOW(ftruncate(memory, 0));
    struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_BENEATH};
    SHOW(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how, sizeof how));
    SHOW(syscall(SYS_openat2, AT_FDCWD, "lock", &how, 8));
    how.resolve = 0;
    WORKS(syscall(SYS_openat2, AT_FDCWD, "lock", &how, sizeof how));
    SHOW(ioctl(fd, FIOCLEX));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(isatty(fd));
    unlink("lock");
    unscratch();
}
