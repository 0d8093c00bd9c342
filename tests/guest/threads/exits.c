/// native: yes
// Does a process end right when its first thread exits first, when another calls exit, and with thread-local storage?
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static _Thread_local int mine = 5;
static void *later(void *a) { (void)a; mine++; usleep(20000); _exit(mine); }
static void *spin(void *a) { (void)a; for (;;) mine++; return 0; }
static void *count(void *a) { for (int i = 0; i < 1000; i++) mine++; return (void *)(long)(mine + (a == 0)); }
int main(void) {
    pthread_t thread;
    void *result;
    int status;
    pthread_create(&thread, 0, count, 0), pthread_join(thread, &result);
    printf("%ld %d\n", (long)result, mine);
    fflush(stdout);
    if (fork() == 0) { pthread_create(&thread, 0, later, 0); pthread_exit(0); }
    wait(&status), printf("%d\n", WEXITSTATUS(status)), fflush(stdout);
    if (fork() == 0) { pthread_create(&thread, 0, spin, 0); usleep(20000); exit(8); }
    wait(&status), printf("%d\n", WEXITSTATUS(status));
}
