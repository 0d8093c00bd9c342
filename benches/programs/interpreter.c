// An interpreter: indirect jumps through a switch.
#include <stdio.h>
enum { PUSH, ADD, SUB, DUP, SWAP, OVER, JNZ, DROP, MIX, HALT };
static const int code[] = {PUSH, 0, PUSH, 12000000, SWAP, OVER, ADD, MIX, SWAP, PUSH, 1, SUB, DUP, JNZ, 4, DROP, HALT};
int main(void) {
    long stack[16], *sp = stack;
    for (const int *pc = code;;) {
        switch (*pc++) {
        case PUSH: *sp++ = *pc++; break;
        case ADD: sp--, sp[-1] += *sp; break;
        case SUB: sp--, sp[-1] -= *sp; break;
        case DUP: *sp = sp[-1], sp++; break;
        case OVER: *sp = sp[-2], sp++; break;
        case SWAP: { long t = sp[-1]; sp[-1] = sp[-2], sp[-2] = t; break; }
        case JNZ: pc = *--sp ? code + *pc : pc + 1; break;
        case DROP: sp--; break;
        case MIX: sp[-1] = sp[-1] * 31 ^ sp[-1] >> 7; break;
        case HALT: printf("%ld\n", sp[-1]); return 0;
        }
    }
}
