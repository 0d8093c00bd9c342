// LZ77 compression with a hash of three bytes, and decompression: byte loads and stores, short loops.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
enum { SIZE = 1 << 20, HASH = 1 << 14 };
static uint8_t input[SIZE], packed[SIZE * 2], output[SIZE];
static int heads[HASH];
static size_t compress(void) {
    uint8_t *out = packed;
    memset(heads, 0, sizeof heads);
    for (int i = 0; i < SIZE;) {
        int length = 0, from = 0;
        if (i + 3 < SIZE) {
            uint32_t three = input[i] | input[i + 1] << 8 | input[i + 2] << 16, h = three * 2654435761u >> 18;
            from = heads[h], heads[h] = i;
            while (i - from < 65536 && from < i && length < 255 && i + length < SIZE && input[from + length] == input[i + length]) length++;
        }
        if (length >= 4) {
            *out++ = length, *out++ = i - from, *out++ = (i - from) >> 8;
            i += length;
        } else {
            *out++ = 0, *out++ = input[i++];
        }
    }
    return out - packed;
}
static void decompress(size_t size) {
    uint8_t *out = output;
    for (const uint8_t *in = packed; in < packed + size;) {
        int length = *in++;
        if (length == 0) {
            *out++ = *in++;
        } else {
            const uint8_t *from = out - (in[0] | in[1] << 8);
            in += 2;
            while (length--) *out++ = *from++;
        }
    }
}
int main(void) {
    static const char *const words[] = {"the ", "quick ", "brown ", "fox ", "jumps ", "over ", "lazy ", "dogs\n", "compression ", "0123 "};
    unsigned seed = 3;
    for (int i = 0; i < SIZE;) {
        seed = seed * 1103515245 + 12345;
        for (const char *w = words[(seed >> 16) % 10]; *w && i < SIZE;) input[i++] = *w++;
        if (seed >> 29 == 0 && i < SIZE) input[i++] = seed >> 8;
    }
    size_t size = 0;
    for (int round = 0; round < 50; round++) size = compress(), decompress(size);
    printf("%zu %d\n", size, memcmp(input, output, SIZE));
}
