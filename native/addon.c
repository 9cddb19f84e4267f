/*
 * The Node-API side: hashers as opaque objects, and jobs on other threads that hash, write and hash, or
 * read and hash, each in one hand-over. Functions here are called by src/native-hash.ts only, but any
 * argument whatever gives an exception at worst, never a crash.
 *
 * Jobs go to libuv's thread pool. Those that read try first, on a thread of their own, whether the system has
 * the bytes in memory: a download that is hashed by one thread after the other, on whatever core, took a tenth
 * longer. What must wait for a disk waits on the pool, where it holds up nobody.
 *
 * There is no mutable state outside hashers, jobs and the reader of each environment, so that every thread with
 * a Node environment may load this. All fields of a hasher are touched by its environment's thread only, but for `pair` while `busy`,
 * which then belongs to the job.
 *
 * One thing cannot be held from here: an ArrayBuffer that is detached (transferred) while a job reads it.
 * References keep a buffer from being collected, not from being moved away by its owner.
 */
#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#define NAPI_VERSION 8
#include <errno.h>
#include <node_api.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

#include "serial.h"
#include "sha256.h"

/* Positions are passed to the system as they are. */
_Static_assert(sizeof(off_t) == 8, "files beyond 2 GiB need a 64-bit off_t");

/* Far more than one would pass; bounds what is allocated before the first buffer was looked at. */
#define BUFFERS_MAX 65536u
/* What fits any platform's limits on one call (IOV_MAX is at least 1024 on those built for). */
#define VECTORS_MAX 64
#define TRANSFER_MAX ((size_t)1 << 30)
/* What unbuffered files ask of memory, on any device in use. */
#define PAGE_BYTES 4096
/* Whether the system can say that reading would have to wait for a disk. */
#if defined(__linux__) && defined(SYS_preadv2) && defined(RWF_NOWAIT)
#define READS_AT_ONCE 1
#else
#define READS_AT_ONCE 0
#endif
#if defined(__linux__)
/* glibc's. Weak: one binary serves other C libraries, too. */
extern int malloc_trim(size_t pad) __attribute__((weak));
#endif
/* 2^53 - 1, the greatest integer that JavaScript counts to exactly. */
#define INTEGER_MAX 9007199254740991.0

typedef struct {
  pair_hasher pair;
  /* A job works on it. */
  bool busy;
  /* It gave its digest, or failed: nothing but its end may follow. */
  bool spent;
  /* Its object is gone while a job works on it: the job frees it. */
  bool orphaned;
} hasher;

/* Tells our hashers from other objects that wrap something. */
static const napi_type_tag HASHER_TAG = {0x3f1c7a5b9e2d4608, 0x8b6d20f4c17e935a};

typedef struct {
  uint8_t *data;
  size_t length;
} span;

typedef struct {
  int fd;
  off_t position;
} file_place;

typedef enum { JOB_UPDATE, JOB_WRITE, JOB_LEAVES, JOB_READ } job_kind;

typedef struct reader reader;

typedef struct {
  /* First, so that an item of the reader's is a job. */
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
  /* JOB_READ: who tried it, and whether the system did not have all in memory. */
  reader *reader;
  bool must_wait;
  /* Outcome: an errno or 0, and what was read. */
  int error;
  size_t done;
  /* The callback, what must not be collected, and the bytes to take or to fill. */
  napi_ref callback;
  napi_ref *kept;
  size_t kept_count;
  span *spans;
  size_t span_count;
} job;

/* Of an environment. All fields but for `thread`'s own are touched by the environment's thread only. */
struct reader {
  serial *thread;
  napi_threadsafe_function tell;
  /* Jobs that were not told of yet. */
  size_t under_way;
};

/* --- Errors ------------------------------------------------------------------------------------------- */

static napi_value fail_type(napi_env env, const char *message) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
  return NULL;
}

static napi_value fail_range(napi_env env, const char *message) {
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", message);
  return NULL;
}

