/* Preloaded into a node: writes down, in order, what the process asks the disk for below one folder.
 *
 * POWERCUT_FOLDER: absolute path of the folder. POWERCUT_RECORD: the file that is written; it lies outside.
 * A record: op u8, length of name u16, offset u64, length of data u32 (all little-endian), name, data. The name is the
 * path below the folder; of a rename both names, a zero byte between. Shared memory (`-shm`) is not written down: a
 * power cut takes it away.
 *
 * The call and its record happen under one lock, so the record has one order and it is the true one.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE, SYNC, CREATE, UNLINK, RENAME };
enum { FILES = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *names[FILES];
static int record = -2;
static const char *folder;
static size_t folder_length;

static void begin(void)
{
    if (record != -2)
        return;
    folder = getenv("POWERCUT_FOLDER");
    const char *path = getenv("POWERCUT_RECORD");
    folder_length = folder ? strlen(folder) : 0;
    record = folder && path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
}

/* The path below the folder, empty for the folder itself, or NULL for one that is not watched. */
static const char *below(const char *path)
{
    begin();
    if (record < 0 || strncmp(path, folder, folder_length))
        return NULL;
    if (!path[folder_length])
        return path + folder_length;
    if (path[folder_length] != '/')
        return NULL;
    const char *name = path + folder_length + 1;
    size_t length = strlen(name);
    return length >= 4 && !strcmp(name + length - 4, "-shm") ? NULL : name;
}

static void put(uint8_t op, const char *name, size_t name_length, uint64_t offset, const void *data, uint32_t length)
{
    uint8_t head[15] = {op};
    uint16_t width = (uint16_t)name_length;
    memcpy(head + 1, &width, 2);
    memcpy(head + 3, &offset, 8);
    memcpy(head + 11, &length, 4);
    syscall(SYS_write, record, head, sizeof head);
    syscall(SYS_write, record, name, name_length);
    if (data)
        syscall(SYS_write, record, data, (size_t)length);
}

static const char *name_of(int fd)
{
    return fd >= 0 && fd < FILES ? names[fd] : NULL;
}

static void told(uint8_t op, int fd, uint64_t offset, const void *data, uint32_t length)
{
    put(op, name_of(fd), strlen(name_of(fd)), offset, data, length);
}

static int opened(int at, const char *path, int flags, mode_t mode)
{
    pthread_mutex_lock(&lock);
    const char *name = at == AT_FDCWD ? below(path) : NULL;
    struct stat held;
    int fresh = name && (flags & O_CREAT) && stat(path, &held) != 0;
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    if (fd >= 0 && fd < FILES) {
        free(names[fd]);
        names[fd] = name ? strdup(name) : NULL;
        if (name && fresh)
            put(CREATE, name, strlen(name), 0, NULL, 0);
        if (name && (flags & O_TRUNC))
            put(TRUNCATE, name, strlen(name), 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

#define OPEN(symbol)                                                       \
    int symbol(const char *path, int flags, ...)                           \
    {                                                                      \
        va_list more;                                                      \
        va_start(more, flags);                                             \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0; \
        va_end(more);                                                      \
        return opened(AT_FDCWD, path, flags, mode);                        \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(symbol)                                                     \
    int symbol(int at, const char *path, int flags, ...)                   \
    {                                                                      \
        va_list more;                                                      \
        va_start(more, flags);                                             \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0; \
        va_end(more);                                                      \
        return opened(at, path, flags, mode);                              \
    }
OPENAT(openat)
OPENAT(openat64)

int close(int fd)
{
    pthread_mutex_lock(&lock);
    if (fd >= 0 && fd < FILES) {
        free(names[fd]);
        names[fd] = NULL;
    }
    int done = (int)syscall(SYS_close, fd);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t write(int fd, const void *data, size_t size)
{
    if (!name_of(fd))
        return syscall(SYS_write, fd, data, size);
    pthread_mutex_lock(&lock);
    off_t at = (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
    ssize_t done = syscall(SYS_write, fd, data, size);
    if (done > 0 && name_of(fd))
        told(WRITE, fd, (uint64_t)at, data, (uint32_t)done);
    pthread_mutex_unlock(&lock);
    return done;
}

#define PWRITE(symbol)                                                     \
    ssize_t symbol(int fd, const void *data, size_t size, off_t at)        \
    {                                                                      \
        if (!name_of(fd))                                                  \
            return syscall(SYS_pwrite64, fd, data, size, at);              \
        pthread_mutex_lock(&lock);                                         \
        ssize_t done = syscall(SYS_pwrite64, fd, data, size, at);          \
        if (done > 0 && name_of(fd))                                       \
            told(WRITE, fd, (uint64_t)at, data, (uint32_t)done);           \
        pthread_mutex_unlock(&lock);                                       \
        return done;                                                       \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

#define CUT(symbol)                                                        \
    int symbol(int fd, off_t size)                                         \
    {                                                                      \
        pthread_mutex_lock(&lock);                                         \
        int done = (int)syscall(SYS_ftruncate, fd, size);                  \
        if (!done && name_of(fd))                                          \
            told(TRUNCATE, fd, (uint64_t)size, NULL, 0);                   \
        pthread_mutex_unlock(&lock);                                       \
        return done;                                                       \
    }
CUT(ftruncate)
CUT(ftruncate64)

#define FLUSH(symbol, number)                                              \
    int symbol(int fd)                                                     \
    {                                                                      \
        pthread_mutex_lock(&lock);                                         \
        int done = (int)syscall(number, fd);                               \
        if (!done && name_of(fd))                                          \
            told(SYNC, fd, 0, NULL, 0);                                    \
        pthread_mutex_unlock(&lock);                                       \
        return done;                                                       \
    }
FLUSH(fsync, SYS_fsync)
FLUSH(fdatasync, SYS_fdatasync)

int unlink(const char *path)
{
    pthread_mutex_lock(&lock);
    const char *name = below(path);
    int done = (int)syscall(SYS_unlink, path);
    if (!done && name)
        put(UNLINK, name, strlen(name), 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int rename(const char *old, const char *new)
{
    pthread_mutex_lock(&lock);
    const char *from = below(old), *to = below(new);
    int done = (int)syscall(SYS_rename, old, new);
    if (!done && from && to) {
        char both[2 * PATH_MAX];
        size_t left = strlen(from) + 1, right = strlen(to);
        memcpy(both, from, left);
        memcpy(both + left, to, right);
        put(RENAME, both, left + right, 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return done;
}
