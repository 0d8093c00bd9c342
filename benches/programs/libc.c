// The C library's functions on strings and memory, on short and long pieces.
#include <stdio.h>
#include <string.h>
static char a[1 << 16], b[1 << 16];
int main(void) {
    memset(a, 'x', sizeof a - 1);
    unsigned long sum = 0;
    for (int round = 0; round < 24000; round++) {
        size_t n = round * 37 % 60000 + 100;
        char *volatile at = a;
        at[n] = 0;
        sum += strlen(at);
        strcpy(b, at);
        sum += strcmp(at, b) == 0;
        at[n] = 'x';
        memmove(b + 3, b, n);
        sum += memcmp(a, b, n) == 0;
        sum += (char *)memchr(a, 'y', sizeof a) == NULL;
        for (int i = 0; i < 400; i++) {
            char word[32];
            size_t length = (i * 7 + round) % 24;
            memcpy(word, at + i, length), word[length] = 0;
            sum += strlen(word) + (strchr(word, 'q') == NULL) + (strncmp(word, at, 8) == 0);
        }
    }
    printf("%lu\n", sum);
}
