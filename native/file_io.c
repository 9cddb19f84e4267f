#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "file_io.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

/* Positions are passed to the system unchanged. */
_Static_assert(sizeof(off_t) == 8, "files beyond 2 GiB need a 64-bit off_t");

/* Within every platform's limit for one call: IOV_MAX is at least 1024 on those that are built for. */
#define VECTORS_MAX 64

#if defined(__linux__) && defined(SYS_preadv2) && defined(RWF_NOWAIT)
#define READS_AT_ONCE 1
#else
#define READS_AT_ONCE 0
#endif

bool file_reads_at_once(void) {
  return READS_AT_ONCE;
}

/* Fills `vectors` from the span `next`, without its first `skip` bytes. Returns the number of vectors used. */
static int gather(const span *spans, size_t count, size_t next, size_t skip, struct iovec vectors[VECTORS_MAX]) {
  int used = 0;
  size_t bytes = 0;
  for (size_t i = next; i < count && used < VECTORS_MAX && bytes < TRANSFER_MAX; i++, skip = 0) {
    size_t length = spans[i].length - skip;
    if (length == 0) continue;
    if (length > TRANSFER_MAX - bytes) length = TRANSFER_MAX - bytes;
    vectors[used++] = (struct iovec){spans[i].data + skip, length};
    bytes += length;
  }
  return used;
}

int file_write_all(file_place place, const span *spans, size_t count) {
  size_t next = 0;
  size_t offset = 0;
  for (;;) {
    struct iovec vectors[VECTORS_MAX];
    const int used = gather(spans, count, next, offset, vectors);
    if (used == 0) return 0;
    const ssize_t written = pwritev(place.fd, vectors, used, place.position);
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    /* Not expected of any file, but it must not cause an endless loop. */
    if (written == 0) return EIO;
    place.position += written;
    /* A short write is no error: continue behind what was written. */
    offset += (size_t)written;
    while (next < count && offset >= spans[next].length) offset -= spans[next++].length;
  }
}

static ssize_t read_some(file_place place, uint8_t *target, size_t bytes, bool at_once) {
  if (!at_once) return pread(place.fd, target, bytes, place.position);
#if READS_AT_ONCE
  /* By number: not every C library has a function for this call. */
  const struct iovec vector = {target, bytes};
  return syscall(SYS_preadv2, place.fd, &vector, 1ul, place.position, 0ul, RWF_NOWAIT);
#else
  errno = EAGAIN;
  return -1;
#endif
}

int file_read_all(file_place place, span target, bool at_once, size_t *done) {
  while (*done < target.length) {
    const size_t rest = target.length - *done;
    const size_t ask = rest < TRANSFER_MAX ? rest : TRANSFER_MAX;
    const file_place from = {place.fd, place.position + (off_t)*done};
    const ssize_t got = read_some(from, target.data + *done, ask, at_once);
    if (got < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    /*
     * Asked not to wait, Linux 5.9 and 5.10 may report the end too early (preadv2(2), BUGS). A waiting read finds it.
     */
    if (got == 0) return at_once ? EAGAIN : 0;
    *done += (size_t)got;
  }
  return 0;
}
