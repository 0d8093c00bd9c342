/// native: yes
// System V message queues, semaphores and shared memory, POSIX message queues.
#include "check.h"
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>

union semun { int val; struct semid_ds *buf; unsigned short *array; };

int main(void) {
    int queue = msgget(IPC_PRIVATE, 0600);
    struct { long type; char text[8]; } message = {5, "hello"};
    SHOW(msgsnd(queue, &message, 6, 0));
    struct msqid_ds status;
    SHOW(msgctl(queue, IPC_STAT, &status));
    printf("%lu %lu\n", (long)status.msg_qnum, (long)status.__msg_cbytes);
    memset(&message, 0, sizeof message);
    SHOW(msgrcv(queue, &message, 8, 5, 0));
    printf("%ld %s\n", message.type, message.text);
    SHOW(msgrcv(queue, &message, 8, 5, IPC_NOWAIT));
    SHOW(msgctl(queue, IPC_RMID, NULL));

    int set = semget(IPC_PRIVATE, 3, 0600);
    unsigned short values[3] = {1, 2, 3}, back[3] = {0};
    union semun argument = {.array = values};
    SHOW(semctl(set, 0, SETALL, argument));
    argument.array = back;
    SHOW(semctl(set, 0, GETALL, argument));
    printf("%d %d %d\n", back[0], back[1], back[2]);
    argument.val = 9;
    SHOW(semctl(set, 1, SETVAL, argument));
    SHOW(semctl(set, 1, GETVAL));
    struct semid_ds semaphores;
    argument.buf = &semaphores;
    SHOW(semctl(set, 0, IPC_STAT, argument));
    printf("%lu %o %d %d\n", (long)semaphores.sem_nsems, semaphores.sem_perm.mode, semaphores.sem_otime == 0,
           time(NULL) - semaphores.sem_ctime < 100);
    semaphores.sem_perm.mode = 0640;
    SHOW(semctl(set, 0, IPC_SET, argument));
    semctl(set, 0, IPC_STAT, argument);
    printf("%o\n", semaphores.sem_perm.mode);
    struct sembuf take = {0, -1, 0}, more = {0, -1, IPC_NOWAIT};
    SHOW(semop(set, &take, 1));
    SHOW(semop(set, &more, 1));
    struct timespec shortly = {0, 10000000};
    SHOW(semtimedop(set, &take, 1, &shortly));
    SHOW(semctl(set, 0, IPC_RMID));

    int segment = shmget(IPC_PRIVATE, 5000, 0600);
    char *memory = shmat(segment, NULL, 0);
    printf("%d\n", memory != (void *)-1);
    strcpy(memory, "parent");
    if (fork() == 0) {
        strcpy(memory, "child");
        _exit(0);
    }
    wait(NULL);
    printf("%s\n", memory);
    struct shmid_ds shared;
    SHOW(shmctl(segment, IPC_STAT, &shared));
    printf("%zu %lu\n", shared.shm_segsz, (long)shared.shm_nattch);
    char *second = shmat(segment, NULL, SHM_RDONLY);
    printf("%s %d\n", second, second != memory);
    SHOW(shmdt(second));
    SHOW(shmdt(second));
    SHOW(shmat(segment, memory + 1, 0));
    SHOW(shmat(segment, memory, 0));
    SHOW(shmat(segment, memory, SHM_REMAP) == memory);
    SHOW(shmdt(memory));
    SHOW(shmctl(segment, IPC_RMID, NULL));

    struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 32}, read_back;
    char name[64];
    sprintf(name, "/mynah-%d", getpid());
    mqd_t posix = mq_open(name, O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attributes);
    WORKS(posix);
    SHOW(mq_getattr(posix, &read_back));
    printf("%ld %ld %ld\n", read_back.mq_maxmsg, read_back.mq_msgsize, read_back.mq_curmsgs);
    SHOW(mq_send(posix, "first", 6, 1));
    SHOW(mq_send(posix, "urgent", 7, 9));
    char text[32];
    unsigned priority;
    SHOW(mq_receive(posix, text, 32, &priority));
    printf("%s %u\n", text, priority);
    SHOW(mq_receive(posix, text, 3, NULL));
    SHOW(mq_receive(posix, text, 32, NULL));
    SHOW(mq_receive(posix, text, 32, NULL));
    SHOW(mq_unlink(name));
}
