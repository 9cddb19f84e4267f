#include "arguments.h"

#include <stdlib.h>
#include <string.h>

/* Bounds what is allocated before the first buffer is examined; far more than any caller passes. */
#define BUFFERS_MAX 65536u
/* 2^53 - 1, up to which JavaScript counts exactly. */
#define INTEGER_MAX 9007199254740991.0

napi_value fail_type(napi_env env, const char *message) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
  return NULL;
}

napi_value fail_range(napi_env env, const char *message) {
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", message);
  return NULL;
}

napi_value fail_state(napi_env env, const char *code, const char *message) {
  napi_throw_error(env, code, message);
  return NULL;
}

napi_value fail_memory(napi_env env) {
  return fail_state(env, "ERR_MEMORY_ALLOCATION_FAILED", "no memory for hashing");
}

napi_value fail_call(napi_env env) {
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && !pending) {
    napi_throw_error(env, "ERR_NATIVE_HASH", "a call of Node-API failed");
  }
  return NULL;
}

bool get_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values,
                   const sha256_kernels **kernels) {
  void *data = NULL;
  if (napi_get_cb_info(env, info, &count, values, NULL, &data) != napi_ok) {
    fail_call(env);
    return false;
  }
  *kernels = data;
  return true;
}

bool get_integer(napi_env env, napi_value value, double max, const char *message, double *out) {
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_number ||
      napi_get_value_double(env, value, out) != napi_ok) {
    fail_type(env, message);
    return false;
  }
  /* This form also rejects NaN. Within the range the conversion is defined. */
  if (!(*out >= 0 && *out <= max) || (double)(int64_t)*out != *out) {
    fail_range(env, message);
    return false;
  }
  return true;
}

bool get_file(napi_env env, napi_value fd_value, napi_value position_value, file_place *out) {
  double fd, position;
  if (!get_integer(env, fd_value, 2147483647.0, "fd must be a file descriptor", &fd)) return false;
  const char *message = "position must be an integer from 0 to 2^53 - 1";
  if (!get_integer(env, position_value, INTEGER_MAX, message, &position)) return false;
  *out = (file_place){(int)fd, (off_t)position};
  return true;
}

bool is_function(napi_env env, napi_value value) {
  napi_valuetype type;
  if (napi_typeof(env, value, &type) == napi_ok && type == napi_function) return true;
  fail_type(env, "the callback must be a function");
  return false;
}

bool get_bytes(napi_env env, napi_value value, span *out) {
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

bool get_digests_target(napi_env env, napi_value value, size_t bytes, uint8_t **out) {
  span target;
  if (!get_bytes(env, value, &target)) return false;
  if (target.length != sha256_leaf_count(bytes) * SHA256_DIGEST_BYTES) {
    fail_range(env, "the target must hold 32 bytes for each leaf, no more and no less");
    return false;
  }
  *out = target.data;
  return true;
}

void free_buffer_list(buffer_list *list) {
  free(list->values);
  free(list->spans);
}

/* The length of an array of buffers. */
static bool get_count(napi_env env, napi_value array, uint32_t *out) {
  bool is_array = false;
  if (napi_is_array(env, array, &is_array) != napi_ok || !is_array ||
      napi_get_array_length(env, array, out) != napi_ok) {
    fail_type(env, "buffers must be an array of Uint8Array");
    return false;
  }
  if (*out > BUFFERS_MAX) {
    fail_range(env, "too many buffers at once: at most 65,536");
    return false;
  }
  return true;
}

/* Both passes over the elements of an array; see get_buffers. */
static bool get_elements(napi_env env, napi_value array, buffer_list *list) {
  for (uint32_t i = 0; i < list->count; i++) {
    if (napi_get_element(env, array, i, &list->values[i]) == napi_ok) continue;
    fail_call(env);
    return false;
  }
  for (uint32_t i = 0; i < list->count; i++) {
    if (!get_bytes(env, list->values[i], &list->spans[i])) return false;
    /* Checked after each addition, so that the sum cannot wrap. */
    list->bytes += list->spans[i].length;
    if (list->bytes > (uint64_t)INTEGER_MAX) {
      fail_range(env, "too many bytes at once");
      return false;
    }
  }
  return true;
}

bool get_buffers(napi_env env, napi_value array, buffer_list *out) {
  memset(out, 0, sizeof *out);
  if (!get_count(env, array, &out->count)) return false;
  if (out->count == 0) return true;
  out->values = calloc(out->count, sizeof *out->values);
  out->spans = calloc(out->count, sizeof *out->spans);
  bool good = out->values != NULL && out->spans != NULL;
  if (!good) fail_memory(env);
  good = good && get_elements(env, array, out);
  if (!good) free_buffer_list(out);
  return good;
}
