/// options: --tier 0
/// options: --threshold 2
// lr and sc between two threads: everybody gets on, no update is lost, and sc fails after another thread's store.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
enum { ROUNDS = 50000, STORES = 2000 };
static int counter;
static long wide;
static atomic_int turn;
static int word;
static void add(int *p, int by) {
    int old, failed;
    __asm__ volatile("1: lr.w.aq %0, (%2)\n add %0, %0, %3\n sc.w.rl %1, %0, (%2)\n bnez %1, 1b"
        : "=&r"(old), "=&r"(failed) : "r"(p), "r"(by) : "memory");
}
static void add_wide(long *p, long by) {
    long old, failed;
    __asm__ volatile("1: lr.d %0, (%2)\n add %0, %0, %3\n sc.d %1, %0, (%2)\n bnez %1, 1b"
        : "=&r"(old), "=&r"(failed) : "r"(p), "r"(by) : "memory");
}
static void *side(void *argument) {
    int sign = argument ? 2 : 1;
    for (int i = 0; i < ROUNDS; i++) add(&counter, sign), add_wide(&wide, (long)sign << 32);
    return 0;
}
// Stores between the other thread's lr and sc, when asked to.
static void *storer(void *argument) {
    (void)argument;
    for (int i = 0; i < STORES; i++) {
        while (atomic_load(&turn) != 2 * i + 1) {}
        __atomic_store_n(&word, i + 1000, __ATOMIC_RELAXED);
        atomic_store(&turn, 2 * i + 2);
    }
    return 0;
}
int main(void) {
    pthread_t other;
    pthread_create(&other, 0, side, (void *)1);
    side(0);
    pthread_join(other, 0);
    printf("%d %lx\n", counter, wide);
    pthread_create(&other, 0, storer, 0);
    int succeeded = 0;
    for (int i = 0; i < STORES; i++) {
        int old, failed;
        __asm__ volatile("lr.w %0, (%1)" : "=r"(old) : "r"(&word) : "memory");
        atomic_store(&turn, 2 * i + 1);
        while (atomic_load(&turn) != 2 * i + 2) {}
        __asm__ volatile("sc.w %0, %2, (%1)" : "=r"(failed) : "r"(&word), "r"(-1) : "memory");
        succeeded += !failed;
    }
    pthread_join(other, 0);
    printf("%d %d\n", succeeded, word);
}
