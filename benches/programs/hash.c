// A hash table with open addressing: multiplication, shifts, and loads that miss the cache.
#include <stdint.h>
#include <stdio.h>
enum { SLOTS = 1 << 18 };
static uint64_t keys[SLOTS];
static uint32_t counts[SLOTS];
static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}
static uint32_t add(uint64_t key) {
    uint32_t i = mix(key) % SLOTS;
    while (keys[i] && keys[i] != key) i = (i + 1) % SLOTS;
    keys[i] = key;
    return ++counts[i];
}
int main(void) {
    uint64_t seed = 9, sum = 0;
    for (int i = 0; i < 15000000; i++) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        sum += add((seed >> 40) % 150000 + 1);
    }
    printf("%lu\n", (unsigned long)sum);
}
