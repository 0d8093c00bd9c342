// A fast Fourier transform in double precision, in place.
#include <math.h>
#include <stdio.h>
enum { N = 1 << 14 };
static double re[N], im[N], cosines[N / 2], sines[N / 2];
static void fft(double sign) {
    for (int i = 1, j = 0; i < N; i++) {
        int bit = N >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i < j) {
            double t = re[i]; re[i] = re[j], re[j] = t;
            t = im[i]; im[i] = im[j], im[j] = t;
        }
    }
    for (int half = 1; half < N; half *= 2)
        for (int i = 0; i < N; i += 2 * half)
            for (int k = 0; k < half; k++) {
                double c = cosines[k * (N / 2 / half)], s = sign * sines[k * (N / 2 / half)];
                double *r = &re[i + k], *m = &im[i + k];
                double x = r[half] * c - m[half] * s, y = r[half] * s + m[half] * c;
                r[half] = r[0] - x, m[half] = m[0] - y, r[0] += x, m[0] += y;
            }
}
int main(void) {
    for (int i = 0; i < N / 2; i++) cosines[i] = cos(2 * M_PI * i / N), sines[i] = sin(2 * M_PI * i / N);
    for (int i = 0; i < N; i++) re[i] = i % 97, im[i] = 0;
    for (int round = 0; round < 200; round++) {
        fft(1), fft(-1);
        for (int i = 0; i < N; i++) re[i] /= N, im[i] /= N;
    }
    double wrong = 0;
    for (int i = 0; i < N; i++) wrong += fabs(re[i] - i % 97) + fabs(im[i]);
    printf("%s\n", wrong < 1e-3 ? "right" : "wrong");
}
