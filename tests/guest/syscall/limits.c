/// native: yes
/// qemu: no, it does not enforce RLIMIT_AS and RLIMIT_DATA, and it does not hand them on
// Limits of address space, data, stack and descriptors bind the program, and those it executes.
#include "check.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define MIB (1UL << 20)

static void limit(int resource, unsigned long soft) {
    struct rlimit limit;
    getrlimit(resource, &limit);
    limit.rlim_cur = soft;
    if (setrlimit(resource, &limit)) perror("setrlimit");
}

static void *map(unsigned long size, int prot, int flags) {
    return mmap(NULL, size, prot, flags | MAP_ANONYMOUS, -1, 0);
}

static volatile char sink;
__attribute__((noinline)) static int deep(unsigned long bytes) {
    volatile char frame[4096];
    frame[0] = 1;
    int result = bytes > 4096 ? deep(bytes - 4096) : 0;
    sink = frame[0];
    return result + 1;
}

static sigjmp_buf back;
static void overflow(int signal) { siglongjmp(back, signal); }

static void try_deep(unsigned long bytes) {
    if (sigsetjmp(back, 1) == 0) printf("%lu MiB deep: %d\n", bytes / MIB, deep(bytes) > 0);
    else printf("%lu MiB deep: overflow\n", bytes / MIB);
}

int main(int argc, char **argv) {
    struct rlimit told;
    if (argc > 1) {
        for (int i = 0; i < 3; i++) {
            int resources[] = {RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK};
            getrlimit(resources[i], &told);
            printf("%ld ", (long)told.rlim_cur);
        }
        printf("\n");
        SHOW(map(900 * MIB, PROT_READ, MAP_PRIVATE) == MAP_FAILED);
        SHOW(map(150 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE) == MAP_FAILED);
        return 0;
    }
    if (fork() == 0) {
        limit(RLIMIT_AS, 300 * MIB);
        SHOW(map(400 * MIB, PROT_NONE, MAP_PRIVATE));
        SHOW(map(400 * MIB, PROT_READ, MAP_SHARED));
        char *area = map(100 * MIB, PROT_READ, MAP_PRIVATE);
        WORKS(area);
        WORKS(map(100 * MIB, PROT_READ, MAP_PRIVATE));
        WORKS(map(100 * MIB, PROT_READ, MAP_PRIVATE));
        SHOW(mmap(area, 100 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == area);
        SHOW(mremap(area, 100 * MIB, 200 * MIB, MREMAP_MAYMOVE));
        WORKS(mremap(area, 100 * MIB, 150 * MIB, MREMAP_MAYMOVE));
        SHOW(malloc(200 * MIB) == NULL);
        SHOW(sbrk(200 * MIB));
        limit(RLIMIT_AS, RLIM_INFINITY);
        WORKS(map(400 * MIB, PROT_NONE, MAP_PRIVATE));
        exit(0);
    }
    wait(NULL);
    if (fork() == 0) {
        limit(RLIMIT_DATA, 64 * MIB);
        SHOW(map(100 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE));
        WORKS(map(100 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED));
        char *area = map(100 * MIB, PROT_READ, MAP_PRIVATE);
        WORKS(area);
        SHOW(mprotect(area, 100 * MIB, PROT_READ | PROT_WRITE));
        SHOW(mprotect(area, 10 * MIB, PROT_READ | PROT_WRITE));
        SHOW(sbrk(100 * MIB));
        WORKS(sbrk(10 * MIB));
        exit(0);
    }
    wait(NULL);
    if (fork() == 0) {
        static char alternate[1 << 16];
        stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
        sigaltstack(&stack, NULL);
        struct sigaction action = {.sa_handler = overflow, .sa_flags = SA_ONSTACK};
        sigaction(SIGSEGV, &action, NULL);
        limit(RLIMIT_STACK, 2 * MIB);
        try_deep(1 * MIB);
        try_deep(4 * MIB);
        limit(RLIMIT_STACK, 64 * MIB);
        try_deep(4 * MIB);
        try_deep(32 * MIB);
        try_deep(80 * MIB);
        limit(RLIMIT_STACK, 16 * MIB);
        // What was used stays.
        try_deep(24 * MIB);
        exit(0);
    }
    wait(NULL);
    limit(RLIMIT_NOFILE, 8);
    for (int i = 0; i < 7; i++) WORKS(open(i == 4 ? "/proc/self/maps" : "/dev/null", O_RDONLY));
    SHOW(dup2(0, 8));
    for (int i = 3; i < 8; i++) close(i);
    SHOW(open("/proc/self/status", O_RDONLY));
    limit(RLIMIT_AS, 800 * MIB);
    limit(RLIMIT_DATA, 100 * MIB);
    limit(RLIMIT_STACK, 3 * MIB);
    fflush(stdout);
    if (fork() == 0) execv("/proc/self/exe", (char *[]){argv[0], "again", NULL});
    wait(NULL);
    // A program of the host's gets them too.
    fflush(stdout);
    if (fork() == 0) execl("/bin/sh", "sh", "-c", "ulimit -v; ulimit -d; ulimit -s", NULL);
    wait(NULL);
}
