/// native: yes
// How do children die: by which signal, and does stopping and continuing show?
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    int signals[] = {SIGTERM, SIGKILL, SIGABRT, SIGUSR1, SIGPIPE, SIGALRM, SIGRTMIN};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
        pid_t child = fork();
        if (child == 0) { raise(signals[i]); _exit(1); }
        int status;
        waitpid(child, &status, 0);
        printf("%d ", WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
    }
    pid_t child = fork();
    if (child == 0) { raise(SIGSTOP); _exit(9); }
    int status;
    waitpid(child, &status, WUNTRACED);
    printf("%d ", WIFSTOPPED(status));
    kill(child, SIGCONT);
    waitpid(child, &status, 0);
    printf("%d\n", WEXITSTATUS(status));
}
