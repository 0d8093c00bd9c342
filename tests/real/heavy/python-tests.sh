# CPython's own regression tests of threads, processes, signals, asyncio, subprocess, ctypes, sqlite3, ssl, sockets and files
# Tests that want a network, much memory or a tracing kernel skip themselves. Which modules failed is compared, not times.
run() {
    timeout 900 python3 -m test -j0 --timeout 600 "$@" >log 2>&1
    sed -n 's/^\(test_[a-z_.0-9]*\) \(failed\|crashed\|timed out\).*/\1 \2/p; s/^Result: \(.*\)/\1/p; /^[0-9]* tests\? failed/,/^$/p' log
    grep -E '^(ERROR|FAIL):' log | sort -u
}
run test_thread test_threading test_threadsignals test_queue test_sched test_context
run test_signal test_faulthandler test_posix test_os test_subprocess test_wait4 test_fork1 test_popen test_pty test_select test_poll test_epoll
run test_asyncio
run test_multiprocessing_fork test_multiprocessing_main_handling test_concurrent_futures.test_process_pool test_concurrent_futures.test_thread_pool
run test_ctypes test_sqlite3 test_ssl test_socket test_mmap test_fcntl test_resource test_time test_zlib test_bz2 test_lzma test_hashlib
run test_math test_float test_long test_struct test_array test_json test_re test_pickle test_gc test_weakref test_generators test_dict test_set
