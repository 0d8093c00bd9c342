/// native: yes
// Do signals reach the thread they are sent to, interrupt a loop without calls, and wake a sleeping one?
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static pthread_t target;
static volatile int hits, right = 1, stop;
static void on(int sig) { (void)sig; hits++; right &= pthread_equal(pthread_self(), target); stop = hits >= 50; }
static void *run(void *a) { (void)a; unsigned long n = 0; while (!stop) n++; return 0; }
int main(void) {
    signal(SIGUSR1, on);
    pthread_create(&target, 0, run, 0);
    for (int i = 0; !stop && i < 20000; i++) pthread_kill(target, SIGUSR1), usleep(100);
    pthread_join(target, 0);
    printf("%d %d\n", hits >= 50, right);
}
