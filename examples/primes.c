/* Counts the primes below a number (20 million unless given) with a sieve: loops that become hot and are compiled. */
#include "tiny.h"

#define LIMIT 50000000

static u8 composite[LIMIT];

static u64 parse(const char *text)
{
    u64 n = 0;
    for (; *text >= '0' && *text <= '9'; text++) n = n * 10 + (*text - '0');
    return *text ? 0 : n;
}

int program(int argc, char **argv)
{
    u64 limit = argc > 1 ? parse(argv[1]) : 20000000;
    if (limit == 0 || limit > LIMIT) {
        put("primes: the limit is a number from 1 to 50000000\n");
        return 2;
    }
    u64 count = 0;
    for (u64 n = 2; n < limit; n++) {
        if (composite[n]) continue;
        count++;
        for (u64 multiple = n * n; multiple < limit; multiple += n) composite[multiple] = 1;
    }
    put_number(count);
    put(" primes below ");
    put_number(limit);
    put("\n");
    return 0;
}
