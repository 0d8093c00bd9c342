// Loops over memory.
#include <stdio.h>
#include <string.h>
static char composite[8000000];
int main(void) {
    long primes = 0;
    for (int round = 0; round < 8; round++) {
        memset(composite, 0, sizeof composite);
        primes = 0;
        for (long i = 2; i < (long)sizeof composite; i++) {
            if (composite[i]) continue;
            primes++;
            for (long j = i * i; j < (long)sizeof composite; j += i) composite[j] = 1;
        }
    }
    printf("%ld\n", primes);
}
