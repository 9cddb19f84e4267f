#include "jobs.h"

#include <errno.h>
#include <stdlib.h>

/* One for each environment. Its fields belong to the environment's thread; `thread` locks its own. */
struct reader {
  serial *thread;
  napi_threadsafe_function tell;
  /* Jobs that have not been reported yet. */
  size_t under_way;
};

/* --- Work, on another thread ------------------------------------------------------------------------------ */

static void read_leaves(job *j, bool at_once) {
  j->error = file_read_all(j->place, j->spans[0], at_once, &j->done);
  if (j->error == 0) sha256_leaves(j->kernels, j->spans[0].data, j->done, j->digests);
}

static void execute(napi_env env, void *data) {
  (void)env;
  job *j = data;
  switch (j->kind) {
    case JOB_WRITE:
      j->error = file_write_all(j->place, j->spans, j->span_count);
      if (j->error != 0) return;
      /* fall through */
    case JOB_UPDATE:
      hasher_absorb(j->hasher, j->spans, j->span_count);
      return;
    case JOB_READ:
      read_leaves(j, false);
      return;
    case JOB_LEAVES:
      sha256_leaves(j->kernels, j->spans[0].data, j->spans[0].length, j->digests);
      return;
  }
}

/* --- Making and freeing ----------------------------------------------------------------------------------- */

static void free_memory(job *j) {
  free(j->kept);
  free(j->spans);
  free(j);
}

void job_free(napi_env env, job *j) {
  if (j->work != NULL) napi_delete_async_work(env, j->work);
  if (j->callback != NULL) napi_delete_reference(env, j->callback);
  for (size_t i = 0; i < j->kept_count; i++) napi_delete_reference(env, j->kept[i]);
  free_memory(j);
}

job *job_new(napi_env env, job_kind kind, const sha256_kernels *kernels, size_t spans, size_t kept) {
  job *j = calloc(1, sizeof *j);
  if (j != NULL) {
    j->kind = kind;
    j->kernels = kernels;
    /* One more than needed: calloc(0) may return NULL. */
    j->spans = calloc(spans + 1, sizeof *j->spans);
    j->kept = calloc(kept + 1, sizeof(napi_ref));
  }
  if (j == NULL || j->spans == NULL || j->kept == NULL) {
    if (j != NULL) job_free(env, j);
    fail_memory(env);
    return NULL;
  }
  return j;
}

bool job_keep(napi_env env, job *j, napi_value value) {
  if (napi_create_reference(env, value, 1, &j->kept[j->kept_count]) != napi_ok) {
    fail_call(env);
    return false;
  }
  j->kept_count++;
  return true;
}

static bool hold_callback(napi_env env, job *j, napi_value callback) {
  if (napi_create_reference(env, callback, 1, &j->callback) == napi_ok) return true;
  job_free(env, j);
  fail_call(env);
  return false;
}

/* --- On the pool ------------------------------------------------------------------------------------------ */

/* Calls a callback with an outcome. */
static void call_back(napi_env env, napi_value callback, napi_value receiver, napi_value *arguments) {
  if (napi_call_function(env, receiver, callback, 2, arguments, NULL) != napi_pending_exception) return;
  /* A pending exception would fail every call of Node-API in the handlers of the uncaught exception. */
  napi_value thrown;
  if (napi_get_and_clear_last_exception(env, &thrown) == napi_ok) napi_fatal_exception(env, thrown);
}

static void complete(napi_env env, napi_status status, void *data) {
  job *j = data;
  const double done = (double)j->done;
  const int error = status == napi_cancelled ? ECANCELED : j->error;
  if (j->hasher != NULL) hasher_release(j->hasher, error != 0);
  napi_value callback = NULL, receiver, arguments[2];
  const bool callable = napi_get_reference_value(env, j->callback, &callback) == napi_ok && callback != NULL &&
                        napi_get_undefined(env, &receiver) == napi_ok &&
                        napi_create_int32(env, error, &arguments[0]) == napi_ok &&
                        napi_create_double(env, done, &arguments[1]) == napi_ok;
  /* Before the call, which may start the next job or throw. */
  job_free(env, j);
  if (callable) call_back(env, callback, receiver, arguments);
}

/* Queues the job on the pool; false on failure. */
static bool queue(napi_env env, job *j) {
  napi_value name;
  return napi_create_string_utf8(env, "moraine.hash", NAPI_AUTO_LENGTH, &name) == napi_ok &&
         napi_create_async_work(env, NULL, name, execute, complete, j, &j->work) == napi_ok &&
         napi_queue_async_work(env, j->work) == napi_ok;
}

bool job_start(napi_env env, job *j, napi_value callback) {
  if (!hold_callback(env, j, callback)) return false;
  if (!queue(env, j)) {
    job_free(env, j);
    fail_call(env);
    return false;
  }
  if (j->hasher != NULL) j->hasher->busy = true;
  return true;
}

/* --- The reader: tries jobs that read, one after the other ------------------------------------------------- */

/* On the reader's thread. */
static void try_reading(serial_item *item) {
  job *j = (job *)item;
  read_leaves(j, true);
  /* On any error the pool repeats the read, and reports the error if it occurs again. */
  j->must_wait = j->error != 0;
  /* Fails only when the environment is going away, which then frees the job. */
  napi_call_threadsafe_function(j->reader->tell, j, napi_tsfn_nonblocking);
}

/* On the environment's thread. `env` is NULL while the environment goes away. */
static void tell(napi_env env, napi_value callback, void *context, void *data) {
  (void)callback;
  reader *r = context;
  job *j = data;
  /* References are gone with the environment. */
  if (env == NULL) {
    free_memory(j);
    return;
  }
  /* Lets Node end while no job is under way. */
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

/* Runs before the environment goes away. */
static void end_reader(void *data) {
  reader *r = data;
  for (serial_item *item = serial_end(r->thread), *next; item != NULL; item = next) {
    next = item->next;
    free_memory((job *)item);
  }
  napi_release_threadsafe_function(r->tell, napi_tsfn_abort);
}

/* A new reader; NULL if there can be none. */
static reader *begin_reader(napi_env env) {
  napi_value name;
  reader *r = calloc(1, sizeof *r);
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
  /* Hooks run in reverse order: this one before that of `tell`, so that the thread ends while it can still report. */
  napi_add_env_cleanup_hook(env, end_reader, r);
  napi_set_instance_data(env, r, NULL, NULL);
  return r;
}

/* The environment's reader, made on first use; NULL if there can be none. */
static reader *reader_of(napi_env env) {
  reader *r = NULL;
  if (!file_reads_at_once() || napi_get_instance_data(env, (void **)&r) != napi_ok) return NULL;
  return r != NULL ? r : begin_reader(env);
}

bool job_start_reading(napi_env env, job *j, napi_value callback) {
  reader *r = reader_of(env);
  if (r == NULL) return job_start(env, j, callback);
  if (!hold_callback(env, j, callback)) return false;
  j->reader = r;
  if (r->under_way++ == 0) napi_ref_threadsafe_function(env, r->tell);
  serial_add(r->thread, &j->item);
  return true;
}
