/* Preloaded into a node: while the file named by NO_FLUSH_ORDER is there, every flush fails as a dying disk's does. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int flush(long number, int fd)
{
    const char *order = getenv("NO_FLUSH_ORDER");
    if (order && access(order, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(number, fd);
}

int fsync(int fd)
{
    return flush(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return flush(SYS_fdatasync, fd);
}
