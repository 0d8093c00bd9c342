/* Counts lines, words and bytes of standard input, as `wc` does: system calls and a state machine. */
#include "tiny.h"

static u8 buffer[65536];

int program(int argc, char **argv)
{
    (void)argc, (void)argv;
    u64 lines = 0, words = 0, bytes = 0;
    int in_word = 0;
    long got;
    while ((got = sys_read(0, buffer, sizeof buffer)) > 0) {
        bytes += got;
        for (long i = 0; i < got; i++) {
            u8 c = buffer[i];
            int space = c == ' ' || (c >= '\t' && c <= '\r');
            lines += c == '\n';
            words += !space && !in_word;
            in_word = !space;
        }
    }
    if (got < 0) {
        put("wordcount: cannot read standard input\n");
        return 1;
    }
    put_number(lines);
    put(" ");
    put_number(words);
    put(" ");
    put_number(bytes);
    put("\n");
    return 0;
}
