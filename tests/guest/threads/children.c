/// native: yes
/// qemu: no, errors of posix_spawn are lost where vfork does not share memory
// posix_spawn with errors, vfork, pipes between processes, exec of itself with arguments and environment.
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv) {
    if (argc > 1) { printf("%s %s %d\n", argv[1], getenv("GREETING"), argc); return 6; }
    char self[4096] = {0};
    readlink("/proc/self/exe", self, sizeof self - 1);
    setenv("GREETING", "hello", 1);
    pid_t child;
    int status, error = posix_spawn(&child, "/nonexistent", 0, 0, (char *[]){"x", 0}, environ);
    printf("%d\n", error == ENOENT), fflush(stdout);
    error = posix_spawn(&child, self, 0, 0, (char *[]){"x", "spawned", 0}, environ);
    waitpid(child, &status, 0);
    printf("%d %d\n", error, WEXITSTATUS(status)), fflush(stdout);
    volatile int shared = 1;
    if ((child = vfork()) == 0) { shared = 2; execv(self, (char *[]){"x", "vforked", "more", 0}); _exit(1); }
    waitpid(child, &status, 0);
    printf("%d %d\n", shared, WEXITSTATUS(status)), fflush(stdout);
    int ends[2];
    pipe(ends);
    if (fork() == 0) { dup2(ends[1], 1); execl("/bin/echo", "echo", "from a host program", (char *)0); _exit(1); }
    close(ends[1]);
    char text[64] = {0};
    while (read(ends[0], text + strlen(text), 10) > 0) {}
    wait(&status);
    printf("%s%d\n", text, WEXITSTATUS(status));
    printf("%d %d\n", execl("/nonexistent", "x", (char *)0), errno == ENOENT);
}
