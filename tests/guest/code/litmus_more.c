/// options: --tier 0
/// options: --threshold 2
// More litmus tests: independent reads of independent writes, load buffering, coherence of reads, two plus two writes.
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
enum { ROUNDS = 1500, THREADS = 4 };
static _Alignas(64) atomic_int x;
static _Alignas(64) atomic_int y;
static _Alignas(64) atomic_int met;
static _Alignas(64) atomic_int r[4];
static long forbidden[4];
#define LOAD(p) atomic_load_explicit(p, memory_order_relaxed)
#define STORE(p, v) atomic_store_explicit(p, v, memory_order_relaxed)
#define FENCE(kind) __asm__ volatile("fence " kind ::: "memory")
static void meet(int *n) {
    atomic_fetch_add(&met, 1);
    ++*n;
    for (int spins = 0; atomic_load(&met) < THREADS * *n; spins++)
        if (spins > 200) sched_yield();
}
static void clear(int me) { if (me == 0) STORE(&x, 0), STORE(&y, 0), STORE(&r[0], 0), STORE(&r[1], 0), STORE(&r[2], 0), STORE(&r[3], 0); }
static void *side(void *argument) {
    int me = (int)(long)argument, n = 0, a, b;
    for (int i = 0; i < ROUNDS; i++) {
        // IRIW: two readers with fences must agree on the order of two writes.
        clear(me); meet(&n);
        if (me == 0) STORE(&x, 1);
        if (me == 1) STORE(&y, 1);
        if (me == 2) { a = LOAD(&x); FENCE("r,r"); b = LOAD(&y); STORE(&r[0], a && !b); }
        if (me == 3) { a = LOAD(&y); FENCE("r,r"); b = LOAD(&x); STORE(&r[1], a && !b); }
        meet(&n);
        if (me == 0 && r[0] && r[1]) forbidden[0]++;
        // Load buffering with fences: not both may see what the other writes afterwards.
        clear(me); meet(&n);
        if (me == 0) { a = LOAD(&x); FENCE("r,w"); STORE(&y, 1); STORE(&r[0], a); }
        if (me == 1) { a = LOAD(&y); FENCE("r,w"); STORE(&x, 1); STORE(&r[1], a); }
        meet(&n);
        if (me == 0 && r[0] && r[1]) forbidden[1]++;
        // Coherence: a later read of one place never sees an older value.
        clear(me); meet(&n);
        if (me == 0) STORE(&x, 1), STORE(&x, 2);
        if (me == 1) { a = LOAD(&x); b = LOAD(&x); STORE(&r[0], b < a); }
        meet(&n);
        if (me == 0 && r[0]) forbidden[2]++;
        // Two plus two writes with fences: the last values cannot both be the first writes.
        clear(me); meet(&n);
        if (me == 0) { STORE(&x, 1); FENCE("w,w"); STORE(&y, 2); }
        if (me == 1) { STORE(&y, 1); FENCE("w,w"); STORE(&x, 2); }
        meet(&n);
        if (me == 0 && LOAD(&x) == 1 && LOAD(&y) == 1) forbidden[3]++;
        meet(&n);
    }
    return 0;
}
int main(void) {
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], 0, side, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], 0);
    printf("%ld %ld %ld %ld\n", forbidden[0], forbidden[1], forbidden[2], forbidden[3]);
}
