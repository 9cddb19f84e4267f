/* Hashers as opaque JavaScript objects. */
#ifndef MORAINE_HASHER_H
#define MORAINE_HASHER_H

#include <node_api.h>
#include <stdbool.h>

#include "file_io.h"
#include "sha256.h"

/* Every field belongs to the thread of its environment, except `pair` while `busy`: then it belongs to the job. */
typedef struct {
  pair_hasher pair;
  /* A job works on it. */
  bool busy;
  /* It gave its digest, or failed. Only destruction is valid. */
  bool spent;
  /* Its object was collected during a job, which then frees it. */
  bool orphaned;
} hasher;

/* A new hasher as an object; NULL with an exception thrown. */
napi_value hasher_create(napi_env env, const sha256_kernels *kernels);

/* The hasher of an object; false with an exception thrown if it is not one of ours. */
bool hasher_get(napi_env env, napi_value value, hasher **out);

/* False with an exception thrown if the hasher is busy or spent. */
bool hasher_require_ready(napi_env env, const hasher *h);

/* Takes bytes for which pair_reserve has made room. */
void hasher_absorb(hasher *h, const span *spans, size_t count);

/* Releases a hasher from its job; frees it if its object is gone. */
void hasher_release(hasher *h, bool failed);

#endif
