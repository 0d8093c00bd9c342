// Mappings made, touched, protected and removed.
#include <stdio.h>
#include <sys/mman.h>
int main(void) {
    long sum = 0;
    for (int i = 0; i < 20000; i++) {
        size_t size = (i % 16 + 1) * 4096;
        signed char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) return 1;
        p[0] = i, p[size - 1] = i;
        if (mprotect(p, 4096, PROT_READ)) return 1;
        sum += p[0] + p[size - 1];
        if (munmap(p, size)) return 1;
    }
    printf("%ld\n", sum);
}
