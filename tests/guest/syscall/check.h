// Prints what a call gave: its value, or the error's name without its number.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define SHOW(call)                                                                                                     \
    ({                                                                                                                 \
        errno = 0;                                                                                                     \
        long result_ = (long)(call);                                                                                   \
        if (result_ == -1 && errno != 0)                                                                               \
            printf("%s: %s\n", #call, strerrorname_np(errno));                                                         \
        else                                                                                                           \
            printf("%s: %ld\n", #call, result_);                                                                       \
        fflush(stdout);                                                                                                \
        result_;                                                                                                       \
    })

// For results that differ from run to run: only whether the call succeeded.
#define WORKS(call)                                                                                                    \
    ({                                                                                                                 \
        errno = 0;                                                                                                     \
        long result_ = (long)(call);                                                                                   \
        printf("%s: %s\n", #call, result_ == -1 ? strerrorname_np(errno) : "works");                                   \
        fflush(stdout);                                                                                                \
        result_;                                                                                                       \
    })

#define BAD ((void *)-8L)

// A fresh directory, which becomes the working directory.
static inline void scratch(void) {
    char path[] = "/tmp/mynah-guest-XXXXXX";
    if (!mkdtemp(path) || chdir(path)) exit(99);
}

// Removes the working directory, which must be empty.
static inline void unscratch(void) {
    char path[4096];
    if (!getcwd(path, sizeof path) || chdir("/") || rmdir(path)) printf("directory not empty\n");
}
