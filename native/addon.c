/*
 * The addon: the functions for JavaScript. Only src/hashing/native-hash.ts calls them, but any argument causes at worst
 * an exception, never a crash.
 *
 * All mutable state is in hashers, jobs and the reader of each environment, so every thread with a Node environment may
 * load the addon.
 *
 * The addon cannot prevent that an ArrayBuffer is detached (transferred) during a job: a reference protects a buffer
 * from collection, not from its owner.
 */
#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include <node_api.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "file_io.h"
#include "hasher.h"
#include "jobs.h"
#include "sha256.h"

/* Memory alignment that unbuffered files need, on any device in use. */
#define PAGE_BYTES 4096
#define ALIGNED_MAX ((size_t)1 << 30)
#if defined(__linux__)
/* Of glibc. Weak, so that one binary also loads with other C libraries. */
extern int malloc_trim(size_t pad) __attribute__((weak));
#endif

/* createPairHasher(): object */
static napi_value create_pair_hasher(napi_env env, napi_callback_info info) {
  const sha256_kernels *kernels;
  return get_arguments(env, info, 0, NULL, &kernels) ? hasher_create(env, kernels) : NULL;
}

/* updateSync(hasher, buffers): undefined */
static napi_value update_sync(napi_env env, napi_callback_info info) {
  const sha256_kernels *kernels;
  napi_value values[2];
  hasher *h;
  buffer_list list;
  if (!get_arguments(env, info, 2, values, &kernels) || !hasher_get(env, values[0], &h)) return NULL;
  if (!get_buffers(env, values[1], &list)) return NULL;
  if (hasher_require_ready(env, h)) {
    if (pair_reserve(&h->pair, list.bytes)) {
      hasher_absorb(h, list.spans, list.count);
    } else {
      fail_memory(env);
    }
  }
  free_buffer_list(&list);
  return NULL;
}

/* A job for an update, with or without a write; NULL with an exception thrown. */
static job *hasher_job(napi_env env, job_kind kind, const sha256_kernels *kernels, napi_value hasher_value,
                       napi_value buffers) {
  hasher *h;
  buffer_list list;
  if (!hasher_get(env, hasher_value, &h) || !get_buffers(env, buffers, &list)) return NULL;
  job *j = NULL;
  if (hasher_require_ready(env, h)) j = job_new(env, kind, kernels, list.count, (size_t)list.count + 1);
  if (j != NULL) {
    j->hasher = h;
    bool good = pair_reserve(&h->pair, list.bytes);
    if (!good) fail_memory(env);
    good = good && job_keep(env, j, hasher_value);
    for (uint32_t i = 0; good && i < list.count; i++) {
      if (list.spans[i].length == 0) continue;
      j->spans[j->span_count++] = list.spans[i];
      good = job_keep(env, j, list.values[i]);
    }
    if (!good) {
      job_free(env, j);
      j = NULL;
    }
  }
  free_buffer_list(&list);
  return j;
}

/* update(hasher, buffers, callback(errno)): undefined */
static napi_value update(napi_env env, napi_callback_info info) {
  const sha256_kernels *kernels;
  napi_value values[3];
  if (!get_arguments(env, info, 3, values, &kernels) || !is_function(env, values[2])) return NULL;
  job *j = hasher_job(env, JOB_UPDATE, kernels, values[0], values[1]);
  if (j != NULL) job_start(env, j, values[2]);
  return NULL;
}

/* writeAndHash(hasher, fd, position, buffers, callback(errno)): undefined */
static napi_value write_and_hash(napi_env env, napi_callback_info info) {
  const sha256_kernels *kernels;
  napi_value values[5];
  file_place place;
  if (!get_arguments(env, info, 5, values, &kernels) || !is_function(env, values[4])) return NULL;
  if (!get_file(env, values[1], values[2], &place)) return NULL;
  job *j = hasher_job(env, JOB_WRITE, kernels, values[0], values[3]);
  if (j == NULL) return NULL;
  j->place = place;
  job_start(env, j, values[4]);
  return NULL;
}

/* digest(hasher): Buffer of the linear hash, 32 bytes, and 32 bytes for each leaf */
static napi_value digest(napi_env env, napi_callback_info info) {
  const sha256_kernels *kernels;
  napi_value value, result;
  hasher *h;
  void *out = NULL;
  if (!get_arguments(env, info, 1, &value, &kernels) || !hasher_get(env, value, &h)) return NULL;
  if (!hasher_require_ready(env, h)) return NULL;
  const size_t leaves = sha256_leaf_count(pair_bytes(&h->pair));
  const size_t size = (leaves + 1) * SHA256_DIGEST_BYTES;
  if (napi_create_buffer(env, size, &out, &result) != napi_ok) return fail_call(env);
  h->spent = true;
  pair_end(&h->pair, out, (uint8_t *)out + SHA256_DIGEST_BYTES);
  pair_free(&h->pair);
  return result;
}

/* hashLeavesSync(bytes, target): undefined */
static napi_value hash_leaves_sync(napi_env env, napi_callback_info info) {
  const sha256_kernels *kernels;
  napi_value values[2];
  span bytes;
  uint8_t *digests;
  if (!get_arguments(env, info, 2, values, &kernels) || !get_bytes(env, values[0], &bytes) ||
      !get_digests_target(env, values[1], bytes.length, &digests)) {
    return NULL;
  }
  sha256_leaves(kernels, bytes.data, bytes.length, digests);
  return NULL;
}

