// Prints what the kernel tells a program of its processor: AT_HWCAP, the extensions of riscv_hwprobe, the isa line.
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include <sys/syscall.h>
int main(void) {
    struct { long long key; unsigned long long value; } pair = {4, 0};
    long status = syscall(258, &pair, 1, 0, 0, 0);
    printf("%lx %ld %llx\n", getauxval(AT_HWCAP), status, pair.value);
    char line[4096];
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "isa\t", 4)) { fputs(strchr(line, ':') + 2, stdout); break; }
}
