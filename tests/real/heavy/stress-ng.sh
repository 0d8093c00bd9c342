# the futex, signal, pipe, fork, vfork, mmap, switch, timer, sem, shm and clone stressors with --verify, SECONDS each (3 if not set), and memory, mutex, cache and string ones
for s in futex signal sigq sigrt sigsegv sigfd sigsuspend sigpending pipe fork vfork mmap mremap mprotect switch context timer timerfd itimer clock sem sem-sysv shm shm-sysv clone pthread mutex mq msg eventfd epoll poll sock udp aio wait kill exec nanosleep yield qsort str memcpy atomic cpu membarrier rseq mlock madvise fault bad-altstack sigtrap sigfpe sigabrt sigchld prctl personality getrandom futex-pi robust; do
    case $s in futex-pi | robust | sigabrt | sigchld) continue ;; esac
    timeout $((${SECONDS_EACH:-3} * 10 + 30)) stress-ng --$s 2 --timeout ${SECONDS_EACH:-3} --verify --oomable >log 2>&1; r=$?
    echo "$s $r $(grep -cE 'fail:|failed|unsuccessful' log)"
done
