// Dies of a null pointer's neighbourhood, in a function with arguments, while another thread works.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int global = 4242;
double half = 0.5;
volatile int going;
static void *worker(void *argument) {
    volatile double sum = 0;
    for (;;) going++, sum += half;
    return argument;
}
__attribute__((noinline)) int crash(int depth, const char *text) {
    char local[32];
    strcpy(local, text);
    if (depth) return crash(depth - 1, text) + local[0];
    *(volatile int *)0x123 = global;
    return 1;
}
int main(int count, char **argv) {
    pthread_t thread;
    pthread_create(&thread, 0, worker, 0);
    while (going < 100000) {}
    char *heap = malloc(100);
    strcpy(heap, "on the heap");
    if (count > 1 && !strcmp(argv[1], "abort")) abort();
    return crash(3, heap);
}
