/// qemu: no, it refuses PR_GET_SECCOMP
/// native: yes
// prctl, limits, priorities, ids, times, affinity, personality, capabilities.
#include "check.h"
#include <linux/capability.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <time.h>

int main(void) {
    char name[16] = {0};
    SHOW(prctl(PR_SET_NAME, "a-rather-long-name"));
    SHOW(prctl(PR_GET_NAME, name));
    printf("%s\n", name);
    FILE *comm = fopen("/proc/self/comm", "r");
    printf("%s", fgets(name, 16, comm));
    SHOW(prctl(PR_SET_NAME, BAD));
    int value = 0;
    SHOW(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    SHOW(prctl(PR_GET_PDEATHSIG, &value));
    printf("%d\n", value);
    SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
    SHOW(prctl(PR_GET_CHILD_SUBREAPER, &value));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_GET_SECCOMP));
    SHOW(prctl(PR_SET_TIMERSLACK, 12345));
    SHOW(prctl(PR_GET_TIMERSLACK));
    SHOW(prctl(PR_GET_DUMPABLE));
    SHOW(prctl(999999, 0, 0, 0, 0));

    struct rlimit limit = {1 << 30, RLIM_INFINITY}, back;
    getrlimit(RLIMIT_AS, &back);
    limit.rlim_max = back.rlim_max;
    SHOW(setrlimit(RLIMIT_AS, &limit));
    SHOW(getrlimit(RLIMIT_AS, &back));
    printf("%llu\n", (unsigned long long)back.rlim_cur);
    limit.rlim_cur = 2, limit.rlim_max = 1;
    SHOW(setrlimit(RLIMIT_DATA, &limit));
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    limit = (struct rlimit){100, 200};
    SHOW(prlimit(0, RLIMIT_NOFILE, &limit, NULL));
    SHOW(prlimit(getpid(), RLIMIT_NOFILE, NULL, &back));
    printf("%llu %llu\n", (unsigned long long)back.rlim_cur, (unsigned long long)back.rlim_max);
    SHOW(setrlimit(99, &limit));
    SHOW(setrlimit(RLIMIT_AS, BAD));
    SHOW(dup2(0, 100));

    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(setpriority(PRIO_PROCESS, 0, 5));
    SHOW(getpriority(PRIO_PROCESS, 0));
    printf("%d %d %d\n", getpid() == syscall(SYS_gettid), getpgid(0) == getpgrp(), getsid(0) > 0);
    uid_t real, effective, saved;
    SHOW(getresuid(&real, &effective, &saved));
    printf("%d\n", real == getuid() && effective == geteuid() && saved == effective);
    SHOW(umask(077));
    SHOW(umask(0));
    cpu_set_t set;
    WORKS(sched_getaffinity(0, sizeof set, &set));
    SHOW(sched_setaffinity(0, sizeof set, &set));
    printf("%d\n", CPU_COUNT(&set) > 0);
    SHOW(sched_getscheduler(0));
    SHOW(sched_get_priority_max(SCHED_FIFO));
    struct sched_param parameters;
    SHOW(sched_getparam(0, &parameters));
    SHOW(sched_yield());
    struct timespec time, later;
    SHOW(clock_gettime(CLOCK_MONOTONIC, &time));
    SHOW(clock_gettime(77, &time));
    SHOW(clock_getres(CLOCK_REALTIME, &time));
    printf("%ld %ld\n", (long)time.tv_sec, time.tv_nsec);
    SHOW(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, BAD));
    clock_gettime(CLOCK_MONOTONIC, &time);
    struct timespec nap = {0, 20000000};
    SHOW(nanosleep(&nap, NULL));
    clock_gettime(CLOCK_MONOTONIC, &later);
    printf("%d\n", (later.tv_sec - time.tv_sec) * 1000000000L + later.tv_nsec - time.tv_nsec >= 20000000);
    nap.tv_nsec = 2000000000;
    SHOW(nanosleep(&nap, NULL));
    struct rusage usage;
    SHOW(getrusage(RUSAGE_SELF, &usage));
    SHOW(getrusage(RUSAGE_CHILDREN, &usage));
    SHOW(getrusage(5, &usage));
    struct tms tms;
    WORKS(times(&tms));
    struct sysinfo info;
    SHOW(sysinfo(&info));
    printf("%d %d\n", info.totalram > 0, info.mem_unit);
    SHOW(personality(0xffffffff));
    SHOW(personality(ADDR_NO_RANDOMIZE));
    SHOW(personality(0xffffffff) == ADDR_NO_RANDOMIZE);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    SHOW(syscall(SYS_capget, &header, data));
    struct utsname names;
    SHOW(uname(&names));
    printf("%s\n", names.sysname);
    SHOW(uname(BAD));
    SHOW(syscall(5000));
}
