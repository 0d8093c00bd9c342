// Signals that a thread sends itself, with a handler: frames written and returned from.
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static volatile long count;
static void handler(int sig, siginfo_t *info, void *context) { count += sig == SIGUSR1 && info->si_pid == getpid() && context; }
int main(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 60000; i++) raise(SIGUSR1);
    printf("%ld\n", count);
}
