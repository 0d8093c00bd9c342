/// arch: -march=rv64gc
/// options: --tier 0
/// options: --tier 1
/// options: --threshold 2
/// options: --threshold 2 --passes none
/// options: --threshold 2 --host-without sse4.1
// Do operations raise their flags when, and only when, they are executed? Loops that run no or some times with operands
// that never change, operations whose result nobody reads, and equal operations with the flags cleared between them.
#include <stdio.h>

// Runs OP n times in a loop that tests first, with the operands in fa1, fa2 and a1; gives the flags.
#define LOOP(name, op) \
    __attribute__((noinline)) static unsigned name(long n, double a, double b, long c) { \
        unsigned flags; \
        register double fa1 __asm__("fa1") = a; \
        register double fa2 __asm__("fa2") = b; \
        register long a1 __asm__("a1") = c; \
        __asm__ volatile("csrwi fflags, 0\n1: beqz %[n], 2f\n\t" op "\n\taddi %[n], %[n], -1\n\tj 1b\n2: frflags %[f]\n" \
            : [f] "=&r"(flags), [n] "+r"(n), "+f"(fa1), "+f"(fa2), "+r"(a1) : : "fa0", "fa3", "fa4", "a2", "a3", "memory"); \
        return flags; \
    }
LOOP(divide, "fdiv.d fa0, fa1, fa2")
LOOP(divide_unread, "fdiv.d fa0, fa1, fa2\n fmv.d fa0, fa1")
LOOP(unread_thrice, "fdiv.d fa0, fa1, fa2\n fsqrt.d fa0, fa1\n fmv.d fa0, fa1")
LOOP(divide_single, "fcvt.s.d fa3, fa1\n fcvt.s.d fa4, fa2\n fdiv.s fa0, fa3, fa4")
LOOP(root, "fsqrt.d fa0, fa1")
LOOP(multiply_add, "fmadd.d fa0, fa1, fa2, fa1")
LOOP(narrow, "fcvt.s.d fa0, fa1")
LOOP(to_integer, "fcvt.w.d a2, fa1, rtz")
LOOP(to_unsigned, "fcvt.lu.d a2, fa1")
LOOP(from_integer, "fcvt.s.l fa0, a1")
LOOP(from_integer_wide, "fcvt.d.l fa0, a1")
LOOP(equal, "feq.d a2, fa1, fa2")
LOOP(less, "flt.d zero, fa1, fa2")
LOOP(least, "fmin.d fa0, fa1, fa2")
LOOP(constants, "fmv.d.x fa0, zero\n fdiv.d fa0, fa0, fa0")
LOOP(copied, "fmv.d fa3, fa1\n beqz a1, 3f\n 3: fdiv.d fa0, fa3, fa2")
LOOP(constant_ahead, "fmv.d.x fa0, zero\n beqz a1, 3f\n 3: fdiv.d fa3, fa0, fa0")
LOOP(constant_integer, "li a2, -1\n beqz a1, 3f\n 3: fcvt.d.lu fa0, a2")
// The operation stands behind a condition that does not hold when a1 is 0.
LOOP(guarded, "beqz a1, 3f\n fdiv.d fa0, fa1, fa2\n 3:")
LOOP(guarded_root, "beqz a1, 3f\n fsqrt.d fa0, fa1\n fmv.d fa0, fa1\n 3:")
// An inner loop that runs once, or not if a1 is 0.
LOOP(nested, "srai a2, a1, 56\n 4: beqz a2, 5f\n fdiv.d fa0, fa1, fa2\n addi a2, a2, -1\n j 4b\n 5: fadd.d fa3, fa1, fa1")
// The result is read on one way only, and overwritten on the other.
LOOP(half_read, "fdiv.d fa0, fa1, fa2\n beqz a1, 3f\n fadd.d fa3, fa0, fa0\n 3: fmv.d fa0, fa1")

