// Rounding modes set and restored around sums, as interval arithmetic does.
#include <fenv.h>
#include <stdio.h>
static double low[1000], high[1000];
// Opaque: the compiler must not move arithmetic across the change of mode.
__attribute__((noipa)) static double add(double x, double y) { return x + y / 3; }
__attribute__((noipa)) static double subtract(double x, double y) { return x - y; }
int main(void) {
    double width = 0;
    for (int round = 0; round < 6000; round++)
        for (int i = 0; i < 1000; i++) {
            double x = add(i, round);
            fesetround(FE_DOWNWARD);
            low[i] = add(low[i] * 0.5, x);
            fesetround(FE_UPWARD);
            high[i] = add(high[i] * 0.5, x);
            fesetround(FE_TONEAREST);
            width += subtract(high[i], low[i]);
        }
    printf("%.12g %.17g\n", width, high[7]);
}
