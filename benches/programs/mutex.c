// A mutex that two threads contend for: compare and swap, futex.
#include <pthread.h>
#include <stdio.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long shared;
static void *work(void *unused) {
    for (int i = 0; i < 10000000; i++) {
        pthread_mutex_lock(&lock);
        shared += i & 1;
        pthread_mutex_unlock(&lock);
    }
    return unused;
}
int main(void) {
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    printf("%ld\n", shared);
}
