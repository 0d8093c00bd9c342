// fork and exec of a small program (this one), each waited for: the cost of a process. EMULATOR names what has to run the
// program where the kernel does not know how to.
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv) {
    if (argc > 1) return argv[1][0] - '0';
    const char *emulator = getenv("EMULATOR");
    int sum = 0;
    for (int i = 0; i < 200; i++) {
        char digit[2] = {'0' + i % 10, 0};
        pid_t child = fork();
        if (child == 0) {
            if (emulator) execl(emulator, emulator, argv[0], digit, NULL);
            else execl(argv[0], argv[0], digit, NULL);
            _exit(99);
        }
        int status;
        if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 1;
        sum += WEXITSTATUS(status);
    }
    printf("%d\n", sum);
}
