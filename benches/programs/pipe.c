// Small writes and reads on a pipe within one thread: system calls with buffers.
#include <stdio.h>
#include <unistd.h>
int main(void) {
    int ends[2];
    if (pipe(ends)) return 1;
    unsigned char buffer[512] = {0};
    long sum = 0;
    for (int i = 0; i < 400000; i++) {
        buffer[i % 512]++;
        if (write(ends[1], buffer, sizeof buffer) != sizeof buffer) return 1;
        if (read(ends[0], buffer, sizeof buffer) != sizeof buffer) return 1;
        sum += buffer[i * 7 % 512];
    }
    printf("%ld\n", sum);
}
