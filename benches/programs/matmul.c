// Double precision: a product of matrices.
#include <stdio.h>
enum { N = 400 };
static double a[N][N], b[N][N], c[N][N];
int main(void) {
    for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) a[i][j] = i - j, b[i][j] = i + j;
    for (int round = 0; round < 5; round++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                double s = 0;
                for (int k = 0; k < N; k++) s += a[i][k] * b[k][j];
                c[i][j] = s;
            }
    printf("%.0f\n", c[17][39]);
}
