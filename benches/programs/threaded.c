// An interpreter with computed goto: indirect jumps that each follow their own pattern.
#include <stdio.h>
enum { ADD, XOR, SHIFT, LOAD, STORE, COUNT, HALT };
static const unsigned char code[] = {ADD, XOR, LOAD, SHIFT, ADD, STORE, XOR, LOAD, ADD, STORE, SHIFT, COUNT, HALT};
int main(void) {
    static const void *const labels[] = {&&add, &&xor, &&shift, &&load, &&store, &&count, &&halt};
    static unsigned long memory[256];
    unsigned long a = 1, b = 2, left = 16000000;
    const unsigned char *pc = code;
#define NEXT goto *labels[*pc++]
    NEXT;
add: a += b; NEXT;
xor: b ^= a * 5; NEXT;
shift: a = a << 7 | a >> 57; NEXT;
load: b += memory[a & 255]; NEXT;
store: memory[b & 255] = a; NEXT;
count: if (--left) pc = code; NEXT;
halt: printf("%lu %lu\n", a, b);
}
