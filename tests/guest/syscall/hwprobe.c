/// options: --cpu rv64
/// qemu: no, its processor is another one
// What does riscv_hwprobe say of a processor, and whom does it ask?
#include "check.h"
#include <sched.h>

struct pair { int64_t key; uint64_t value; };

static long probe(struct pair *pairs, size_t count, size_t size, void *set, unsigned flags) {
    return syscall(258, pairs, count, size, set, flags);
}

int main(void) {
    struct pair pairs[] = {{3, 9}, {4, 9}, {7, 9}, {9, 9}, {777, 9}};
    SHOW(probe(pairs, 5, 0, NULL, 0));
    for (int i = 0; i < 5; i++) printf("%lld: %#llx\n", (long long)pairs[i].key, (unsigned long long)pairs[i].value);
    SHOW(probe(BAD, 1, 0, NULL, 0));
    SHOW(probe(pairs, 1, 0, NULL, 2));
    SHOW(probe(pairs, 1, 8, NULL, 0));
    cpu_set_t set;
    CPU_ZERO(&set);
    struct pair floating = {4, 1}, vector = {4, 4};
    SHOW(probe(&floating, 1, sizeof set, &set, 1));
    printf("%d\n", CPU_COUNT(&set) > 0 && CPU_ISSET(0, &set));
    SHOW(probe(&vector, 1, sizeof set, &set, 1));
    printf("%d\n", CPU_COUNT(&set));
    SHOW(syscall(259, pairs, pairs + 1, 0));
    SHOW(syscall(259, 0, 0, 1));
    SHOW(syscall(259, 0, 0, 2));
}