static napi_value fail_state(napi_env env, const char *code, const char *message) {
  napi_throw_error(env, code, message);
  return NULL;
}

static napi_value fail_memory(napi_env env) {
  return fail_state(env, "ERR_MEMORY_ALLOCATION_FAILED", "no memory for hashing");
}

/* For calls of Node-API that fail only when the environment goes away or an exception waits already. */
static napi_value fail_call(napi_env env) {
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && !pending) {
    napi_throw_error(env, "ERR_NATIVE_HASH", "a call of Node-API failed");
  }
  return NULL;
}

/* --- Arguments: each returns false with an exception thrown --------------------------------------------- */

static bool get_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values,
                          const sha256_kernels **kernels) {
  void *data = NULL;
  /* Missing ones are filled with undefined, and refused by whoever reads them. */
  if (napi_get_cb_info(env, info, &count, values, NULL, &data) != napi_ok) {
    fail_call(env);
    return false;
  }
  *kernels = data;
  return true;
}

static bool get_hasher(napi_env env, napi_value value, hasher **out) {
  napi_valuetype type;
  bool ours = false;
  void *data = NULL;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_object ||
      napi_check_object_type_tag(env, value, &HASHER_TAG, &ours) != napi_ok || !ours ||
      napi_unwrap(env, value, &data) != napi_ok) {
    fail_type(env, "not a hasher");
    return false;
  }
  *out = data;
  return true;
}

static bool require_ready(napi_env env, const hasher *h) {
  if (h->busy) {
    fail_state(env, "ERR_HASHER_BUSY", "the hasher is busy: one update at a time");
    return false;
  }
  if (h->spent) {
    fail_state(env, "ERR_HASHER_SPENT", "the hasher gave its digest or failed: make a new one");
    return false;
  }
  return true;
}

/* An integer from 0 to `max` <= INTEGER_MAX. */
static bool get_integer(napi_env env, napi_value value, double max, const char *message, double *out) {
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_number ||
      napi_get_value_double(env, value, out) != napi_ok) {
    fail_type(env, message);
    return false;
  }
  /* Written so that NaN is refused too. Within the range the conversion is defined. */
  if (!(*out >= 0 && *out <= max) || (double)(int64_t)*out != *out) {
    fail_range(env, message);
    return false;
  }
  return true;
}

static bool get_file(napi_env env, napi_value fd_value, napi_value position_value, file_place *out) {
  double fd, position;
  if (!get_integer(env, fd_value, 2147483647.0, "fd must be a file descriptor", &fd)) return false;
  const char *message = "position must be an integer from 0 to 2^53 - 1";
  if (!get_integer(env, position_value, INTEGER_MAX, message, &position)) return false;
  *out = (file_place){(int)fd, (off_t)position};
  return true;
}

static bool is_function(napi_env env, napi_value value) {
  napi_valuetype type;
  if (napi_typeof(env, value, &type) == napi_ok && type == napi_function) return true;
  fail_type(env, "the callback must be a function");
  return false;
}

/* Runs no JavaScript. A detached array has no bytes. */
static bool get_bytes(napi_env env, napi_value value, span *out) {
  bool is_typed = false;
  napi_typedarray_type type;
  void *data = NULL;
  size_t length = 0;
  if (napi_is_typedarray(env, value, &is_typed) != napi_ok || !is_typed ||
      napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array) {
    fail_type(env, "bytes must be a Uint8Array");
    return false;
  }
  out->data = length > 0 ? data : NULL;
  out->length = length;
  return true;
}

/* The target of the digests of `bytes` bytes. */
static bool get_digests_target(napi_env env, napi_value value, size_t bytes, uint8_t **out) {
  span target;
  if (!get_bytes(env, value, &target)) return false;
  if (target.length != sha256_leaf_count(bytes) * SHA256_DIGEST_BYTES) {
    fail_range(env, "the target must hold 32 bytes for each leaf, no more and no less");
    return false;
  }
  *out = target.data;
  return true;
}

