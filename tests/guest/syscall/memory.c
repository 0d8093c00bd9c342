/// qemu: no, it answers madvise by itself
/// native: yes
// mmap and its relatives through the table: errors, rights, moves, what mincore and madvise say.
#include "check.h"
#include <sys/mman.h>

#define PAGE 4096L

int main(void) {
    char *area = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    WORKS(area);
    SHOW(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0));
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
    SHOW(mmap(area + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    SHOW(mmap(area, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    SHOW(mmap(area, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == area);
    SHOW(mprotect(area, 8 * PAGE, PROT_READ | PROT_WRITE));
    SHOW(mprotect(area + 1, PAGE, PROT_READ));
    SHOW(mprotect(area, PAGE, 0x1000));
    strcpy(area, "text");
    unsigned char resident[8];
    SHOW(mincore(area, 8 * PAGE, resident));
    printf("%d %d\n", resident[0] & 1, resident[7] & 1);
    SHOW(madvise(area, PAGE, MADV_DONTNEED));
    printf("%d\n", area[0]);
    SHOW(madvise(area, PAGE, 9999));
    SHOW(msync(area, PAGE, MS_SYNC));
    SHOW(msync(area, PAGE, MS_SYNC | MS_ASYNC));
    SHOW(mlock(area, PAGE));
    SHOW(munlock(area, PAGE));
    strcpy(area + PAGE, "moved");
    char *moved = mremap(area + PAGE, PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    printf("%s\n", moved);
    SHOW(mremap(area + PAGE, PAGE, PAGE, 0));
    SHOW(munmap(area, 8 * PAGE));
    SHOW(munmap(area + 1, PAGE));
    SHOW(munmap(area, 0));
    SHOW(mprotect(area, PAGE, PROT_READ));
    // The kernel refuses what the guest may not write, whoever asks.
    char *constant = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int pipes[2];
    if (pipe(pipes)) return 1;
    SHOW(write(pipes[1], constant, 4));
    SHOW(read(pipes[0], constant, 4));
    SHOW(mprotect(constant, PAGE, PROT_NONE));
    SHOW(write(pipes[1], constant, 4));
    // Nearly all of a gap's first page may be read into, and no more.
    char *two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(two + PAGE, PAGE);
    int zero = open("/dev/zero", O_RDONLY);
    SHOW(read(zero, two + PAGE - 10, 20));
    SHOW(brk((void *)1));
    void *before = sbrk(0);
    SHOW(sbrk(10 * PAGE) == before);
    SHOW((char *)sbrk(0) - (char *)before);
    SHOW(sbrk(-10 * PAGE) != (void *)-1);
    SHOW(sbrk(0) == before);
}
