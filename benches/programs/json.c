// A recursive JSON parser: unpredictable branches on bytes, a switch, recursion.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static char text[1 << 20];
static const char *p;
static long objects, numbers, letters;
static void space(void) { while (*p == ' ' || *p == '\n') p++; }
static void fail(void) { printf("wrong at %ld: %.20s\n", (long)(p - text), p); exit(1); }
static void string(void) {
    for (p++; *p != '"'; p++, letters++) {
        if (*p == '\\') p++;
        if (!*p) fail();
    }
    p++;
}
static void number(void) {
    long value = 0, sign = 1;
    if (*p == '-') sign = -1, p++;
    for (; *p >= '0' && *p <= '9'; p++) value = value * 10 + *p - '0';
    numbers += sign * value;
}
static void value(void);
static void list(char end, int named) {
    p++, space();
    while (*p != end) {
        if (named) {
            string(), space();
            if (*p++ != ':') fail();
        }
        value(), space();
        if (*p == ',') p++, space(); else if (*p != end) fail();
    }
    p++;
}
static void value(void) {
    space();
    switch (*p) {
    case '{': objects++, list('}', 1); break;
    case '[': list(']', 0); break;
    case '"': string(); break;
    case 't': case 'n': p += 4; break;
    case 'f': p += 5; break;
    case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9': number(); break;
    default: fail();
    }
}
int main(void) {
    char *out = text;
    out += sprintf(out, "[");
    for (unsigned i = 0; out < text + sizeof text - 300; i++)
        out += sprintf(out, "%s{ \"id\": %u, \"name\": \"part \\\"%u\\\" of many\", \"size\": [%d, %u, -%u],\n  \"flags\": { \"new\": %s, \"old\": null } }",
                       i ? ", " : "", i, i * 2654435761u, -(int)i, i * i, i % 97, i % 3 ? "true" : "false");
    strcpy(out, "]");
    for (int round = 0; round < 200; round++) p = text, value();
    printf("%ld %ld %ld\n", objects, numbers, letters);
}
