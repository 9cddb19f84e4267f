/* Exceptions, and the arguments of the functions for JavaScript. */
#ifndef MORAINE_ARGUMENTS_H
#define MORAINE_ARGUMENTS_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file_io.h"
#include "sha256.h"

/* --- Exceptions: each function throws one and returns NULL ----------------------------------------------- */

napi_value fail_type(napi_env env, const char *message);
napi_value fail_range(napi_env env, const char *message);
napi_value fail_state(napi_env env, const char *code, const char *message);
napi_value fail_memory(napi_env env);
/* After a call of Node-API that fails only when the environment goes away or an exception is pending. */
napi_value fail_call(napi_env env);

/* --- Arguments: each function returns false with an exception thrown ------------------------------------- */

/* Missing arguments are undefined; the function that reads one rejects that. */
bool get_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values,
                   const sha256_kernels **kernels);

/* An integer from 0 to `max`, which is at most 2^53 - 1. */
bool get_integer(napi_env env, napi_value value, double max, const char *message, double *out);

bool get_file(napi_env env, napi_value fd_value, napi_value position_value, file_place *out);

bool is_function(napi_env env, napi_value value);

/* The bytes of a Uint8Array; none if it is detached. Runs no JavaScript. */
bool get_bytes(napi_env env, napi_value value, span *out);

/* The target for the digests of `bytes` bytes. */
bool get_digests_target(napi_env env, napi_value value, size_t bytes, uint8_t **out);

/* The elements of an array as handles and as bytes. */
typedef struct {
  napi_value *values;
  span *spans;
  uint32_t count;
  uint64_t bytes;
} buffer_list;

/*
 * Reads an array of buffers; the caller frees the list. Reading an element may run JavaScript (a getter), which may
 * detach a buffer that was read before or use the hasher. So addresses are taken in a second pass, which runs none, and
 * the caller must check the hasher's state only afterwards.
 */
bool get_buffers(napi_env env, napi_value array, buffer_list *out);

void free_buffer_list(buffer_list *list);

#endif
