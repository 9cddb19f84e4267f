/*
 * Preloaded by hash.test.ts: files are written and read a few bytes at a time, with an interruption in
 * between, as the system may do at any time but hardly ever does; and now and then it does not have in memory what
 * is asked for at once, or says, as Linux 5.9 and 5.10 do then, that the file has ended.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Threads may count at once: any count will do. */
static volatile unsigned calls;

static int interrupted(void) {
  if (++calls % 3 != 0) return 0;
  errno = EINTR;
  return 1;
}

static size_t shortened(size_t length) {
  const size_t most = 4000 + calls * 37 % 60001;
  return length < most ? length : most;
}

ssize_t pwritev(int fd, const struct iovec *vectors, int count, off_t position) {
  (void)count;
  if (interrupted()) return -1;
  return syscall(SYS_pwrite64, fd, vectors[0].iov_base, shortened(vectors[0].iov_len), position);
}

ssize_t pread(int fd, void *target, size_t length, off_t position) {
  if (interrupted()) return -1;
  return syscall(SYS_pread64, fd, target, shortened(length), position);
}

/* What cannot be had at once is asked for by this call, which the C library need not know. */
long syscall(long number, ...) {
  static long (*next)(long, ...);
  if (next == NULL) next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  va_list list;
  va_start(list, number);
  long a[6];
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  if (number != SYS_preadv2) return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (interrupted()) return -1;
  if (calls % 300 == 1) {
    if (write(2, "again\n", 6) != 6) return -1;
    errno = EAGAIN;
    return -1;
  }
  if (calls % 300 == 151) return write(2, "no end\n", 7) == 7 ? 0 : -1;
  const struct iovec *vector = (const struct iovec *)a[1];
  return next(SYS_pread64, a[0], vector->iov_base, shortened(vector->iov_len), a[3]);
}
