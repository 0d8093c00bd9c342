/// native: no
// Message passing, store buffering with fences, and lr/sc increments by two threads: no outcome that RVWMO forbids.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
enum { ROUNDS = 20000 };
static atomic_int x, y, turn, done, r[2];
static volatile int plain;
static long forbidden;
static void meet(int *n) { ++*n; atomic_fetch_add(&turn, 1); while (atomic_load(&turn) < 2 * *n) {} }
static void *side(void *argument) {
    int me = argument != 0, n = 0;
    for (int i = 0; i < ROUNDS; i++) {
        if (me == 0) atomic_store_explicit(&x, 0, memory_order_relaxed), atomic_store_explicit(&y, 0, memory_order_relaxed);
        meet(&n);
        // Store buffering: with full fences not both may read 0.
        atomic_store_explicit(me ? &y : &x, 1, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
        atomic_store_explicit(&r[me], atomic_load_explicit(me ? &x : &y, memory_order_relaxed), memory_order_relaxed);
        meet(&n);
        if (me == 0 && r[0] == 0 && r[1] == 0) forbidden++;
        meet(&n);
        // Message passing: whoever sees the flag sees the message.
        if (me == 0) { plain = i; atomic_store_explicit(&y, i + 2, memory_order_release); }
        else if (atomic_load_explicit(&y, memory_order_acquire) == i + 2 && plain != i) forbidden++;
        int old = atomic_load(&done);
        while (!atomic_compare_exchange_weak(&done, &old, old + 1)) {}
        meet(&n);
    }
    return 0;
}
int main(void) {
    pthread_t other;
    pthread_create(&other, 0, side, (void *)1);
    side(0);
    pthread_join(other, 0);
    printf("%ld %d\n", forbidden, (int)done);
}
