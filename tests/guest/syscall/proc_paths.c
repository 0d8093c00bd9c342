/// native: yes
/// qemu: no, it answers only absolute paths of its own process
/// args: first second
// The files of /proc, by any path: relative, by directory descriptor, through links, of threads and of other processes.
#include "check.h"
#include <dirent.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char text[1 << 20];

static long slurp_at(int directory, const char *path) {
    int fd = openat(directory, path, O_RDONLY);
    if (fd < 0) return -1;
    long length = 0;
    for (ssize_t got; (got = read(fd, text + length, sizeof text - 1 - length)) > 0;) length += got;
    text[length] = 0;
    close(fd);
    return length;
}

static int a_function(void) { return 3; }

// Whether `text` is a map in which this program's code is executable under its name, and its data is not.
static int is_own_map(const char *exe) {
    int code = 0, data = 0, bad = 0;
    char *save, *copy = strdup(text);
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        unsigned long start, end, at = (unsigned long)a_function, there = (unsigned long)text;
        char rights[5];
        if (sscanf(line, "%lx-%lx %4s", &start, &end, rights) != 3) bad++;
        if (start <= at && at < end) code = rights[2] == 'x' && strstr(line, exe) != NULL;
        if (start <= there && there < end) data = rights[1] == 'w' && rights[2] == '-';
        bad += strstr(line, "mynah") != NULL && strstr(exe, "mynah") == NULL;
    }
    free(copy);
    return code && data && !bad;
}

static int count_entries(const char *path) {
    int count = 0;
    DIR *directory = opendir(path);
    while (readdir(directory)) count++;
    closedir(directory);
    return count - 2;
}

static long field(const char *name) {
    char *at = strstr(text, name);
    return at ? atol(at + strlen(name)) : -1;
}

int main(int argc, char **argv) {
    char exe[4096] = {0}, link[4096] = {0};
    readlink("/proc/self/exe", exe, sizeof exe - 1);
    int self = open("/proc/self", O_RDONLY | O_DIRECTORY), proc = open("/proc", O_PATH);
    SHOW(slurp_at(self, "maps") > 0 && is_own_map(exe));
    SHOW(slurp_at(proc, "self/maps") > 0 && is_own_map(exe));
    SHOW(slurp_at(proc, "thread-self/maps") > 0 && is_own_map(exe));
    SHOW(readlinkat(self, "exe", link, sizeof link - 1) == (long)strlen(exe) && !strcmp(link, exe));
    SHOW(readlinkat(proc, "self/exe", link, sizeof link - 1) == (long)strlen(exe) && !strcmp(link, exe));
    struct stat one, two;
    SHOW(stat(exe, &one));
    SHOW(fstatat(self, "exe", &two, 0));
    SHOW(one.st_ino == two.st_ino && one.st_dev == two.st_dev);
    SHOW(fstatat(self, "exe", &two, AT_SYMLINK_NOFOLLOW));
    SHOW(S_ISLNK(two.st_mode));

    scratch();
    SHOW(symlink("/proc/self/maps", "map"));
    SHOW(symlink("/proc/self/exe", "program"));
    SHOW(symlink("program", "again"));
    SHOW(slurp_at(AT_FDCWD, "map") > 0 && is_own_map(exe));
    SHOW(open("map", O_RDONLY | O_NOFOLLOW));
    int fd = open("again", O_RDONLY);
    unsigned char head[4];
    SHOW(read(fd, head, 4));
    SHOW(fstat(fd, &two));
    SHOW(one.st_ino == two.st_ino);
    SHOW(stat("again", &two));
    SHOW(one.st_ino == two.st_ino);
    SHOW(access("program", X_OK));
    close(fd);

    char cwd[4096];
    getcwd(cwd, sizeof cwd);
    SHOW(chdir("/proc/self"));
    SHOW(slurp_at(AT_FDCWD, "maps") > 0 && is_own_map(exe));
    SHOW(slurp_at(AT_FDCWD, "../self/./smaps") > 0 && strstr(text, exe) != NULL);
    SHOW(slurp_at(AT_FDCWD, "stat") > 0);
    char path[64];
    sprintf(path, "task/%d/maps", getpid());
    SHOW(slurp_at(AT_FDCWD, path) > 0 && is_own_map(exe));
    SHOW(slurp_at(AT_FDCWD, "cmdline") == (long)(strlen(argv[0]) + 1 + 6 + 7));
    SHOW(strcmp(text, argv[0]) == 0 && argc == 3);
    SHOW(slurp_at(AT_FDCWD, "limits") > 0 && strstr(text, "Max stack size") != NULL);
    SHOW(chdir(cwd));

    // Hot code: a translator may be at work, but it is no thread of the guest's.
    volatile unsigned long sum = 0;
    for (unsigned long i = 0; i < 3000000; i++) sum += i * i;
    SHOW(count_entries("/proc/self/task"));
    SHOW(slurp_at(self, "status") > 0);
    SHOW(field("Threads:"));
    SHOW(field("VmSize:") >= field("VmData:"));
    signal(SIGSEGV, SIG_IGN);
    SHOW(slurp_at(self, "status") > 0);
    char *caught = strstr(text, "SigCgt:");
    SHOW(strncmp(caught, "SigCgt:\t0000000000000000", 24));
    char *ignored = strstr(text, "SigIgn:");
    SHOW(strtoul(ignored + 8, NULL, 16) >> (SIGSEGV - 1) & 1);
    SHOW(count_entries("/proc/self/fd") == 6);
    SHOW(open("/dev/null", O_RDONLY));
    // The lowest number that is free, whoever makes the file.
    close(0);
    SHOW(open("/proc/self/maps", O_RDONLY));
    SHOW(write(0, "", 1));

    // Another process, which has executed something else meanwhile.
    int ready[2], stay[2];
    if (pipe(ready) || pipe(stay)) return 1;
    pid_t child = fork();
    if (child == 0) {
        close(stay[1]);
        char byte = 0;
        write(ready[1], &byte, 1);
        read(stay[0], &byte, 1);
        _exit(0);
    }
    read(ready[0], path, 1);
    sprintf(path, "/proc/%d/exe", child);
    SHOW(readlink(path, link, sizeof link - 1) == (long)strlen(exe) && !strcmp(link, exe));
    SHOW(stat(path, &two));
    SHOW(one.st_ino == two.st_ino);
    sprintf(path, "/proc/%d/maps", child);
    SHOW(slurp_at(AT_FDCWD, path) > 0 && is_own_map(exe));
    sprintf(path, "/proc/%d/task/%d/smaps", child, child);
    SHOW(slurp_at(AT_FDCWD, path) > 0 && strstr(text, "[stack]") != NULL);
    sprintf(path, "/proc/%d/cmdline", child);
    SHOW(slurp_at(AT_FDCWD, path) == (long)(strlen(argv[0]) + 1 + 6 + 7));
    sprintf(path, "/proc/%d/environ", child);
    SHOW(slurp_at(AT_FDCWD, path) > 0 && strstr(text, "PATH=") != NULL);
    sprintf(path, "/proc/%d/status", child);
    SHOW(slurp_at(AT_FDCWD, path) > 0);
    SHOW(field("Threads:"));
    sprintf(path, "/proc/%d/auxv", child);
    SHOW(slurp_at(AT_FDCWD, path) > 0 && text[0] != 0);
    close(stay[1]);
    waitpid(child, NULL, 0);
    unlink("map"), unlink("program"), unlink("again");
    unscratch();
    return a_function() != 3;
}
