// fork and exec of a small program (this one), each waited for: the cost of a process.
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv) {
    if (argc > 1) return argv[1][0] - '0';
    int sum = 0;
    for (int i = 0; i < 200; i++) {
        char digit[2] = {'0' + i % 10, 0};
        pid_t child = fork();
        if (child == 0) {
            execl("/proc/self/exe", argv[0], digit, NULL);
            _exit(99);
        }
        int status;
        if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 1;
        sum += WEXITSTATUS(status);
    }
    printf("%d\n", sum);
}