/* A job that hashes the leaves of `bytes_value` into `target_value`; NULL with an exception thrown. */
static job *leaves_job(napi_env env, job_kind kind, const sha256_kernels *kernels, napi_value bytes_value,
                       napi_value target_value) {
  span bytes;
  uint8_t *digests;
  if (!get_bytes(env, bytes_value, &bytes) || !get_digests_target(env, target_value, bytes.length, &digests)) {
    return NULL;
  }
  job *j = job_new(env, kind, kernels, 1, 2);
  if (j == NULL) return NULL;
  j->spans[j->span_count++] = bytes;
  j->digests = digests;
  if (job_keep(env, j, bytes_value) && job_keep(env, j, target_value)) return j;
  job_free(env, j);
  return NULL;
}

/* hashLeaves(bytes, target, callback(errno)): undefined */
static napi_value hash_leaves(napi_env env, napi_callback_info info) {
  const sha256_kernels *kernels;
  napi_value values[3];
  if (!get_arguments(env, info, 3, values, &kernels) || !is_function(env, values[2])) return NULL;
  job *j = leaves_job(env, JOB_LEAVES, kernels, values[0], values[1]);
  if (j != NULL) job_start(env, j, values[2]);
  return NULL;
}

/* readAndHash(fd, position, bytes, target, callback(errno, bytesRead)): undefined */
static napi_value read_and_hash(napi_env env, napi_callback_info info) {
  const sha256_kernels *kernels;
  napi_value values[5];
  file_place place;
  if (!get_arguments(env, info, 5, values, &kernels) || !is_function(env, values[4])) return NULL;
  if (!get_file(env, values[0], values[1], &place)) return NULL;
  job *j = leaves_job(env, JOB_READ, kernels, values[2], values[3]);
  if (j == NULL) return NULL;
  j->place = place;
  job_start_reading(env, j, values[4]);
  return NULL;
}

static void free_aligned(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  free(data);
}

/* alignedBuffer(bytes): Buffer of zeros in page-aligned memory */
static napi_value aligned_buffer(napi_env env, napi_callback_info info) {
  const sha256_kernels *kernels;
  napi_value value, result;
  double bytes;
  void *memory = NULL;
  if (!get_arguments(env, info, 1, &value, &kernels)) return NULL;
  const char *message = "bytes must be an integer from 1 to 2^30";
  if (!get_integer(env, value, (double)ALIGNED_MAX, message, &bytes)) return NULL;
  if (bytes < 1) return fail_range(env, message);
  if (posix_memalign(&memory, PAGE_BYTES, (size_t)bytes) != 0) return fail_memory(env);
  memset(memory, 0, (size_t)bytes);
  if (napi_create_external_buffer(env, (size_t)bytes, memory, free_aligned, NULL, &result) == napi_ok) return result;
  free(memory);
  return fail_call(env);
}

#if defined(__linux__)
/* giveBackMemory(): undefined */
static napi_value give_back_memory(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  malloc_trim(0);
  return NULL;
}
#endif

/* Exports a function; false on failure. */
static bool export_function(napi_env env, napi_value exports, const char *name, napi_callback call,
                            const sha256_kernels *kernels) {
  napi_value function;
  /* The kernels stay constant, but Node-API takes a pointer without const. */
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, call, (void *)kernels, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

static bool export_functions(napi_env env, napi_value exports, const sha256_kernels *kernels) {
  static const struct {
    const char *name;
    napi_callback call;
  } functions[] = {
      {"createPairHasher", create_pair_hasher},
      {"updateSync", update_sync},
      {"update", update},
      {"writeAndHash", write_and_hash},
      {"digest", digest},
      {"hashLeavesSync", hash_leaves_sync},
      {"hashLeaves", hash_leaves},
      {"readAndHash", read_and_hash},
      {"alignedBuffer", aligned_buffer},
  };
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
    if (!export_function(env, exports, functions[i].name, functions[i].call, kernels)) return false;
  }
#if defined(__linux__)
  if (malloc_trim != NULL) return export_function(env, exports, "giveBackMemory", give_back_memory, kernels);
#endif
  return true;
}

static bool export_number(napi_env env, napi_value exports, const char *name, size_t number) {
  napi_value value;
  return napi_create_uint32(env, (uint32_t)number, &value) == napi_ok &&
         napi_set_named_property(env, exports, name, value) == napi_ok;
}

/* Exports `implementation`: the name of the kernels, or null if there are none. */
static bool export_name(napi_env env, napi_value exports, const sha256_kernels *kernels) {
  napi_value name;
  const napi_status status = kernels == NULL
                                 ? napi_get_null(env, &name)
                                 : napi_create_string_utf8(env, kernels->name, NAPI_AUTO_LENGTH, &name);
  return status == napi_ok && napi_set_named_property(env, exports, "implementation", name) == napi_ok;
}

/* On a processor without SHA instructions, the only export is `implementation`, which is null. */
NAPI_MODULE_INIT() {
  const sha256_kernels *kernels = sha256_detect();
  if (!export_name(env, exports, kernels)) return NULL;
  if (kernels == NULL) return exports;
  if (!sha256_wide_is_right(kernels)) return fail_state(env, "ERR_WRONG_HASH", "it gives wrong hashes");
  kernels = sha256_fastest(kernels);
  /* How many leaves these kernels hash at once, alone and together with the linear hash. */
  if (!export_number(env, exports, "leavesAtOnce", sha256_leaves_at_once(kernels)) ||
      !export_number(env, exports, "pairLeavesAtOnce", sha256_pair_leaves_at_once(kernels)) ||
      !export_functions(env, exports, kernels)) {
    return NULL;
  }
  return exports;
}
