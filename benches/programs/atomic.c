// Atomic additions, exchanges and compare-and-swap loops of two threads on one line of the cache.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
static _Atomic long sum, highest;
static _Atomic unsigned char small;
static void *work(void *start) {
    for (long i = (long)start; i < 30000000; i += 2) {
        atomic_fetch_add(&sum, i);
        long seen = atomic_load_explicit(&highest, memory_order_relaxed);
        while (seen < i && !atomic_compare_exchange_weak(&highest, &seen, i)) {}
        if (i % 16 < 2) atomic_fetch_add(&small, 1);
    }
    return NULL;
}
int main(void) {
    pthread_t threads[2];
    for (long i = 0; i < 2; i++) pthread_create(&threads[i], NULL, work, (void *)i);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    printf("%ld %ld %d\n", sum, highest, small);
}
