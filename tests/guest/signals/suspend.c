/// native: yes
// Is no signal lost between looking and sleeping in sigsuspend, with a child that sends a thousand?
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile sig_atomic_t got;
static void on(int sig) { (void)sig; got++; }
int main(void) {
    sigset_t block, old;
    sigemptyset(&block), sigaddset(&block, SIGUSR1);
    signal(SIGUSR1, on);
    sigprocmask(SIG_BLOCK, &block, &old);
    int ends[2];
    pipe(ends);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        for (int i = 0; i < 1000; i++) kill(getppid(), SIGUSR1), read(ends[0], &byte, 1);
        _exit(3);
    }
    for (int i = 0; i < 1000; i++) {
        while (got == i) sigsuspend(&old);
        write(ends[1], "x", 1);
    }
    int status;
    waitpid(child, &status, 0);
    printf("%d %d\n", (int)got, WEXITSTATUS(status));
}
