/// native: yes
/// qemu: no, it lacks io_uring
// Does a ring that the kernel shares with the program carry requests and answers?
#include "check.h"
#include <linux/io_uring.h>
#include <sys/mman.h>

int main(void) {
    struct io_uring_params params = {0};
    int ring = syscall(SYS_io_uring_setup, 4, &params);
    if (ring < 0 && (errno == EPERM || errno == ENOSYS)) {
        // The administrator may forbid it (kernel.io_uring_disabled); then both sides say so.
        printf("no io_uring here\n");
        return 0;
    }
    size_t ring_size = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
    char *rings = mmap(NULL, ring_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
    struct io_uring_sqe *entries =
        mmap(NULL, params.sq_entries * sizeof *entries, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
    int pipes[2];
    if (pipe(pipes)) return 1;
    char text[8] = {0};
    memset(entries, 0, 2 * sizeof *entries);
    entries[0] = (struct io_uring_sqe){.opcode = IORING_OP_WRITE, .fd = pipes[1], .addr = (uintptr_t) "ring", .len = 4,
                                       .off = -1, .user_data = 11, .flags = IOSQE_IO_LINK};
    entries[1] = (struct io_uring_sqe){.opcode = IORING_OP_READ, .fd = pipes[0], .addr = (uintptr_t)text, .len = 8,
                                       .off = -1, .user_data = 22};
    unsigned *tail = (unsigned *)(rings + params.sq_off.tail), *array = (unsigned *)(rings + params.sq_off.array);
    array[0] = 0, array[1] = 1;
    __atomic_store_n(tail, *tail + 2, __ATOMIC_RELEASE);
    SHOW(syscall(SYS_io_uring_enter, ring, 2, 2, IORING_ENTER_GETEVENTS, NULL, 0));
    struct io_uring_cqe *done = (struct io_uring_cqe *)(rings + params.cq_off.cqes);
    for (int i = 0; i < 2; i++) printf("%llu %d\n", done[i].user_data, done[i].res);
    printf("%s\n", text);
}
