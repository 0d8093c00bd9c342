// The Mandelbrot set: a short loop of multiplications whose end is a comparison.
#include <stdio.h>
int main(void) {
    enum { SIZE = 600, LIMIT = 800 };
    long inside = 0, steps = 0;
    for (int py = 0; py < SIZE; py++)
        for (int px = 0; px < SIZE; px++) {
            double cx = px * 3.0 / SIZE - 2.25, cy = py * 3.0 / SIZE - 1.5, x = 0, y = 0;
            int n = 0;
            while (n < LIMIT && x * x + y * y <= 4) {
                double t = x * x - y * y + cx;
                y = 2 * x * y + cy, x = t, n++;
            }
            inside += n == LIMIT, steps += n;
        }
    printf("%ld %ld\n", inside, steps);
}
