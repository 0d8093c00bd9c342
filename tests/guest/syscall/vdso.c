/// qemu: no, its vDSO has neither getrandom nor the rest of LINUX_4.15
// The vDSO's functions, found as libc finds them, give what the system calls of their names give.
// With an argument only the vDSO is asked: tests/vdso.rs forbids the host's kernel the calls then.
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static void *find(const char *name) {
    char *base = (char *)getauxval(AT_SYSINFO_EHDR);
    Elf64_Ehdr *head = (Elf64_Ehdr *)base;
    Elf64_Phdr *segment = (Elf64_Phdr *)(base + head->e_phoff);
    Elf64_Sym *symbols = 0;
    char *strings = 0;
    uint32_t *hash = 0;
    for (int i = 0; i < head->e_phnum; i++) {
        if (segment[i].p_type != PT_DYNAMIC) continue;
        for (Elf64_Dyn *entry = (Elf64_Dyn *)(base + segment[i].p_offset); entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_SYMTAB) symbols = (Elf64_Sym *)(base + entry->d_un.d_ptr);
            if (entry->d_tag == DT_STRTAB) strings = base + entry->d_un.d_ptr;
            if (entry->d_tag == DT_HASH) hash = (uint32_t *)(base + entry->d_un.d_ptr);
        }
    }
    for (uint32_t i = 1; i < hash[1]; i++)
        if (!strcmp(strings + symbols[i].st_name, name)) return base + symbols[i].st_value;
    return 0;
}

static long apart(struct timespec a, struct timespec b) {
    return (b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec;
}

int main(int argc, char **argv) {
    int alone = argc > 1;
    (void)argv;
    long (*gettime)(int, struct timespec *) = find("__vdso_clock_gettime");
    long (*getres)(int, struct timespec *) = find("__vdso_clock_getres");
    long (*timeofday)(struct timeval *, void *) = find("__vdso_gettimeofday");
    long (*cpu)(unsigned *, unsigned *, void *) = find("__vdso_getcpu");
    long (*probe)(int64_t *, size_t, size_t, unsigned long *, unsigned) = find("__vdso_riscv_hwprobe");
    long (*flush)(void *, void *, unsigned long) = find("__vdso_flush_icache");
    long (*random)(void *, size_t, unsigned, void *, size_t) = find("__vdso_getrandom");
    printf("%d\n", gettime && getres && timeofday && cpu && probe && flush && random && find("__vdso_rt_sigreturn"));

    int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI};
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        struct timespec first, middle, last, fine, real_fine;
        long result = gettime(clocks[i], &first);
        if (alone) middle = first; else syscall(SYS_clock_gettime, clocks[i], &middle);
        gettime(clocks[i], &last);
        long resolution = getres(clocks[i], &fine);
        if (alone) real_fine = fine; else syscall(SYS_clock_getres, clocks[i], &real_fine);
        // Reading the coarse clocks from two places may differ by a tick.
        int ordered = apart(first, middle) >= -10000000 && apart(middle, last) >= -10000000 && apart(first, last) >= 0;
        printf("clock %d: %ld %ld %d %d\n", clocks[i], result, resolution, ordered, apart(fine, real_fine) == 0);
    }
    struct timeval now;
    int zone[2];
    printf("%ld %d\n", timeofday(&now, 0), now.tv_sec > 1600000000);
    printf("%ld %ld\n", timeofday(0, zone), timeofday(0, 0));
    unsigned processor = 12345, node = 12345;
    printf("%ld %d %d\n", cpu(&processor, &node, 0), processor < 4096, node < 4096);
    int64_t pair[2] = {3, 0};
    printf("%ld %d\n", probe(pair, 1, 0, 0, 0), pair[0] == 3 && pair[1] & 1);
    printf("%ld\n", flush(pair, pair + 1, 0));
    struct { uint32_t size, prot, flags, reserved[13]; } how;
    printf("%ld %d\n", random(0, 0, 0, &how, ~0UL), how.size > 0 && how.prot == 3);
    char state[256], bytes[3][32] = {{0}};
    printf("%d\n", how.size <= sizeof state);
    for (int i = 0; i < 2; i++) printf("%ld\n", random(bytes[i], 32, 0, state, how.size));
    printf("%d\n", memcmp(bytes[0], bytes[1], 32) && memcmp(bytes[0], bytes[2], 32));
    if (!alone) {
        printf("%ld %ld\n", gettime(4711, 0), getres(4711, 0));
        printf("%ld %ld %ld\n", gettime(0, (void *)-8), cpu((void *)-8, 0, 0), random((void *)-8, 8, 0, state, how.size));
    }
    for (int i = 0; i < 100000; i++) {
        struct timespec time;
        gettime(CLOCK_MONOTONIC, &time), cpu(&processor, 0, 0), getres(CLOCK_MONOTONIC, &time);
        random(bytes[0], 16, 0, state, how.size);
    }
}
