/// native: yes
/// flags: -fnon-call-exceptions -fasynchronous-unwind-tables -fno-omit-frame-pointer
// Exceptions and backtraces cross signal frames: the vDSO describes them to unwinders.
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// libgcc's: the description of the function that holds an address.
struct Bases { void *text, *data, *function; };
extern "C" const void *_Unwind_Find_FDE(void *address, Bases *bases);

struct Thrown { int signal; void *address; };
static volatile int destroyed;
struct Guard { ~Guard() { destroyed = destroyed + 1; } };

static void thrower(int signal, siginfo_t *info, void *) {
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, signal), sigprocmask(SIG_UNBLOCK, &set, nullptr);
    throw Thrown{signal, info->si_addr};
}

__attribute__((noinline)) static int fault(volatile int *p, int depth) {
    Guard guard;
    return depth ? fault(p, depth - 1) + 1 : *p;
}

static void *frames[64];
static volatile int depth;
static void tracer(int) { depth = backtrace(frames, 64); }

__attribute__((noinline)) static int traced(int n, volatile int *p) {
    if (n) return traced(n - 1, p) + 1;
    return *p;
}
static volatile int *repaired;
static void repair(int signal) {
    tracer(signal);
    mprotect((void *)repaired, 4096, PROT_READ | PROT_WRITE);
}

static void with_handler(int signal, void (*handler)(int, siginfo_t *, void *), int flags) {
    struct sigaction action = {};
    action.sa_sigaction = handler, action.sa_flags = SA_SIGINFO | flags;
    sigaction(signal, &action, nullptr);
}

static void catch_all(const char *what) {
    int *page = (int *)mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 300; i++) {
        double kept = i * 1.5;
        int also = i * 7;
        try {
            destroyed = 0;
            fault(page + 5, i % 10);
            printf("not reached\n");
        } catch (Thrown &thrown) {
            if (thrown.signal != SIGSEGV || thrown.address != page + 5 || destroyed != i % 10 + 1) printf("wrong in %d\n", i);
        }
        if (kept != i * 1.5 || also != i * 7) printf("lost in %d\n", i);
    }
    printf("%s: caught\n", what);
}

static void *in_thread(void *) {
    stack_t stack = {};
    stack.ss_sp = malloc(1 << 16), stack.ss_size = 1 << 16;
    sigaltstack(&stack, nullptr);
    with_handler(SIGSEGV, thrower, SA_ONSTACK);
    catch_all("thread, alternate stack");
    return nullptr;
}

int main() {
    with_handler(SIGSEGV, thrower, 0);
    catch_all("main");
    with_handler(SIGUSR1, thrower, 0);
    try {
        Guard guard;
        raise(SIGUSR1);
    } catch (Thrown &thrown) {
        printf("raise: %d\n", thrown.signal == SIGUSR1);
    }
    pthread_t thread;
    pthread_create(&thread, nullptr, in_thread, nullptr);
    pthread_join(thread, nullptr);

    repaired = (int *)mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    signal(SIGSEGV, repair);
    traced(12, repaired);
    // The handler, the signal's frame, thirteen calls, main.
    int inside = 0;
    for (int i = 0; i < depth; i++) {
        char *at = (char *)frames[i];
        inside += at > (char *)traced && at < (char *)traced + 200;
    }
    printf("backtrace: %d of traced\n", inside);
    signal(SIGUSR1, tracer);
    raise(SIGUSR1);
    printf("backtrace of raise: %d\n", depth > 3);
    Bases bases;
    printf("described: %d\n", _Unwind_Find_FDE((char *)frames[1] - 1, &bases) != nullptr);
}
