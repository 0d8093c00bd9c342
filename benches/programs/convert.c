// Conversions between integers, floats and doubles, with every size and sign.
#include <stdint.h>
#include <stdio.h>
int main(void) {
    uint64_t seed = 5, sum = 0;
    float f = 0;
    for (int i = 0; i < 50000000; i++) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        double a = (int32_t)(seed >> 32), b = (int64_t)seed >> 20, c = (uint64_t)(seed >> 3);
        f = (float)(a * 0.5) + (float)(uint32_t)(seed >> 40);
        sum += (int32_t)(a * 0.25) + (int64_t)(b * 1.5) + (uint64_t)(c * 0.125) + (int64_t)f;
    }
    printf("%lu %.1f\n", (unsigned long)sum, f);
}
