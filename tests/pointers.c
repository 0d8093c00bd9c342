// The frame of the program that tests/pointers.rs makes: good memory, bad memory, and one line for each answer.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 65536L

static char *areas[6], *forbidden, *constant, *edge;
static char *none[1];
static int fd;
static const char *fd_name;

struct { const char *name; int fd; } fds[9];

// Zeros, one area for each argument, so that no two share memory; behind each lies memory without rights.
static char *area(int index) { return areas[index]; }

static struct iovec *vector(int index) {
    struct iovec *vector = (struct iovec *)areas[index];
    for (int i = 0; i < 16; i++) vector[i] = (struct iovec){areas[index] + 4096, 8};
    return vector;
}

static char folder[] = "/tmp/mynah-pointers-XXXXXX";

static void clean_up(void) {
    if (chdir("/") || rmdir(folder)) printf("files are left\n");
}

static void prepare(void) {
    if (!mkdtemp(folder) || chdir(folder)) exit(9);
    for (int i = 0; i < 6; i++) {
        areas[i] = mmap(NULL, SIZE + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(areas[i] + SIZE, 4096, PROT_NONE);
    }
    edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(edge + 4096, 4096, PROT_NONE);
    edge += 4096;
    edge[-1] = 'x';
    // Not unmapped: some buffer of libc's would move in.
    forbidden = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    constant = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    signal(SIGPIPE, SIG_IGN);
}

static void open_all(void) {
    int pipes[2], sockets[2];
    if (pipe2(pipes, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets)) exit(9);
    int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (write(file, "0123456789abcdef", 16) != 16 || lseek(file, 0, SEEK_SET)) exit(9);
    int i = 0;
    fds[i].name = "file", fds[i++].fd = file;
    fds[i].name = "directory", fds[i++].fd = open(".", O_RDONLY);
    fds[i].name = "read end", fds[i++].fd = pipes[0];
    fds[i].name = "write end", fds[i++].fd = pipes[1];
    fds[i].name = "socket", fds[i++].fd = sockets[0];
    fds[i].name = "epoll", fds[i++].fd = epoll_create1(0);
    fds[i].name = "timer", fds[i++].fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    fds[i].name = "inotify", fds[i++].fd = inotify_init1(IN_NONBLOCK);
    fds[i].name = "no descriptor", fds[i++].fd = -1;
}

static void ask(const char *name, int index, const char *what, long number, long a, long b, long c, long d, long e, long f) {
    errno = 0;
    long result = syscall(number, a, b, c, d, e, f);
    int error = errno;
    const char *said = result == -1 && error ? strerrorname_np(error) : "ok";
    printf("%s, argument %d %s%s%s: %s\n", name, index, what, fd_name ? ", on " : "", fd_name ? fd_name : "", said ? said : "?");
    for (int i = 0; i < 6; i++) memset(areas[i], 0, 8192);
    if (fd_name && !strcmp(fd_name, "file")) lseek(fd, 0, SEEK_SET);
}

// Asks one call in a child of its own, with each kind of descriptor.
static void group(void (*questions)(void), int with_fds) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        open_all();
        for (unsigned i = 0; i < (with_fds ? sizeof fds / sizeof *fds : 1); i++) {
            fd = fds[i].fd;
            fd_name = with_fds ? fds[i].name : NULL;
            questions();
        }
        fflush(stdout);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (status) printf("died: %x\n", status);
    unlink("file");
}

