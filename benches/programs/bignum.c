// Long multiplication and division: 64-bit products of two words, carries, and divisions.
#include <stdint.h>
#include <stdio.h>
enum { WORDS = 64 };
static uint64_t a[WORDS], product[2 * WORDS];
static void multiply(const uint64_t *x, const uint64_t *y) {
    for (int i = 0; i < 2 * WORDS; i++) product[i] = 0;
    for (int i = 0; i < WORDS; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < WORDS; j++) {
            unsigned __int128 t = (unsigned __int128)x[i] * y[j] + product[i + j] + carry;
            product[i + j] = t, carry = t >> 64;
        }
        product[i + WORDS] = carry;
    }
}
static uint32_t divide(uint64_t *x, int words, uint32_t by) {
    uint64_t rest = 0;
    for (int i = words - 1; i >= 0; i--) {
        uint64_t high = rest << 32 | x[i] >> 32, low;
        rest = high % by, low = rest << 32 | (uint32_t)x[i];
        x[i] = high / by << 32 | low / by, rest = low % by;
    }
    return rest;
}
int main(void) {
    for (int i = 0; i < WORDS; i++) a[i] = 0x9e3779b97f4a7c15 * (i + 1);
    uint64_t sum = 0;
    for (int round = 0; round < 30000; round++) {
        multiply(a, a);
        for (int i = 0; i < WORDS; i++) a[i] = product[i + WORDS / 2] | 1;
        if (round % 4 == 0) for (int i = 0; i < 8; i++) sum += divide(product, 2 * WORDS, 1000000007 + round);
    }
    printf("%lu\n", (unsigned long)sum);
}
