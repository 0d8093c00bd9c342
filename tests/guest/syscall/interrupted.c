/// native: yes
// Which calls does a signal handler interrupt, and which go on afterwards?
#include "check.h"
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static int pipes[2];
static volatile int calls;
static void handler(int signal) {
    (void)signal;
    calls++;
    if (calls == 2 && write(pipes[1], "x", 1) != 1) _exit(3);
}

// Every 20 ms a signal; the second one also writes into the pipe.
static void arm(int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(SIGALRM, &action, NULL);
    calls = 0;
    struct itimerval timer = {{0, 20000}, {0, 20000}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void disarm(void) {
    struct itimerval none = {0};
    setitimer(ITIMER_REAL, &none, NULL);
    char rest[64];
    int flags = fcntl(pipes[0], F_GETFL);
    fcntl(pipes[0], F_SETFL, flags | O_NONBLOCK);
    while (read(pipes[0], rest, sizeof rest) > 0) {}
    fcntl(pipes[0], F_SETFL, flags);
}

#define BOTH(call)                                                                                                     \
    arm(0), SHOW(call), disarm(), arm(SA_RESTART), SHOW(call), disarm()

int main(void) {
    if (pipe(pipes)) return 1;
    char byte;
    struct pollfd on = {pipes[0], POLLIN, 0};
    BOTH(read(pipes[0], &byte, 1));
    BOTH(poll(&on, 1, -1));
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipes[0], &set);
    BOTH(select(pipes[0] + 1, &set, NULL, NULL, NULL));
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event);
    BOTH(epoll_wait(epoll, &event, 1, -1));
    struct timespec nap = {0, 200000000}, left = {9, 9};
    BOTH(nanosleep(&nap, &left));
    printf("%d\n", left.tv_sec == 0 && left.tv_nsec > 0 && left.tv_nsec < 200000000);
    BOTH(pause());
    int queue = msgget(IPC_PRIVATE, 0600);
    struct { long type; char text[8]; } message;
    BOTH(msgrcv(queue, &message, 8, 0, 0));
    msgctl(queue, IPC_RMID, NULL);
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return 1;
    arm(0), SHOW(recv(pair[0], &byte, 1, 0)), disarm();
    struct timeval limit = {1, 0};
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    BOTH(recv(pair[0], &byte, 1, 0));
    pid_t child = fork();
    if (child == 0) {
        usleep(100000);
        _exit(7);
    }
    arm(0), SHOW(waitpid(child, NULL, 0) == child), disarm();
    int status;
    arm(SA_RESTART), SHOW(waitpid(child, &status, 0) == child), disarm();
    printf("%d\n", WEXITSTATUS(status));
    sem_t semaphore;
    sem_init(&semaphore, 0, 0);
    arm(0), SHOW(sem_wait(&semaphore)), disarm();
}
