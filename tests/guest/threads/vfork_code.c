/// flags: -pthread
/// native: yes
/// qemu: no, it executes no guest programs without binfmt_misc
// Children of vfork that are killed or execute a program leave nothing behind that a later change of code reaches.
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __riscv
static const uint8_t code[] = {0x13, 0x05, 0x15, 0x00, 0x67, 0x80, 0x00, 0x00}; // addi a0, a0, 1; ret
#else
static const uint8_t code[] = {0x8d, 0x47, 0x01, 0xc3}; // lea eax, [rdi + 1]; ret
#endif

static void *count(void *page) {
    long n = 0;
    for (int i = 0; i < 100; i++) n = ((int (*)(int))page)(n);
    return (void *)n;
}

int main(int argc, char **argv) {
    (void)argv;
    if (argc > 1) return 7;
    char self[4096] = {0};
    readlink("/proc/self/exe", self, sizeof self - 1);
    volatile long sum = 0, killed = 0, executed = 0;
    for (volatile int i = 0; i < 200; i++) {
        void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        pid_t child = vfork();
        if (child == 0) {
            if (i % 10 == 0) execv(self, (char *[]){"x", "again", NULL});
            kill(getpid(), SIGKILL);
        }
        int status;
        waitpid(child, &status, 0);
        killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        executed += WIFEXITED(status) && WEXITSTATUS(status) == 7;
        memcpy(page, code, sizeof code);
        __builtin___clear_cache(page, (char *)page + sizeof code);
        pthread_t threads[3];
        for (int t = 0; t < 3; t++) pthread_create(&threads[t], NULL, count, page);
        for (int t = 0; t < 3; t++) {
            void *n;
            pthread_join(threads[t], &n);
            sum += (long)n;
        }
        munmap(page, 4096);
    }
    printf("%ld %ld %ld\n", sum, killed, executed);
}
