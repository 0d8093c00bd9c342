// CRC-32 by one table: a chain of dependent loads with a shift and an exclusive or each.
#include <stdint.h>
#include <stdio.h>
static uint32_t table[256];
static uint8_t data[1 << 20];
int main(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
        table[i] = c;
    }
    for (size_t i = 0; i < sizeof data; i++) data[i] = i * i >> 5;
    uint32_t crc = ~0u;
    for (int round = 0; round < 150; round++)
        for (size_t i = 0; i < sizeof data; i++) crc = table[(crc ^ data[i]) & 255] ^ crc >> 8;
    printf("%08x\n", ~crc);
}
