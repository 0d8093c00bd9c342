// SHA-256: rotations and additions of 32-bit words.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
static uint32_t k[64], state[8];
static uint8_t data[1 << 16];
static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }
// The constants are the first bits of the fractional parts of the cube and square roots of primes, found by bisection.
static uint32_t fraction(unsigned prime, int power) {
    unsigned __int128 low = 0, high = (unsigned __int128)1 << 37;
    while (high - low > 1) {
        unsigned __int128 middle = (low + high) / 2, value = middle * middle, bound = (unsigned __int128)prime << 64;
        if (power == 3) value = (value >> 16) * middle, bound = (unsigned __int128)prime << 80;
        if (value <= bound) low = middle; else high = middle;
    }
    return low;
}
static void block(const uint8_t *p) {
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++) w[i] = p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t e = s[4], a = s[0];
        uint32_t t1 = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & s[5]) ^ (~e & s[6])) + k[i] + w[i];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
        s[7] = s[6], s[6] = s[5], s[5] = e, s[4] = s[3] + t1, s[3] = s[2], s[2] = s[1], s[1] = a, s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) state[i] += s[i];
}
int main(void) {
    int n = 0;
    for (unsigned prime = 2; n < 64; prime++) {
        unsigned d = 2;
        while (prime % d) d++;
        if (d != prime) continue;
        if (n < 8) state[n] = fraction(prime, 2);
        k[n++] = fraction(prime, 3);
    }
    for (size_t i = 0; i < sizeof data; i++) data[i] = i * 7;
    for (int round = 0; round < 800; round++)
        for (size_t i = 0; i < sizeof data; i += 64) block(data + i);
    for (int i = 0; i < 8; i++) printf("%08x", state[i]);
    puts("");
}
