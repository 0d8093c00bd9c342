// Strings: building, searching and hashing words.
#include <stdio.h>
#include <string.h>
static char text[1 << 20];
int main(void) {
    unsigned seed = 1;
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        seed = seed * 1103515245 + 12345;
        text[i] = (seed >> 16) % 7 == 0 ? ' ' : 'a' + (seed >> 20) % 26;
    }
    unsigned long hash = 0, found = 0;
    for (int round = 0; round < 40; round++) {
        for (char *p = text; (p = strstr(p, "ab")); p += 2) found++;
        for (char *p = text; *p;) {
            size_t n = strcspn(p, " ");
            unsigned h = 5381;
            for (size_t i = 0; i < n; i++) h = h * 33 ^ (unsigned char)p[i];
            hash += h;
            p += n;
            p += strspn(p, " ");
        }
    }
    printf("%lu %lu\n", found, hash);
}
