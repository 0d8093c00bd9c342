/// qemu: no, it lacks epoll_pwait2
/// flags: -Wno-stringop-overflow
/// native: yes
// poll, select, epoll: results, timeouts, packed events, and signal masks that change with the wait in one step.
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>

static volatile int caught;
static void handler(int signal) { caught = signal; }

int main(void) {
    int pipes[2];
    if (pipe(pipes)) return 1;
    struct pollfd descriptors[3] = {{pipes[0], POLLIN, 0}, {pipes[1], POLLOUT, 0}, {99, POLLIN, 0}};
    SHOW(poll(descriptors, 3, 0));
    printf("%x %x %x\n", descriptors[0].revents, descriptors[1].revents, descriptors[2].revents);
    struct timespec shortly = {0, 10000000};
    SHOW(ppoll(descriptors, 1, &shortly, NULL));
    SHOW(ppoll(BAD, 1, &shortly, NULL));
    SHOW(poll(descriptors, -1, 0));
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipes[1], &set);
    SHOW(pselect(pipes[1] + 1, NULL, &set, NULL, &shortly, NULL));
    printf("%d\n", FD_ISSET(pipes[1], &set) != 0);
    FD_ZERO(&set);
    FD_SET(pipes[0], &set);
    SHOW(pselect(pipes[0] + 1, &set, NULL, NULL, &shortly, NULL));
    printf("%d\n", FD_ISSET(pipes[0], &set) != 0);

    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x1122334455667788}, events[4];
    SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event));
    SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event));
    event.events = EPOLLOUT;
    event.data.u64 = 0x99;
    SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[1], &event));
    SHOW(epoll_wait(epoll, events, 4, 0));
    printf("%x %llx\n", events[0].events, (unsigned long long)events[0].data.u64);
    SHOW(epoll_ctl(epoll, EPOLL_CTL_DEL, pipes[1], NULL));
    SHOW(write(pipes[1], "x", 1));
    SHOW(epoll_wait(epoll, events, 4, -1));
    printf("%x %llx\n", events[0].events, (unsigned long long)events[0].data.u64);
    SHOW(epoll_wait(epoll, events, 0, 0));
    SHOW(epoll_wait(epoll, BAD, 4, 0));
    SHOW(epoll_pwait2(epoll, events, 4, &shortly, NULL));
    char byte;
    SHOW(read(pipes[0], &byte, 1));
    SHOW(epoll_pwait2(epoll, events, 4, &shortly, NULL));

    // A signal that is blocked outside and let through inside ends the wait, whenever it comes.
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    sigset_t blocked, none;
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    raise(SIGUSR1);
    SHOW(ppoll(descriptors, 1, NULL, &none));
    printf("%d\n", caught);
    caught = 0;
    raise(SIGUSR1);
    SHOW(pselect(0, NULL, NULL, NULL, NULL, &none));
    printf("%d\n", caught);
    caught = 0;
    raise(SIGUSR1);
    SHOW(epoll_pwait(epoll, events, 4, -1, &none));
    printf("%d\n", caught);
    caught = 0;
    raise(SIGUSR1);
    SHOW(epoll_pwait(epoll, events, 4, 10, &blocked));
    printf("%d\n", caught);
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("still blocked: %d\n", sigismember(&now, SIGUSR1));
}
