#include "hasher.h"

#include <stdlib.h>

#include "arguments.h"

/* Distinguishes our hashers from other objects that wrap something. */
static const napi_type_tag HASHER_TAG = {0x3f1c7a5b9e2d4608, 0x8b6d20f4c17e935a};

static void free_hasher(hasher *h) {
  pair_free(&h->pair);
  free(h);
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  hasher *h = data;
  if (h->busy) {
    h->orphaned = true;
  } else {
    free_hasher(h);
  }
}

napi_value hasher_create(napi_env env, const sha256_kernels *kernels) {
  napi_value object;
  hasher *h = calloc(1, sizeof *h);
  if (h == NULL) return fail_memory(env);
  pair_begin(&h->pair, kernels);
  if (napi_create_object(env, &object) != napi_ok ||
      napi_type_tag_object(env, object, &HASHER_TAG) != napi_ok ||
      napi_wrap(env, object, h, finalize, NULL, NULL) != napi_ok) {
    free_hasher(h);
    return fail_call(env);
  }
  return object;
}

bool hasher_get(napi_env env, napi_value value, hasher **out) {
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

bool hasher_require_ready(napi_env env, const hasher *h) {
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

void hasher_absorb(hasher *h, const span *spans, size_t count) {
  for (size_t i = 0; i < count; i++) pair_absorb(&h->pair, spans[i].data, spans[i].length);
}

void hasher_release(hasher *h, bool failed) {
  h->busy = false;
  if (failed) h->spent = true;
  if (h->orphaned) free_hasher(h);
}
