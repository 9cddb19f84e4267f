/*
 * Preloaded into a server by test/support/failing-files.ts: lets chosen system calls on chosen files fail as on a failing
 * disk. The file named by FAILING_FILES, which the test maps too, says which; every process of the server shares it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum call { CALL_WRITE = 1, CALL_FLUSH = 2, CALL_NAME = 4, CALL_READ = 8 };

/* The layout that failing-files.ts writes. */
struct order {
  /* A set of `enum call`; 0 for none. Written last, so that the rest is complete. */
  _Atomic uint32_t calls;
  int32_t error;
  /* How many calls fail. */
  _Atomic int32_t left;
  /* How many failed. */
  _Atomic uint32_t failed;
  /* Fails only calls on paths that contain this. */
  char part[240];
};

static struct order *order;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAILING_FILES");
  const int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof(struct order), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) order = mapped;
}

static int take(enum call call) {
  if (order == NULL || !(atomic_load(&order->calls) & call)) return 0;
  return 1;
}

static int fail(void) {
  if (atomic_fetch_sub(&order->left, 1) <= 0) return 0;
  atomic_fetch_add(&order->failed, 1);
  errno = order->error;
  return 1;
}

static int fails_path(enum call call, const char *path) {
  return take(call) && path != NULL && strstr(path, order->part) != NULL && fail();
}

static int fails(enum call call, int fd) {
  if (!take(call)) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return fails_path(call, path);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t length) {
  return fails(CALL_WRITE, fd) ? -1 : NEXT(write)(fd, bytes, length);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
  return fails(CALL_WRITE, fd) ? -1 : NEXT(pwrite)(fd, bytes, length, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
  return fails(CALL_WRITE, fd) ? -1 : NEXT(pwrite64)(fd, bytes, length, at);
}

ssize_t writev(int fd, const struct iovec *vectors, int count) {
  return fails(CALL_WRITE, fd) ? -1 : NEXT(writev)(fd, vectors, count);
}

ssize_t pwritev(int fd, const struct iovec *vectors, int count, off_t at) {
  return fails(CALL_WRITE, fd) ? -1 : NEXT(pwritev)(fd, vectors, count, at);
}

ssize_t pwritev64(int fd, const struct iovec *vectors, int count, off64_t at) {
  return fails(CALL_WRITE, fd) ? -1 : NEXT(pwritev64)(fd, vectors, count, at);
}

/* A full disk does not keep a file from being cut. */
static int fails_cut(int fd) { return order != NULL && order->error != ENOSPC && fails(CALL_WRITE, fd); }

int ftruncate(int fd, off_t length) { return fails_cut(fd) ? -1 : NEXT(ftruncate)(fd, length); }

int ftruncate64(int fd, off64_t length) { return fails_cut(fd) ? -1 : NEXT(ftruncate64)(fd, length); }

int fsync(int fd) { return fails(CALL_FLUSH, fd) ? -1 : NEXT(fsync)(fd); }

int fdatasync(int fd) { return fails(CALL_FLUSH, fd) ? -1 : NEXT(fdatasync)(fd); }

ssize_t read(int fd, void *target, size_t length) {
  return fails(CALL_READ, fd) ? -1 : NEXT(read)(fd, target, length);
}

ssize_t pread(int fd, void *target, size_t length, off_t at) {
  return fails(CALL_READ, fd) ? -1 : NEXT(pread)(fd, target, length, at);
}

ssize_t pread64(int fd, void *target, size_t length, off64_t at) {
  return fails(CALL_READ, fd) ? -1 : NEXT(pread64)(fd, target, length, at);
}

int rename(const char *from, const char *to) {
  return fails_path(CALL_NAME, to) ? -1 : NEXT(rename)(from, to);
}

int link(const char *from, const char *to) { return fails_path(CALL_NAME, to) ? -1 : NEXT(link)(from, to); }

int unlink(const char *path) { return fails_path(CALL_NAME, path) ? -1 : NEXT(unlink)(path); }

int mkdir(const char *path, mode_t mode) {
  return fails_path(CALL_NAME, path) ? -1 : NEXT(mkdir)(path, mode);
}

static int open_with(int (*next)(const char *, int, ...), const char *path, int flags, va_list list) {
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
  if (flags & O_CREAT && fails_path(CALL_NAME, path)) return -1;
  return next(path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const int fd = open_with(NEXT(open), path, flags, list);
  va_end(list);
  return fd;
}

int open64(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const int fd = open_with(NEXT(open64), path, flags, list);
  va_end(list);
  return fd;
}

/* The native hash reads with this call, because the C library may lack a function for it. */
long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long a[6];
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_preadv2 && fails(CALL_READ, (int)a[0])) return -1;
  return NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
