/// native: yes
// Do handlers that leave by siglongjmp leave the program right, ten thousand times?
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
static sigjmp_buf back;
static void on(int sig) { siglongjmp(back, sig); }
int main(void) {
    volatile long traps = 0;
    signal(SIGSEGV, on);
    for (volatile int i = 0; i < 10000; i++) {
        if (sigsetjmp(back, 1) == 0) *(volatile int *)(long)(i % 4000) = i;
        else traps++;
    }
    printf("%ld\n", traps);
}
