/// qemu: no, it lacks process_vm_readv
/// native: yes
// sendfile, splice, tee, vmsplice, copy_file_range, process_vm_readv, getrandom, AIO.
#include "check.h"
#include <linux/aio_abi.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

int main(void) {
    scratch();
    int file = open("a", O_RDWR | O_CREAT, 0600), other = open("b", O_RDWR | O_CREAT, 0600);
    SHOW(write(file, "0123456789", 10));
    int pipes[2], more[2];
    if (pipe(pipes) || pipe(more)) return 1;
    off_t offset = 2;
    SHOW(sendfile(pipes[1], file, &offset, 3));
    printf("%ld\n", (long)offset);
    SHOW(tee(pipes[0], more[1], 100, 0));
    offset = 4;
    SHOW(splice(pipes[0], NULL, other, &offset, 100, 0));
    struct iovec out = {"vm", 2};
    SHOW(vmsplice(pipes[1], &out, 1, 0));
    char text[16] = {0};
    SHOW(read(more[0], text, 16));
    printf("%s\n", text);
    off_t from = 8, to = 0;
    SHOW(copy_file_range(file, &from, other, &to, 2, 0));
    memset(text, 0, 16);
    SHOW(pread(other, text, 16, 0));
    printf("%d%d %d %.3s\n", text[0], text[1], text[2], text + 4);
    char source[8] = "remote", target[8] = {0};
    struct iovec local = {target, 7}, remote = {source, 7};
    SHOW(process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
    printf("%s\n", target);
    memcpy(target, "WRITE", 5);
    SHOW(process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
    printf("%s\n", source);
    SHOW(getrandom(text, 16, 0));
    SHOW(getrandom(BAD, 16, 0));
    SHOW(getrandom(text, 16, 0xff00));

    aio_context_t context = 0;
    SHOW(syscall(SYS_io_setup, 4, &context));
    struct iocb request = {.aio_data = 42, .aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = file,
                           .aio_buf = (uintptr_t)text, .aio_nbytes = 4, .aio_offset = 3}, *requests[1] = {&request};
    memset(text, 0, 16);
    SHOW(syscall(SYS_io_submit, context, 1, requests));
    struct io_event done[1];
    SHOW(syscall(SYS_io_getevents, context, 1, 1, done, NULL));
    printf("%lld %lld %s\n", done[0].data, done[0].res, text);
    SHOW(syscall(SYS_io_destroy, context));
    unlink("a"), unlink("b");
    unscratch();
}
