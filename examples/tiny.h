/* What the examples use of Linux, without a C library: each program stays a few kilobytes. riscv64 only. */
#ifndef TINY_H
#define TINY_H

typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned char u8;

/* A system call: number in a7, arguments in a0 to a2 and on, the result (or a negative error number) in a0. */
static inline long syscall4(long number, long a, long b, long c, long d)
{
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a3 __asm__("a3") = d;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a7) : "memory");
    return a0;
}

static inline long sys_read(int fd, void *to, u64 size) { return syscall4(63, fd, (long)to, size, 0); }
static inline long sys_write(int fd, const void *from, u64 size) { return syscall4(64, fd, (long)from, size, 0); }
static inline void sys_exit(int status) { for (;;) syscall4(94, status, 0, 0, 0); }

/* Prints text up to its final zero. */
static inline void put(const char *text)
{
    u64 size = 0;
    while (text[size]) size++;
    sys_write(1, text, size);
}

/* Prints a number in decimal. */
static inline void put_number(u64 n)
{
    char digits[21];
    int at = 20;
    digits[at] = 0;
    do digits[--at] = '0' + n % 10; while (n /= 10);
    put(digits + at);
}

/* The compiler may call these for copies and fills. */
__attribute__((used)) void *memset(void *to, int byte, u64 size)
{
    for (u64 i = 0; i < size; i++) ((volatile u8 *)to)[i] = byte;
    return to;
}

/* The program: gets its argument count and vector, gives its exit status. */
int program(int argc, char **argv);

__attribute__((used)) static void start(long *stack) { sys_exit(program((int)stack[0], (char **)(stack + 1))); }

/* Where the kernel starts a program: arguments are on the stack. Sets the global pointer as the ABI asks. */
__asm__(".globl _start\n"
        "_start:\n"
        "  .option push\n"
        "  .option norelax\n"
        "  la gp, __global_pointer$\n"
        "  .option pop\n"
        "  mv a0, sp\n"
        "  andi sp, sp, -16\n"
        "  call start\n");

#endif
