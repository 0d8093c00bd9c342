/// native: yes
// Does SA_RESTART restart a read, and is it EINTR without?
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
static int ends[2];
static volatile int count;
static void on(int sig) { (void)sig; if (++count == 2) write(ends[1], "x", 1); }
int main(void) {
    pipe(ends);
    for (int restart = 0; restart < 2; restart++) {
        struct sigaction action = {0};
        action.sa_handler = on, action.sa_flags = restart ? SA_RESTART : 0;
        sigaction(SIGALRM, &action, 0);
        count = restart ? 0 : 5;
        struct itimerval timer = {{0, 20000}, {0, 20000}}, none = {0};
        setitimer(ITIMER_REAL, &timer, 0);
        char byte;
        long got = read(ends[0], &byte, 1);
        int error = errno;
        setitimer(ITIMER_REAL, &none, 0);
        printf("%ld %d\n", got, got < 0 && error == EINTR);
    }
}
