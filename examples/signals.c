/* Reads addresses that do not exist, catches SIGSEGV, and steps over the load: what the handler finds in the saved
   registers is exact, and what it changes there takes effect. */
#include "tiny.h"

#define SIGSEGV 11
#define SA_SIGINFO 4

struct siginfo {
    int signo, error, code, padding;
    u64 address;
    u8 rest[104];
};

/* struct ucontext of Linux for riscv64: registers come after flags, link, stack and a 1024-bit mask, at the next
   multiple of 16. */
struct ucontext {
    u64 flags, link, stack[3], mask[16], padding;
    u64 pc, x[31];
};

struct sigaction {
    void (*handler)(int, struct siginfo *, struct ucontext *);
    u64 flags, mask;
};

static volatile u32 caught;

/* The load is `lw a0, 0(a1)` in full length: 4 bytes. */
static void on_fault(int signo, struct siginfo *info, struct ucontext *context)
{
    (void)signo;
    caught++;
    put("  caught SIGSEGV at address ");
    put_number(info->address);
    put(info->code == 1 ? ", not mapped\n" : ", not allowed\n");
    context->pc += 4;
    context->x[9] = 42;
}

static u64 careful_read(u64 address)
{
    register u64 result __asm__("a0") = 0;
    register u64 from __asm__("a1") = address;
    __asm__ volatile(".option push\n.option norvc\nlw a0, 0(a1)\n.option pop" : "+r"(result) : "r"(from) : "memory");
    return result;
}

int program(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct sigaction action = {on_fault, SA_SIGINFO, 0};
    if (syscall4(134, SIGSEGV, (long)&action, 0, 8) != 0) return 1;
    for (u64 i = 1; i <= 3; i++) {
        put("reading address ");
        put_number(i * 8);
        put("\n");
        if (careful_read(i * 8) != 42) return 1;
    }
    put("three faults, and still running\n");
    return caught == 3 ? 0 : 1;
}
