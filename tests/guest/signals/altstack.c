/// native: yes
// Does a handler run on the alternate stack, and is a fault's address right and the access repeated after repair?
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
static char *page, *stack;
static volatile int on_stack, address_right, faults;
static void on(int sig, siginfo_t *info, void *context) {
    char here;
    on_stack = &here > stack && &here < stack + 65536;
    address_right = (char *)info->si_addr == page + 123;
    faults++;
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    (void)sig, (void)context;
}
int main(void) {
    stack = malloc(65536);
    stack_t alternate = {.ss_sp = stack, .ss_size = 65536};
    sigaltstack(&alternate, 0);
    page = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sigaction action = {0};
    action.sa_sigaction = on, action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, 0);
    for (int i = 0; i < 2000; i++) {
        mprotect(page, 4096, PROT_NONE);
        ((volatile char *)page)[123] = 42 + i % 3;
        if (page[123] != 42 + i % 3) return 1;
    }
    printf("%d %d %d\n", on_stack, address_right, faults);
}
