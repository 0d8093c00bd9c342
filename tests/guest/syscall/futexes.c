/// qemu: no, it lacks the newer futex calls
/// native: yes
// Futexes beyond FUTEX_WAIT: vectors, the new single calls, bit sets, time limits.
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <time.h>

static uint32_t words[3];
struct waiter { uint64_t value, address; uint32_t flags, reserved; };

static void *waker(void *unused) {
    (void)unused;
    usleep(20000);
    __atomic_store_n(&words[1], 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &words[1], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    return NULL;
}

int main(void) {
    struct timespec shortly = {0, 10000000}, deadline;
    SHOW(syscall(SYS_futex, &words[0], FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
    SHOW(syscall(SYS_futex, &words[0], FUTEX_WAIT_PRIVATE, 0, &shortly, NULL, 0));
    SHOW(syscall(SYS_futex, BAD, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    SHOW(syscall(SYS_futex, &words[0], FUTEX_WAIT_BITSET_PRIVATE, 0, &deadline, NULL, 1));
    SHOW(syscall(SYS_futex, &words[0], FUTEX_WAIT_BITSET_PRIVATE, 0, &deadline, NULL, 0));
    struct waiter waiters[3];
    for (int i = 0; i < 3; i++) waiters[i] = (struct waiter){0, (uintptr_t)&words[i], 2 | 128, 0};
    pthread_t thread;
    pthread_create(&thread, NULL, waker, NULL);
    SHOW(syscall(449, waiters, 3, 0, NULL, CLOCK_MONOTONIC));
    pthread_join(thread, NULL);
    SHOW(syscall(449, waiters, 3, 0, NULL, CLOCK_MONOTONIC));
    waiters[1].value = 1;
    SHOW(syscall(449, waiters, 3, 0, &deadline, CLOCK_MONOTONIC));
    SHOW(syscall(449, waiters, 200, 0, NULL, CLOCK_MONOTONIC));
    SHOW(syscall(449, BAD, 1, 0, NULL, CLOCK_MONOTONIC));
    SHOW(syscall(454, &words[0], -1L, 1, 2 | 128));
    SHOW(syscall(455, &words[0], 5, -1L, 2 | 128, NULL, CLOCK_MONOTONIC));
}
