/// qemu: no, writes through another mapping of the same memory leave stale translations in QEMU
// Is code that a program rewrites executed as it stands, with and without a second thread that runs it?
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
static uint32_t *code;
static volatile int stop;
static long call(long a) { return ((long (*)(long))code)(a); }
static void *run(void *a) { long bad = 0; while (!stop) { long v = call(0); bad += v < 0 || v > 2047; } return (void *)(bad + (a != 0)); }
int main(void) {
    code = mmap(0, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long wrong = 0;
    code[1] = 0x00008067; // ret
    for (int threads = 0; threads < 2; threads++) {
        pthread_t thread;
        code[0] = 0x00050513; // addi a0, a0, 0
        if (threads) pthread_create(&thread, 0, run, 0);
        for (int i = 0; i < 20000; i++) {
            code[0] = 0x00050513 | (uint32_t)(i & 2047) << 20;
            __builtin___clear_cache((char *)code, (char *)(code + 2));
            for (int k = 0; k < 3; k++) wrong += call(k) != k + (i & 2047);
        }
        stop = 1;
        void *bad = 0;
        if (threads) pthread_join(thread, &bad);
        printf("%ld %ld\n", wrong, (long)bad);
    }
    // Hot code that is changed after it was compiled, by another mapping of the same memory.
    int fd = memfd_create("code", 0);
    ftruncate(fd, 4096);
    uint32_t *write = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    code = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    write[1] = 0x00008067;
    for (int i = 0; i < 5; i++) {
        write[0] = 0x00050513 | (uint32_t)i << 20;
        __builtin___clear_cache((char *)code, (char *)(code + 2));
        long sum = 0;
        for (int k = 0; k < 20000; k++) sum += call(0);
        printf("%ld\n", sum);
    }
}
