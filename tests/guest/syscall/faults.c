/// native: yes
/// qemu: no, it gives si_code SI_KERNEL or SEGV_MAPERR where the kernel says more
// Memory that faults: file tails, mprotect flips, growing areas, moved and sealed ones; signal, code and address of each.
#include "check.h"
#include <setjmp.h>
#include <sys/mman.h>

#define PAGE 4096L
static sigjmp_buf back;
static volatile int number, code;
static void *volatile address;
static void on(int signal, siginfo_t *info, void *context) {
    number = signal, code = info->si_code, address = info->si_addr;
    (void)context;
    siglongjmp(back, 1);
}
static void touch(const char *what, volatile char *at, int write) {
    number = 0;
    if (sigsetjmp(back, 1) == 0) {
        if (write) *at = 1; else (void)*at;
    }
    if (number) printf("%s: signal %d code %d %s\n", what, number, code, address == at ? "at the address" : "elsewhere");
    else printf("%s: fine\n", what);
    fflush(stdout);
}

int main(void) {
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    action.sa_sigaction = on;
    sigaction(SIGSEGV, &action, NULL), sigaction(SIGBUS, &action, NULL);
    scratch();
    int file = open("tail", O_RDWR | O_CREAT, 0600);
    SHOW(ftruncate(file, PAGE + 100));
    char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    touch("inside", map + PAGE + 50, 1);
    touch("rest of the page", map + PAGE + 200, 1);
    touch("behind the file", map + 2 * PAGE, 0);
    touch("written behind the file", map + 3 * PAGE + 5, 1);
    SHOW(ftruncate(file, 10));
    touch("after it shrank", map + PAGE, 0);
    SHOW(ftruncate(file, 4 * PAGE));
    touch("after it grew", map + 3 * PAGE, 1);
    SHOW(read(file, map + 8 * PAGE, 1));
    char *area = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 200; i++) {
        int prot = i % 3 == 0 ? PROT_NONE : i % 3 == 1 ? PROT_READ : PROT_READ | PROT_WRITE;
        mprotect(area + PAGE, PAGE, prot);
        number = 0;
        if (sigsetjmp(back, 1) == 0) area[PAGE + 7] = i;
        if ((number == SIGSEGV) != (i % 3 != 2) || (number && (code != SEGV_ACCERR || address != area + PAGE + 7))) printf("flip %d: %d %d\n", i, number, code);
        number = 0;
        if (sigsetjmp(back, 1) == 0) (void)*(volatile char *)(area + PAGE + 7);
        if ((number == SIGSEGV) != (i % 3 == 0)) printf("read flip %d\n", i);
    }
    SHOW(munmap(area + 2 * PAGE, PAGE));
    touch("hole", area + 2 * PAGE, 1);
    touch("constant", (volatile char *)"text", 1);
    touch("null", NULL, 0);
    touch("near the end", (volatile char *)0x3ffffff000, 0);
    // An area that grows down: touched just below, it grows; far below there is nothing.
    char *room = mmap(NULL, 512 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(room, 512 * PAGE);
    char *growing = mmap(room + 500 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
    touch("top", growing, 1);
    touch("below", growing - 8, 1);
    touch("further below", growing - PAGE - 8, 1);
    SHOW(growing[-8] + growing[-PAGE - 8]);
    SHOW(munmap(growing - 2 * PAGE, 3 * PAGE));
    touch("gone", growing - 8, 0);
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (63 << MAP_HUGE_SHIFT), -1, 0) == MAP_FAILED);
    // Sealed memory (Linux 6.10): rights and place stay.
    char *sealed = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(syscall(462, sealed + PAGE, 2 * PAGE, 0));
    SHOW(syscall(462, sealed, PAGE, 1));
    SHOW(syscall(462, sealed + 1, PAGE, 0));
    SHOW(mprotect(sealed + PAGE, PAGE, PROT_READ | PROT_WRITE));
    SHOW(mprotect(sealed, PAGE, PROT_READ | PROT_WRITE));
    SHOW(munmap(sealed, 4 * PAGE));
    SHOW(mremap(sealed + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    SHOW(mmap(sealed + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    SHOW(madvise(sealed + PAGE, PAGE, MADV_DONTNEED));
    SHOW(madvise(sealed + PAGE, PAGE, MADV_WILLNEED));
    SHOW(munmap(sealed + 3 * PAGE, PAGE));
    unlink("tail");
    unscratch();
}