/* The elements of an array as handles. To be freed by the caller. */
typedef struct {
  napi_value *values;
  span *spans;
  uint32_t count;
  uint64_t bytes;
} buffer_list;

static void free_buffer_list(buffer_list *list) {
  free(list->values);
  free(list->spans);
}

/*
 * Reads an array of buffers. Reading elements may run JavaScript (getters), which may detach buffers that
 * were read before; so addresses are taken in a second pass, during which none runs, and whoever asked must
 * look at the hasher's state only afterwards.
 */
static bool get_buffers(napi_env env, napi_value array, buffer_list *out) {
  memset(out, 0, sizeof *out);
  bool is_array = false;
  if (napi_is_array(env, array, &is_array) != napi_ok || !is_array ||
      napi_get_array_length(env, array, &out->count) != napi_ok) {
    fail_type(env, "buffers must be an array of Uint8Array");
    return false;
  }
  if (out->count > BUFFERS_MAX) {
    fail_range(env, "too many buffers at once: at most 65,536");
    return false;
  }
  if (out->count == 0) return true;
  out->values = calloc(out->count, sizeof *out->values);
  out->spans = calloc(out->count, sizeof *out->spans);
  if (out->values == NULL || out->spans == NULL) {
    free_buffer_list(out);
    fail_memory(env);
    return false;
  }
  bool good = true;
  for (uint32_t i = 0; good && i < out->count; i++) {
    good = napi_get_element(env, array, i, &out->values[i]) == napi_ok;
    if (!good) fail_call(env);
  }
  for (uint32_t i = 0; good && i < out->count; i++) {
    good = get_bytes(env, out->values[i], &out->spans[i]);
    /* Looked at each time, so that the sum cannot wrap. */
    out->bytes += out->spans[i].length;
    if (good && out->bytes > (uint64_t)INTEGER_MAX) {
      fail_range(env, "too many bytes at once");
      good = false;
    }
  }
  if (!good) free_buffer_list(out);
  return good;
}

/* --- Reading and writing, on the pool ------------------------------------------------------------------- */

/* Writes all of the spans one after the other. Returns 0 or an errno. */
static int write_all(file_place place, const span *spans, size_t count) {
  size_t next = 0;
  size_t offset = 0;
  for (;;) {
    struct iovec vectors[VECTORS_MAX];
    int used = 0;
    size_t bytes = 0;
    size_t skip = offset;
    for (size_t i = next; i < count && used < VECTORS_MAX && bytes < TRANSFER_MAX; i++, skip = 0) {
      size_t length = spans[i].length - skip;
      if (length == 0) continue;
      if (length > TRANSFER_MAX - bytes) length = TRANSFER_MAX - bytes;
      vectors[used++] = (struct iovec){spans[i].data + skip, length};
      bytes += length;
    }
    if (used == 0) return 0;
    const ssize_t written = pwritev(place.fd, vectors, used, place.position);
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    /* Not expected of any file, but it must not become an endless loop. */
    if (written == 0) return EIO;
    place.position += written;
    /* Less than asked is no error: go on behind what was written. */
    offset += (size_t)written;
    while (next < count && offset >= spans[next].length) offset -= spans[next++].length;
  }
}

/* Reads what is there, without waiting for a disk if `at_once`: then EAGAIN says that one would have to wait. */
static ssize_t read_some(file_place place, uint8_t *target, size_t bytes, bool at_once) {
  if (!at_once) return pread(place.fd, target, bytes, place.position);
#if READS_AT_ONCE
  /* Not by the library's function, which not every library has. */
  const struct iovec vector = {target, bytes};
  return syscall(SYS_preadv2, place.fd, &vector, 1ul, place.position, 0ul, RWF_NOWAIT);
#else
  errno = EAGAIN;
  return -1;
#endif
}

