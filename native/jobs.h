/*
 * Jobs: work on other threads that hashes, writes and hashes, or reads and hashes. They run on libuv's thread pool. A
 * job that reads is first tried on a thread of its own, the reader, which takes only what the system has in memory:
 * reads that moved from one pool thread, and core, to the next made a download a tenth slower. A read that must wait
 * for a disk continues on the pool, where it delays no other read.
 */
#ifndef MORAINE_JOBS_H
#define MORAINE_JOBS_H

#include "arguments.h"
#include "hasher.h"
#include "serial.h"

typedef enum { JOB_UPDATE, JOB_WRITE, JOB_LEAVES, JOB_READ } job_kind;

typedef struct reader reader;

typedef struct {
  /* First, so that the reader's items are jobs. */
  serial_item item;
  job_kind kind;
  const sha256_kernels *kernels;
  napi_async_work work;
  /* JOB_UPDATE, JOB_WRITE. */
  hasher *hasher;
  /* JOB_WRITE, JOB_READ. */
  file_place place;
  /* JOB_LEAVES, JOB_READ: where the digests go. */
  uint8_t *digests;
  /* JOB_READ: the reader that tries it, and whether it must continue on the pool. */
  reader *reader;
  bool must_wait;
  /* The outcome: 0 or an errno, and the number of bytes read. */
  int error;
  size_t done;
  /* The callback, the objects that must not be collected, and the bytes to take or to fill. */
  napi_ref callback;
  napi_ref *kept;
  size_t kept_count;
  span *spans;
  size_t span_count;
} job;

/* A job with room for `spans` spans and `kept` objects; NULL with an exception thrown. */
job *job_new(napi_env env, job_kind kind, const sha256_kernels *kernels, size_t spans, size_t kept);

/* Keeps an object from being collected until the job ends; false with an exception thrown. */
bool job_keep(napi_env env, job *j, napi_value value);

/* Frees a job that was not started. */
void job_free(napi_env env, job *j);

/* Starts a job and owns it from then on, also on failure: false with an exception thrown. Later calls `callback`. */
bool job_start(napi_env env, job *j, napi_value callback);

/* Like job_start, for a job that reads. */
bool job_start_reading(napi_env env, job *j, napi_value callback);

#endif
