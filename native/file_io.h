/* Reading and writing files at positions, without Node-API, so that check.c can test it. */
#ifndef MORAINE_FILE_IO_H
#define MORAINE_FILE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Upper size of a single system call. */
#define TRANSFER_MAX ((size_t)1 << 30)

/* Bytes in memory; `data` may be NULL when `length` is 0. */
typedef struct {
  uint8_t *data;
  size_t length;
} span;

/* A position in an open file. */
typedef struct {
  int fd;
  off_t position;
} file_place;

/* Whether this build can ask the system for bytes that it has in memory, without waiting for a disk. */
bool file_reads_at_once(void);

/* Writes all of the spans one after the other. Returns 0 or an errno; after an error some bytes may be written. */
int file_write_all(file_place place, const span *spans, size_t count);

/*
 * Reads until the target is full or the file ends, after the first `*done` bytes of the target. Adds what it read to
 * `*done`. With `at_once`, reads only what the system has in memory, and returns EAGAIN if more must be waited for.
 * Returns 0 or an errno.
 */
int file_read_all(file_place place, span target, bool at_once, size_t *done);

#endif