/* Reads on behind the first `done` bytes until the target is full or the file ends. Returns 0 or an errno. */
static int read_all(file_place place, span target, bool at_once, size_t *done) {
  while (*done < target.length) {
    const size_t rest = target.length - *done;
    const size_t ask = rest < TRANSFER_MAX ? rest : TRANSFER_MAX;
    const file_place from = {place.fd, place.position + (off_t)*done};
    const ssize_t got = read_some(from, target.data + *done, ask, at_once);
    if (got < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    /* Linux 5.9 and 5.10 may say so before the end when asked not to wait (preadv2(2), BUGS): whoever waits finds it. */
    if (got == 0) return at_once ? EAGAIN : 0;
    *done += (size_t)got;
  }
  return 0;
}

static void absorb_all(hasher *h, const span *spans, size_t count) {
  for (size_t i = 0; i < count; i++) pair_absorb(&h->pair, spans[i].data, spans[i].length);
}

static void read_leaves(job *j, bool at_once) {
  j->error = read_all(j->place, j->spans[0], at_once, &j->done);
  if (j->error == 0) sha256_leaves(j->kernels, j->spans[0].data, j->done, j->digests);
}

static void execute(napi_env env, void *data) {
  (void)env;
  job *j = data;
  switch (j->kind) {
    case JOB_WRITE:
      j->error = write_all(j->place, j->spans, j->span_count);
      if (j->error != 0) return;
      /* fall through */
    case JOB_UPDATE:
      absorb_all(j->hasher, j->spans, j->span_count);
      return;
    case JOB_READ:
      read_leaves(j, false);
      return;
    case JOB_LEAVES:
      sha256_leaves(j->kernels, j->spans[0].data, j->spans[0].length, j->digests);
      return;
  }
}

/* --- Jobs ----------------------------------------------------------------------------------------------- */

static void free_hasher(hasher *h) {
  pair_free(&h->pair);
  free(h);
}

static void free_memory(job *j) {
  free(j->kept);
  free(j->spans);
  free(j);
}

static void free_job(napi_env env, job *j) {
  if (j->work != NULL) napi_delete_async_work(env, j->work);
  if (j->callback != NULL) napi_delete_reference(env, j->callback);
  for (size_t i = 0; i < j->kept_count; i++) napi_delete_reference(env, j->kept[i]);
  free_memory(j);
}

/* A job with room for what it keeps; NULL with an exception thrown. */
static job *new_job(napi_env env, job_kind kind, const sha256_kernels *kernels, size_t spans, size_t kept) {
  job *j = calloc(1, sizeof *j);
  if (j != NULL) {
    j->kind = kind;
    j->kernels = kernels;
    /* calloc(0) may give NULL without being out of memory. */
    j->spans = calloc(spans + 1, sizeof *j->spans);
    j->kept = calloc(kept + 1, sizeof(napi_ref));
  }
  if (j == NULL || j->spans == NULL || j->kept == NULL) {
    if (j != NULL) free_job(env, j);
    fail_memory(env);
    return NULL;
  }
  return j;
}

static bool keep(napi_env env, job *j, napi_value value) {
  if (napi_create_reference(env, value, 1, &j->kept[j->kept_count]) != napi_ok) {
    fail_call(env);
    return false;
  }
  j->kept_count++;
  return true;
}

static bool hold_callback(napi_env env, job *j, napi_value callback) {
  if (napi_create_reference(env, callback, 1, &j->callback) == napi_ok) return true;
  free_job(env, j);
  fail_call(env);
  return false;
}

static void complete(napi_env env, napi_status status, void *data) {
  job *j = data;
  const double done = (double)j->done;
  const int error = status == napi_cancelled ? ECANCELED : j->error;
  hasher *h = j->hasher;
  if (h != NULL) {
    h->busy = false;
    if (error != 0) h->spent = true;
    if (h->orphaned) free_hasher(h);
  }
  napi_value callback = NULL, receiver, arguments[2];
  const bool callable = napi_get_reference_value(env, j->callback, &callback) == napi_ok && callback != NULL &&
                        napi_get_undefined(env, &receiver) == napi_ok &&
                        napi_create_int32(env, error, &arguments[0]) == napi_ok &&
                        napi_create_double(env, done, &arguments[1]) == napi_ok;
  /* Before the call, which may start the next job or never come back from an exception. */
  free_job(env, j);
  if (!callable) return;
  if (napi_call_function(env, receiver, callback, 2, arguments, NULL) != napi_pending_exception) return;
  /* Left pending, it would make every call of Node-API fail for those who handle the uncaught exception. */
  napi_value thrown;
  if (napi_get_and_clear_last_exception(env, &thrown) == napi_ok) napi_fatal_exception(env, thrown);
}

/* Hands the job to the pool. False when that cannot be. */
static bool queue(napi_env env, job *j) {
  napi_value name;
  return napi_create_string_utf8(env, "moraine.hash", NAPI_AUTO_LENGTH, &name) == napi_ok &&
         napi_create_async_work(env, NULL, name, execute, complete, j, &j->work) == napi_ok &&
         napi_queue_async_work(env, j->work) == napi_ok;
}

/* Takes the job over, whether it can be started or not; false with an exception thrown. */
static bool start(napi_env env, job *j, napi_value callback) {
  if (!hold_callback(env, j, callback)) return false;
  if (!queue(env, j)) {
    free_job(env, j);
    fail_call(env);
    return false;
  }
  if (j->hasher != NULL) j->hasher->busy = true;
  return true;
}

/* --- The reader: jobs that read, one after the other ----------------------------------------------------- */

/* On the reader's thread. */
static void try_reading(serial_item *item) {
  job *j = (job *)item;
  read_leaves(j, true);
  /* Whatever is wrong is found again, and told, by the pool. */
  j->must_wait = j->error != 0;
  /* Fails only when the environment is going away, which then frees the job. */
  napi_call_threadsafe_function(j->reader->tell, j, napi_tsfn_nonblocking);
}

/* On the environment's thread; with no environment while that goes away. */
static void tell(napi_env env, napi_value callback, void *context, void *data) {
  (void)callback;
  reader *r = context;
  job *j = data;
  /* What refers to the environment went with it. */
  if (env == NULL) {
    free_memory(j);
    return;
  }
  /* Node may end while nobody waits for anything. */
  if (--r->under_way == 0) napi_unref_threadsafe_function(env, r->tell);
  if (j->must_wait) {
    j->error = 0;
    if (queue(env, j)) return;
    j->error = EAGAIN;
  }
  complete(env, napi_ok, j);
}

static void free_reader(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  free(data);
}

/* Before the environment goes away. */
static void end_reader(void *data) {
  reader *r = data;
  for (serial_item *item = serial_end(r->thread), *next; item != NULL; item = next) {
    next = item->next;
    free_memory((job *)item);
  }
  napi_release_threadsafe_function(r->tell, napi_tsfn_abort);
}

/* The environment's, made when first needed; NULL where there can be none. */
static reader *reader_of(napi_env env) {
  reader *r = NULL;
  if (napi_get_instance_data(env, (void **)&r) != napi_ok) return NULL;
  if (r != NULL) return r;
  napi_value name;
  r = calloc(1, sizeof *r);
  if (r == NULL) return NULL;
  if (napi_create_string_utf8(env, "moraine.read", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, r, free_reader, r, tell, &r->tell) != napi_ok) {
    free(r);
    return NULL;
  }
  napi_unref_threadsafe_function(env, r->tell);
  r->thread = serial_begin(try_reading);
  if (r->thread == NULL) {
    napi_release_threadsafe_function(r->tell, napi_tsfn_abort);
    return NULL;
  }
  /* Hooks run last added first: before that of `tell`, so that the thread ends while it can be told of. */
  napi_add_env_cleanup_hook(env, end_reader, r);
  napi_set_instance_data(env, r, NULL, NULL);
  return r;
}

/* As start, for a job that reads. */
static bool start_reading(napi_env env, job *j, napi_value callback) {
  reader *r = READS_AT_ONCE ? reader_of(env) : NULL;
  if (r == NULL) return start(env, j, callback);
  if (!hold_callback(env, j, callback)) return false;
  j->reader = r;
  if (r->under_way++ == 0) napi_ref_threadsafe_function(env, r->tell);
  serial_add(r->thread, &j->item);
  return true;
}

/* --- Functions for JavaScript --------------------------------------------------------------------------- */

static void finalize_hasher(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  hasher *h = data;
  if (h->busy) {
    h->orphaned = true;
  } else {
    free_hasher(h);
  }
}

/* createPairHasher(): object */
static napi_value create_pair_hasher(napi_env env, napi_callback_info info) {
  const sha256_kernels *kernels;
  napi_value object;
  if (!get_arguments(env, info, 0, NULL, &kernels)) return NULL;
  hasher *h = calloc(1, sizeof *h);
  if (h == NULL) return fail_memory(env);
  pair_begin(&h->pair, kernels);
  if (napi_create_object(env, &object) != napi_ok ||
      napi_type_tag_object(env, object, &HASHER_TAG) != napi_ok ||
      napi_wrap(env, object, h, finalize_hasher, NULL, NULL) != napi_ok) {
    free_hasher(h);
    return fail_call(env);
  }
  return object;
}

/* updateSync(hasher, buffers): undefined */
static napi_value update_sync(napi_env env, napi_callback_info info) {
  const sha256_kernels *kernels;
  napi_value values[2];
  hasher *h;
  buffer_list list;
  if (!get_arguments(env, info, 2, values, &kernels) || !get_hasher(env, values[0], &h)) return NULL;
  if (!get_buffers(env, values[1], &list)) return NULL;
  if (require_ready(env, h)) {
    if (pair_reserve(&h->pair, list.bytes)) {
      absorb_all(h, list.spans, list.count);
    } else {
      fail_memory(env);
    }
  }
  free_buffer_list(&list);
  return NULL;
}

/* The job of an update with or without a write; NULL with an exception thrown. */
static job *hasher_job(napi_env env, job_kind kind, const sha256_kernels *kernels, napi_value hasher_value,
                       napi_value buffers) {
  hasher *h;
  buffer_list list;
  if (!get_hasher(env, hasher_value, &h) || !get_buffers(env, buffers, &list)) return NULL;
  job *j = NULL;
  if (require_ready(env, h)) j = new_job(env, kind, kernels, list.count, (size_t)list.count + 1);
  if (j != NULL) {
    j->hasher = h;
    bool good = pair_reserve(&h->pair, list.bytes);
    if (!good) fail_memory(env);
    good = good && keep(env, j, hasher_value);
    for (uint32_t i = 0; good && i < list.count; i++) {
      if (list.spans[i].length == 0) continue;
      j->spans[j->span_count++] = list.spans[i];
      good = keep(env, j, list.values[i]);
    }
    if (!good) {
      free_job(env, j);
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
  if (j != NULL) start(env, j, values[2]);
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
  start(env, j, values[4]);
  return NULL;
}

/* digest(hasher): Buffer of 32 bytes, the linear hash, and 32 for each leaf */
static napi_value digest(napi_env env, napi_callback_info info) {
  const sha256_kernels *kernels;
  napi_value value, result;
  hasher *h;
  void *out = NULL;
  if (!get_arguments(env, info, 1, &value, &kernels) || !get_hasher(env, value, &h)) return NULL;
  if (!require_ready(env, h)) return NULL;
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

/* The job that hashes the leaves of `bytes_value` to `target_value`; NULL with an exception thrown. */
static job *leaves_job(napi_env env, job_kind kind, const sha256_kernels *kernels, napi_value bytes_value,
                       napi_value target_value) {
  span bytes;
  uint8_t *digests;
  if (!get_bytes(env, bytes_value, &bytes) || !get_digests_target(env, target_value, bytes.length, &digests)) {
    return NULL;
  }
  job *j = new_job(env, kind, kernels, 1, 2);
  if (j == NULL) return NULL;
  j->spans[j->span_count++] = bytes;
  j->digests = digests;
  if (keep(env, j, bytes_value) && keep(env, j, target_value)) return j;
  free_job(env, j);
  return NULL;
}

/* hashLeaves(bytes, target, callback(errno)): undefined */
static napi_value hash_leaves(napi_env env, napi_callback_info info) {
  const sha256_kernels *kernels;
  napi_value values[3];
  if (!get_arguments(env, info, 3, values, &kernels) || !is_function(env, values[2])) return NULL;
  job *j = leaves_job(env, JOB_LEAVES, kernels, values[0], values[1]);
  if (j != NULL) start(env, j, values[2]);
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
  start_reading(env, j, values[4]);
  return NULL;
}

static void free_aligned(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  free(data);
}

/* alignedBuffer(bytes): Buffer of zeros whose memory begins at a page */
static napi_value aligned_buffer(napi_env env, napi_callback_info info) {
  const sha256_kernels *kernels;
  napi_value value, result;
  double bytes;
  void *memory = NULL;
  if (!get_arguments(env, info, 1, &value, &kernels)) return NULL;
  const char *message = "bytes must be an integer from 1 to 2^30";
  if (!get_integer(env, value, (double)TRANSFER_MAX, message, &bytes)) return NULL;
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

/*
 * `implementation` is the name of the kernels, or null with nothing beside it on a processor without SHA
 * instructions; `leavesAtOnce` is how many leaves they hash at once, `pairLeavesAtOnce` how many together with
 * the linear hash.
 */
NAPI_MODULE_INIT() {
  const sha256_kernels *kernels = sha256_detect();
  napi_value name;
  if (kernels == NULL) {
    if (napi_get_null(env, &name) != napi_ok) return NULL;
  } else if (napi_create_string_utf8(env, kernels->name, NAPI_AUTO_LENGTH, &name) != napi_ok) {
    return NULL;
  }
  if (napi_set_named_property(env, exports, "implementation", name) != napi_ok) return NULL;
  if (kernels == NULL) return exports;
  if (!sha256_wide_is_right(kernels)) return fail_state(env, "ERR_WRONG_HASH", "it gives wrong hashes");
  kernels = sha256_fastest(kernels);
  napi_value at_once, pair_at_once;
  if (napi_create_uint32(env, (uint32_t)sha256_leaves_at_once(kernels), &at_once) != napi_ok ||
      napi_set_named_property(env, exports, "leavesAtOnce", at_once) != napi_ok ||
      napi_create_uint32(env, (uint32_t)sha256_pair_leaves_at_once(kernels), &pair_at_once) != napi_ok ||
      napi_set_named_property(env, exports, "pairLeavesAtOnce", pair_at_once) != napi_ok) {
    return NULL;
  }

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
    napi_value function;
    /* The kernels are constant: Node-API only wants a pointer without const. */
    if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, (void *)kernels,
                             &function) != napi_ok ||
        napi_set_named_property(env, exports, functions[i].name, function) != napi_ok) {
      return NULL;
    }
  }
#if defined(__linux__)
  if (malloc_trim != NULL) {
    napi_value function;
    if (napi_create_function(env, "giveBackMemory", NAPI_AUTO_LENGTH, give_back_memory, NULL, &function) != napi_ok ||
        napi_set_named_property(env, exports, "giveBackMemory", function) != napi_ok) {
      return NULL;
    }
  }
#endif
  return exports;
}