// Equal operations with the flags read and cleared between them.
__attribute__((noinline)) static unsigned twice(double a, double b) {
    unsigned one, two;
    __asm__ volatile("csrwi fflags, 0\n fdiv.d fa0, %2, %3\n frflags %0\n csrwi fflags, 0\n fdiv.d fa0, %2, %3\n frflags %1\n"
        : "=&r"(one), "=&r"(two) : "f"(a), "f"(b) : "fa0");
    return one << 8 | two;
}
__attribute__((noinline)) static unsigned twice_constant(void) {
    unsigned one, two;
    __asm__ volatile("csrwi fflags, 0\n fmv.d.x fa0, zero\n fdiv.d fa1, fa0, fa0\n frflags %0\n"
        "csrwi fflags, 0\n fmv.d.x fa0, zero\n fdiv.d fa1, fa0, fa0\n frflags %1\n"
        : "=&r"(one), "=&r"(two) : : "fa0", "fa1");
    return one << 8 | two;
}
// The same with the constant set in a block ahead of the operation's.
__attribute__((noinline)) static unsigned twice_ahead(long c) {
    unsigned one, two;
    __asm__ volatile("csrwi fflags, 0\n fmv.d.x fa0, zero\n beqz %2, 1f\n 1: fdiv.d fa1, fa0, fa0\n frflags %0\n"
        "csrwi fflags, 0\n fmv.d.x fa0, zero\n beqz %2, 2f\n 2: fdiv.d fa1, fa0, fa0\n frflags %1\n"
        : "=&r"(one), "=&r"(two) : "r"(c) : "fa0", "fa1");
    return one << 8 | two;
}
// Equal operations under two rounding modes.
__attribute__((noinline)) static double modes(double a, double b) {
    double down, up;
    __asm__ volatile("fsrmi 2\n fdiv.d %0, %2, %3\n fsrmi 3\n fdiv.d %1, %2, %3\n fsrmi 0\n"
        : "=&f"(down), "=&f"(up) : "f"(a), "f"(b));
    return up - down;
}

static const struct { const char *name; unsigned (*run)(long, double, double, long); } loops[] = {
#define ROW(name) {#name, name}
    ROW(divide), ROW(divide_unread), ROW(unread_thrice), ROW(divide_single), ROW(root), ROW(multiply_add), ROW(narrow), ROW(to_integer),
    ROW(to_unsigned), ROW(from_integer), ROW(from_integer_wide), ROW(equal), ROW(less), ROW(least), ROW(constants),
    ROW(copied), ROW(constant_ahead), ROW(constant_integer), ROW(guarded), ROW(guarded_root), ROW(nested), ROW(half_read),
};

int main(void) {
    const double zero = 0, nan = __builtin_nans(""), huge = 1e300, odd = -1.5;
    const double operands[][2] = {{1, 4}, {1, zero}, {odd, 3}, {huge, 1e-300}, {nan, 1}, {zero, zero}, {0.1, 0.3}};
    for (int round = 0; round < 40; round++)
        for (unsigned i = 0; i < sizeof loops / sizeof *loops; i++)
            for (unsigned k = 0; k < sizeof operands / sizeof *operands; k++)
                for (long n = 3; n >= 0; n--) {
                    double a = operands[k][0], b = operands[k][1];
                    // In the first rounds nothing is raised, so that code is made for loops that run.
                    if (round < 8) a = 1, b = 4;
                    unsigned with = loops[i].run(n, a, b, 0x123456789abcdef), without = loops[i].run(n, a, b, 0);
                    if (round == 0 || round >= 38) printf("%s %u %ld: %x %x\n", loops[i].name, k, n, with, without);
                }
    for (int round = 0; round < 40; round++) {
        unsigned all[] = {twice(1, 3), twice(1, 0), twice_constant(), twice_ahead(0), twice_ahead(1)};
        double gap = modes(1, 3);
        if (round % 13 == 0) printf("%x %x %x %x %x %g\n", all[0], all[1], all[2], all[3], all[4], gap);
    }
}
