/*
 * Preloaded by hash.test.ts: files are written and read a few bytes at a time, with interruptions, which a system may do
 * at any time but rarely does. Some reads do not find the bytes in memory, and some get a false end of file, as from
 * Linux 5.9 and 5.10.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Several threads may count concurrently, because the exact count does not matter. */
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

/* Reads that must not wait use this call, because the C library may lack a function for it. */
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
