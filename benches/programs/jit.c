// A small just-in-time compiler: writes functions, runs each some times, and writes others over them.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
typedef long function(long);
#ifdef __riscv
// addi a0, a0, k; then a return.
static unsigned char *add(unsigned char *p, int k) { uint32_t i = (uint32_t)k << 20 | 10 << 15 | 10 << 7 | 0x13; memcpy(p, &i, 4); return p + 4; }
static unsigned char *finish(unsigned char *p) { uint32_t i = 0x8067; memcpy(p, &i, 4); return p + 4; }
#else
// add rdi, k; then mov rax, rdi and a return.
static unsigned char *add(unsigned char *p, int k) { int32_t i = k; *p++ = 0x48; *p++ = 0x81; *p++ = 0xc7; memcpy(p, &i, 4); return p + 4; }
static unsigned char *finish(unsigned char *p) { memcpy(p, "\x48\x89\xf8\xc3", 4); return p + 4; }
#endif
int main(void) {
    unsigned char *code = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) return 1;
    long value = 0;
    for (int version = 0; version < 5000; version++) {
        unsigned char *start = code + version % 64 * 1024, *p = start;
        for (int i = 0; i < 40; i++) p = add(p, (version + i) % 1000);
        p = finish(p);
        __builtin___clear_cache((char *)start, (char *)p);
        for (int call = 0; call < 2000; call++) value = ((function *)start)(value) & 0xffffffffff;
    }
    printf("%ld\n", value);
}
