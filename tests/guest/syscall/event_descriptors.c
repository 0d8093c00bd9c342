/// native: yes
// eventfd, timerfd, signalfd, inotify and pidfd.
#include "check.h"
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

int main(void) {
    int event = eventfd(3, EFD_NONBLOCK);
    uint64_t value;
    SHOW(read(event, &value, 8));
    printf("%llu\n", (unsigned long long)value);
    SHOW(read(event, &value, 8));
    SHOW(read(event, &value, 4));

    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec spec = {.it_value = {0, 5000000}, .it_interval = {10, 7}}, old;
    SHOW(timerfd_settime(timer, 0, &spec, NULL));
    SHOW(read(timer, &value, 8));
    printf("%llu\n", (unsigned long long)value);
    SHOW(timerfd_gettime(timer, &old));
    printf("%ld %ld %d\n", (long)old.it_interval.tv_sec, (long)old.it_interval.tv_nsec, old.it_value.tv_sec >= 9);

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    union sigval with = {.sival_int = 77};
    SHOW(sigqueue(getpid(), SIGUSR2, with));
    struct signalfd_siginfo info;
    SHOW(read(signals, &info, sizeof info));
    printf("%u %d %d %d\n", info.ssi_signo, info.ssi_code, info.ssi_int, info.ssi_pid == (uint32_t)getpid());

    scratch();
    int watch = inotify_init1(IN_NONBLOCK);
    SHOW(inotify_add_watch(watch, ".", IN_CREATE | IN_DELETE));
    close(open("new", O_CREAT | O_WRONLY, 0600));
    unlink("new");
    char buffer[512];
    ssize_t length = SHOW(read(watch, buffer, sizeof buffer));
    for (char *at = buffer; at < buffer + length;) {
        struct inotify_event *one = (struct inotify_event *)at;
        printf("%x %s\n", one->mask, one->name);
        at += sizeof *one + one->len;
    }
    SHOW(inotify_rm_watch(watch, 1));
    SHOW(inotify_rm_watch(watch, 9));
    unscratch();

    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(1);
    }
    int pidfd = pidfd_open(child, 0);
    struct pollfd ended = {pidfd, POLLIN, 0};
    SHOW(poll(&ended, 1, 0));
    SHOW(pidfd_send_signal(pidfd, SIGTERM, NULL, 0));
    SHOW(poll(&ended, 1, 5000));
    siginfo_t status;
    SHOW(waitid(P_PIDFD, pidfd, &status, WEXITED));
    printf("%d %d\n", status.si_code, status.si_status);
    SHOW(read(signals, &info, sizeof info));
    printf("%u %d %d\n", info.ssi_signo, info.ssi_code, info.ssi_status);
}
