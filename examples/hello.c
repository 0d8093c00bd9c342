/* Greets, and says under which name it was called: the smallest program that shows what a guest sees. */
#include "tiny.h"

int program(int argc, char **argv)
{
    put("Hello from a riscv64 program");
    if (argc > 1) {
        put(" to ");
        put(argv[1]);
    }
    put("!\n");
    return 0;
}
