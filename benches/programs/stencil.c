// A five-point stencil over a grid: streams of loads and stores of doubles.
#include <stdio.h>
enum { N = 600 };
static double grid[2][N][N];
int main(void) {
    for (int i = 0; i < N; i++) grid[0][0][i] = grid[1][0][i] = 100;
    for (int step = 0; step < 700; step++) {
        double (*from)[N] = grid[step % 2], (*to)[N] = grid[1 - step % 2];
        for (int i = 1; i < N - 1; i++)
            for (int j = 1; j < N - 1; j++)
                to[i][j] = 0.25 * (from[i - 1][j] + from[i + 1][j] + from[i][j - 1] + from[i][j + 1]);
    }
    printf("%.9f\n", grid[0][10][300]);
}
