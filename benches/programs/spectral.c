// The spectral norm of an infinite matrix: divisions and conversions from integers.
#include <math.h>
#include <stdio.h>
enum { N = 1000 };
static double element(int i, int j) { return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1); }
static void times(const double *v, double *out, int transposed) {
    for (int i = 0; i < N; i++) {
        out[i] = 0;
        for (int j = 0; j < N; j++) out[i] += (transposed ? element(j, i) : element(i, j)) * v[j];
    }
}
int main(void) {
    static double u[N], v[N], t[N];
    for (int i = 0; i < N; i++) u[i] = 1;
    for (int i = 0; i < 20; i++) times(u, t, 0), times(t, v, 1), times(v, t, 0), times(t, u, 1);
    double uv = 0, vv = 0;
    for (int i = 0; i < N; i++) uv += u[i] * v[i], vv += v[i] * v[i];
    printf("%.9f\n", sqrt(uv / vv));
}
