// A product of matrices of 32-bit integers.
#include <stdio.h>
enum { N = 320 };
static int a[N][N], b[N][N], c[N][N];
int main(void) {
    for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) a[i][j] = i * 3 - j, b[i][j] = i ^ j;
    for (int round = 0; round < 4; round++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                unsigned s = 0;
                for (int k = 0; k < N; k++) s += (unsigned)a[i][k] * b[k][j];
                c[i][j] = s + c[j][i];
            }
    printf("%d\n", c[17][39]);
}
