/// flags: -Wno-stringop-overread
/// native: yes
// Do calls on files give the kernel's values and errors, and do all layouts agree?
#include "check.h"
#include <dirent.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>

int main(void) {
    scratch();
    umask(022);
    int fd = SHOW(openat(AT_FDCWD, "a", O_RDWR | O_CREAT | O_EXCL, 0640));
    SHOW(open("a", O_RDWR | O_CREAT | O_EXCL, 0640));
    SHOW(write(fd, "hello world", 11));
    SHOW(pwrite(fd, "J", 1, 0));
    char buffer[64] = {0};
    SHOW(pread(fd, buffer, 5, 0));
    printf("%s\n", buffer);
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(lseek(fd, -100, SEEK_END));
    struct iovec out[2] = {{"ab", 2}, {"cde", 3}};
    SHOW(writev(fd, out, 2));
    SHOW(pwritev(fd, out, 2, 100));
    char one[3] = {0}, two[8] = {0};
    struct iovec in[2] = {{one, 2}, {two, 7}};
    SHOW(preadv(fd, in, 2, 98));
    printf("%d %s\n", one[0], two);
    SHOW(preadv2(fd, in, 2, 0, 0));
    SHOW(readv(fd, in, 1025));
    SHOW(readv(fd, BAD, 2));
    SHOW(write(fd, BAD, 1));
    SHOW(read(fd, BAD, 1));
    SHOW(read(99, buffer, 1));
    SHOW(ftruncate(fd, 1000));
    SHOW(fallocate(fd, 0, 0, 5000));
    struct stat st;
    SHOW(fstat(fd, &st));
    printf("%o %ld %ld %d %d\n", st.st_mode, (long)st.st_size, (long)st.st_nlink, st.st_uid == getuid(), st.st_gid == getgid());
    SHOW(stat("nothing", &st));
    SHOW(fstatat(AT_FDCWD, "a", BAD, 0));
    SHOW(syscall(SYS_newfstatat, AT_FDCWD, BAD, &st, 0));
    SHOW(stat("/dev/null", &st));
    printf("%o %u %u\n", st.st_mode, major(st.st_rdev), minor(st.st_rdev));
    struct statx sx;
    SHOW(statx(AT_FDCWD, "a", 0, STATX_BASIC_STATS, &sx));
    printf("%o %llu %d\n", sx.stx_mode, sx.stx_size, sx.stx_mtime.tv_sec > 1600000000);
    struct timespec times[2] = {{1000, 5}, {2000, 7}};
    SHOW(utimensat(AT_FDCWD, "a", times, 0));
    stat("a", &st);
    printf("%ld.%ld %ld.%ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    SHOW(symlink("a", "l"));
    SHOW(lstat("l", &st));
    printf("%o %ld\n", st.st_mode, (long)st.st_size);
    memset(buffer, 0, sizeof buffer);
    SHOW(readlink("l", buffer, sizeof buffer));
    SHOW(readlink("a", buffer, sizeof buffer));
    SHOW(link("a", "b"));
    SHOW(rename("b", "c"));
    SHOW(renameat2(AT_FDCWD, "c", AT_FDCWD, "a", RENAME_NOREPLACE));
    SHOW(mkdir("d", 0777));
    SHOW(rmdir("a"));
    SHOW(unlink("d"));
    SHOW(chmod("c", 0600));
    SHOW(access("c", R_OK | W_OK));
    SHOW(access("nothing", R_OK));
    SHOW(faccessat(AT_FDCWD, "c", X_OK, AT_EACCESS));
    SHOW(mkfifo("f", 0600));
    SHOW(truncate("a", 3));
    struct statfs fs, fs2;
    SHOW(statfs(".", &fs));
    SHOW(fstatfs(fd, &fs2));
    printf("%d %d %d\n", fs.f_type == fs2.f_type, fs.f_bsize == fs2.f_bsize, fs.f_blocks == fs2.f_blocks);
    DIR *dir = opendir(".");
    int sum = 0, entries = 0;
    for (struct dirent *entry; (entry = readdir(dir));) entries++, sum += entry->d_type * (entry->d_name[0] != '.');
    closedir(dir);
    printf("%d entries, types %d\n", entries, sum);
    char list[100];
    SHOW(listxattr("a", list, 0));
    SHOW(getxattr("a", "user.x", list, sizeof list));
    char cwd[4096];
    printf("%d\n", (long)syscall(SYS_getcwd, cwd, sizeof cwd) == (long)strlen(cwd) + 1);
    SHOW(syscall(SYS_getcwd, cwd, 3));
    SHOW(chdir("a"));
    SHOW(unlink("a") + unlink("l") + unlink("c") + rmdir("d") + unlink("f"));
    unscratch();
}
