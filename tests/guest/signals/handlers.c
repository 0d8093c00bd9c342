/// native: yes
// Do handlers see the right signal, sender and mask, and does SA_RESETHAND reset?
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static volatile int seen, blocked, from_me, code;
static void on(int sig, siginfo_t *info, void *context) {
    sigset_t now;
    sigprocmask(SIG_BLOCK, 0, &now);
    seen = sig, blocked = sigismember(&now, SIGUSR2), from_me = info->si_pid == getpid(), code = info->si_code;
    (void)context;
}
int main(void) {
    struct sigaction action = {0}, old;
    action.sa_sigaction = on;
    action.sa_flags = SA_SIGINFO | SA_RESETHAND;
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &action, 0);
    kill(getpid(), SIGUSR1);
    printf("%d %d %d %d\n", seen == SIGUSR1, blocked, from_me, code == SI_USER);
    sigaction(SIGUSR1, 0, &old);
    printf("%d\n", old.sa_handler == SIG_DFL);
    union sigval value = {.sival_int = 77};
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGRTMIN + 3, &action, 0);
    sigqueue(getpid(), SIGRTMIN + 3, value);
    printf("%d %d\n", seen == SIGRTMIN + 3, code == SI_QUEUE);
}
