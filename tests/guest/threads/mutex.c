/// native: yes
// Do mutexes, condition variables and atomics hold with four threads?
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static long plain, who;
static atomic_long atomic;
static _Atomic unsigned char bytes[4];
static void *run(void *argument) {
    long me = (long)argument;
    for (int i = 0; i < 50000; i++) {
        pthread_mutex_lock(&lock), plain++, pthread_mutex_unlock(&lock);
        atomic_fetch_add(&atomic, 1), bytes[me]++;
    }
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&lock);
        while (who % 4 != me) pthread_cond_wait(&turn, &lock);
        who++;
        pthread_cond_broadcast(&turn);
        pthread_mutex_unlock(&lock);
    }
    return (void *)(me * 10);
}
int main(void) {
    pthread_t threads[4];
    long sum = 0;
    for (long i = 0; i < 4; i++) pthread_create(&threads[i], 0, run, (void *)i);
    for (int i = 0; i < 4; i++) { void *result; pthread_join(threads[i], &result); sum += (long)result; }
    printf("%ld %ld %ld %ld %d\n", plain, (long)atomic, who, sum, bytes[0] == (unsigned char)50000);
}
