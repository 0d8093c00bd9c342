// Sorting with a callback: indirect calls.
#include <stdio.h>
#include <stdlib.h>
static int compare(const void *a, const void *b) { int x = *(const int *)a, y = *(const int *)b; return (x > y) - (x < y); }
static int v[1000000];
int main(void) {
    unsigned seed = 7;
    long sum = 0;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1000000; i++) seed = seed * 1664525 + 1013904223, v[i] = seed >> 1;
        qsort(v, 1000000, sizeof v[0], compare);
        sum += v[500000];
    }
    printf("%ld\n", sum);
}
