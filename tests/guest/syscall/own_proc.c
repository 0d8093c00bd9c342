/// qemu: no, it follows /proc/self/exe to itself
/// args: first second
// Does /proc/self tell of this program, and not of the one that runs it?
#include "check.h"
#include <sys/auxv.h>
#include <sys/stat.h>

static char text[1 << 20];

static size_t slurp(const char *path) {
    int fd = open(path, O_RDONLY);
    size_t length = 0;
    for (ssize_t got; (got = read(fd, text + length, sizeof text - 1 - length)) > 0;) length += got;
    text[length] = 0;
    close(fd);
    return length;
}

static int other_function(void) { return 7; }

int main(int argc, char **argv) {
    char link[4096] = {0}, real[4096] = {0};
    SHOW(readlink("/proc/self/exe", link, sizeof link - 1) > 0);
    SHOW(realpath(argv[0], real) == real);
    SHOW(strcmp(link, real));
    char part[4];
    SHOW(readlink("/proc/self/exe", part, 4));
    SHOW(readlink("/proc/self/exe", part, 0));
    struct stat direct, through, itself;
    SHOW(stat("/proc/self/exe", &through));
    SHOW(stat(real, &direct));
    SHOW(direct.st_ino == through.st_ino && direct.st_size == through.st_size);
    SHOW(lstat("/proc/self/exe", &itself));
    SHOW(S_ISLNK(itself.st_mode));
    int fd = open("/proc/self/exe", O_RDONLY);
    unsigned char head[20];
    SHOW(read(fd, head, 20));
    printf("%.3s machine %d\n", head + 1, head[18]);

    size_t length = slurp("/proc/self/cmdline");
    printf("%d %s %s\n", argc, text + strlen(argv[0]) + 1, text + strlen(argv[0]) + 7);
    SHOW(length == strlen(argv[0]) + 1 + 6 + 7);
    setenv("ADDED", "later", 1);
    slurp("/proc/self/environ");
    SHOW(strstr(text, "ADDED") == NULL);
    char path[64];
    sprintf(path, "/proc/%d/auxv", getpid());
    length = slurp(path);
    unsigned long *vector = (unsigned long *)text;
    while (vector[0] != AT_NULL && vector[0] != AT_PHDR) vector += 2;
    SHOW(vector[1] == getauxval(AT_PHDR));

    slurp("/proc/self/maps");
    int local;
    int code = 0, stack = 0, writable_code = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        unsigned long start, end;
        char rights[5];
        if (sscanf(line, "%lx-%lx %4s", &start, &end, rights) != 3) printf("bad line %s\n", line);
        int holds_code = start <= (unsigned long)other_function && (unsigned long)other_function < end;
        if (holds_code) code = strstr(line, link) != NULL && rights[2] == 'x';
        if (start <= (unsigned long)&local && (unsigned long)&local < end) stack = strstr(line, "[stack]") != NULL;
        writable_code |= rights[1] == 'w' && rights[2] == 'x';
    }
    printf("code %d, stack %d, writable code %d\n", code, stack, writable_code);

    slurp("/proc/self/comm");
    const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    size_t shown = strnlen(name, 15);
    SHOW(strncmp(text, name, shown) == 0 && text[shown] == '\n');
    slurp("/proc/self/stat");
    SHOW(strncmp(strchr(text, '(') + 1, name, shown));
    slurp("/proc/self/smaps");
    SHOW(strstr(text, "[stack]") != NULL);
    SHOW(open("/proc/self/maps", O_WRONLY | O_CREAT | O_EXCL, 0600));
    SHOW(open("/proc/self/nothing", O_RDONLY));
    return other_function() != 7;
}
