/*
 * Preloaded by hash.test.ts: files are written and read a few bytes at a time, with an interruption in
 * between, as the system may do at any time but hardly ever does.
 */
#define _GNU_SOURCE
#include <errno.h>
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
