/* A disk that is full once. Loaded before a program (LD_PRELOAD), it counts what the program asks of the files of one folder
 * that takes space, and lets the call whose turn it is fail with ENOSPC.
 *
 *   FULL_FOLDER   the folder
 *   FULL_TURN     a file with the number of the call that fails, from 1 on; 0 counts only. Read anew whenever it changes.
 *   FULL_COUNT    a file that is told, in decimal, how many calls there were since the turn was set
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long turn = -1, count = 0;
static struct timespec set_at;

static int within(const char *path) {
    const char *folder = getenv("FULL_FOLDER");
    char absolute[4096];
    if (!folder || !path) return 0;
    if (path[0] != '/') {
        if (!getcwd(absolute, sizeof absolute)) return 0;
        size_t used = strlen(absolute);
        snprintf(absolute + used, sizeof absolute - used, "/%s", path);
        path = absolute;
    }
    return strncmp(path, folder, strlen(folder)) == 0;
}

static int fd_within(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return within(path);
}

static void read_turn(void) {
    const char *path = getenv("FULL_TURN");
    struct stat now;
    if (!path || stat(path, &now) != 0) return;
    if (turn >= 0 && now.st_mtim.tv_sec == set_at.tv_sec && now.st_mtim.tv_nsec == set_at.tv_nsec) return;
    int fd = REAL(open)(path, O_RDONLY | O_CLOEXEC);
    char text[32] = {0};
    if (fd < 0) return;
    if (read(fd, text, sizeof text - 1) > 0) {
        turn = atol(text);
        count = 0;
        set_at = now.st_mtim;
    }
    close(fd);
}

static void tell_count(void) {
    const char *path = getenv("FULL_COUNT");
    if (!path) return;
    int fd = REAL(open)(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return;
    char text[32];
    int length = snprintf(text, sizeof text, "%ld", count);
    if (REAL(write)(fd, text, length) < 0) { /* The next call tells it again. */ }
    close(fd);
}

/* Whether this call is the one that finds the disk full. */
static int is_full(void) {
    int saved = errno;
    pthread_mutex_lock(&lock);
    read_turn();
    count++;
    int full = count == turn;
    tell_count();
    pthread_mutex_unlock(&lock);
    errno = full ? ENOSPC : saved;
    return full;
}

#define FD(type, name, parameters, arguments, fd)                    \
    type name parameters {                                           \
        if (fd_within(fd) && is_full()) return -1;                   \
        return REAL(name) arguments;                                 \
    }
#define PATH(name, parameters, arguments, path)                      \
    int name parameters {                                            \
        if (within(path) && is_full()) return -1;                    \
        return REAL(name) arguments;                                 \
    }

FD(ssize_t, write, (int fd, const void *bytes, size_t n), (fd, bytes, n), fd)
FD(ssize_t, pwrite, (int fd, const void *bytes, size_t n, off_t at), (fd, bytes, n, at), fd)
FD(ssize_t, pwrite64, (int fd, const void *bytes, size_t n, off64_t at), (fd, bytes, n, at), fd)
FD(ssize_t, writev, (int fd, const struct iovec *parts, int n), (fd, parts, n), fd)
FD(int, fsync, (int fd), (fd), fd)
FD(int, fdatasync, (int fd), (fd), fd)
FD(int, ftruncate, (int fd, off_t length), (fd, length), fd)
FD(int, ftruncate64, (int fd, off64_t length), (fd, length), fd)
PATH(mkdir, (const char *path, mode_t mode), (path, mode), path)
PATH(rename, (const char *from, const char *to), (from, to), to)
PATH(link, (const char *from, const char *to), (from, to), to)
PATH(linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags), to)
PATH(renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), to)

static int opened(const char *path, int flags) {
    return (flags & O_CREAT) && access(path, F_OK) != 0 && within(path) && is_full();
}

#define OPEN(name)                                                   \
    int name(const char *path, int flags, ...) {                     \
        va_list rest;                                                \
        va_start(rest, flags);                                       \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                \
        if (opened(path, flags)) return -1;                          \
        return REAL(name)(path, flags, mode);                        \
    }

OPEN(open)
OPEN(open64)
