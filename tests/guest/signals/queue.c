/// native: yes
// Are blocked real-time signals queued and delivered in order, and standard ones merged?
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static int order[64];
static volatile int n, plain;
static void on(int sig, siginfo_t *info, void *context) { (void)context; order[n++] = (sig - SIGRTMIN) * 100 + info->si_value.sival_int; }
static void one(int sig) { (void)sig; plain++; }
int main(void) {
    struct sigaction action = {0};
    action.sa_sigaction = on, action.sa_flags = SA_SIGINFO;
    sigfillset(&action.sa_mask);
    sigset_t set, old;
    sigemptyset(&set);
    for (int s = 0; s < 4; s++) sigaddset(&set, SIGRTMIN + s), sigaction(SIGRTMIN + s, &action, 0);
    sigaddset(&set, SIGUSR1), signal(SIGUSR1, one);
    sigprocmask(SIG_BLOCK, &set, &old);
    for (int v = 0; v < 3; v++)
        for (int s = 3; s >= 0; s--) sigqueue(getpid(), SIGRTMIN + s, (union sigval){.sival_int = v});
    for (int i = 0; i < 5; i++) kill(getpid(), SIGUSR1);
    sigprocmask(SIG_SETMASK, &old, 0);
    printf("%d plain:", plain);
    for (int i = 0; i < n; i++) printf(" %d", order[i]);
    puts("");
    sigprocmask(SIG_BLOCK, &set, 0);
    kill(getpid(), SIGUSR1);
    struct timespec second = {1, 0};
    printf("%d\n", sigtimedwait(&set, 0, &second) == SIGUSR1);
}
