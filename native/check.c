/*
 * Checks the C below the addon without Node, so that it also runs under a memory checker, with sanitizers, or for
 * another processor in an emulator. Hashes are compared with those of a plain SHA-256, written from FIPS 180-4. Usage:
 * check [plain] [rounds]; `plain` replaces the kernels by plain C, for checkers that lack the SHA instructions.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file_io.h"
#include "sha256.h"

static uint32_t rotate(uint32_t x, int by) {
  return x >> by | x << (32 - by);
}

static void plain_block(uint32_t state[8], const uint8_t *data) {
  uint32_t w[64];
  for (int i = 0; i < 16; i++) {
    const uint8_t *d = data + 4 * i;
    w[i] = (uint32_t)d[0] << 24 | (uint32_t)d[1] << 16 | (uint32_t)d[2] << 8 | d[3];
  }
  for (int i = 16; i < 64; i++) {
    const uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
    const uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  uint32_t v[8];
  memcpy(v, state, sizeof v);
  for (int i = 0; i < 64; i++) {
    const uint32_t s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
    const uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
    const uint32_t t1 = v[7] + s1 + choice + sha256_round_constants[i] + w[i];
    const uint32_t s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
    const uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    memmove(v + 1, v, 7 * sizeof v[0]);
    v[4] += t1;
    v[0] = t1 + s0 + majority;
  }
  for (int i = 0; i < 8; i++) state[i] += v[i];
}

static void plain_one(uint32_t state[8], const uint8_t *data, size_t blocks) {
  for (; blocks > 0; blocks--, data += SHA256_BLOCK_BYTES) plain_block(state, data);
}

static void plain_pair(uint32_t linear[8], uint32_t leaf[8], const uint8_t *data, size_t blocks) {
  plain_one(linear, data, blocks);
  plain_one(leaf, data, blocks);
}

static void plain_side(uint32_t left[8], const uint8_t *left_data, uint32_t right[8], const uint8_t *right_data,
                       size_t blocks) {
  plain_one(left, left_data, blocks);
  plain_one(right, right_data, blocks);
}

static void plain_wide(uint32_t states[SHA256_WIDE_LEAVES][8], const uint8_t *data, size_t stride, size_t blocks) {
  for (size_t i = 0; i < SHA256_WIDE_LEAVES; i++) plain_one(states[i], data + i * stride, blocks);
}

static void plain_wide_pair(uint32_t states[SHA256_WIDE_LEAVES][8], uint32_t linear[8], const uint8_t *data,
                            size_t blocks) {
  plain_wide(states, data, blocks * SHA256_BLOCK_BYTES, blocks);
  plain_one(linear, data, SHA256_WIDE_LEAVES * blocks);
}

/* A wrong kernel: gives two streams the same state. */
static void wrong_wide(uint32_t states[SHA256_WIDE_LEAVES][8], const uint8_t *data, size_t stride, size_t blocks) {
  plain_wide(states, data, stride, blocks);
  memcpy(states[SHA256_WIDE_LEAVES - 1], states[SHA256_WIDE_LEAVES - 2], sizeof states[0]);
}

static void wrong_wide_pair(uint32_t states[SHA256_WIDE_LEAVES][8], uint32_t linear[8], const uint8_t *data,
                            size_t blocks) {
  wrong_wide(states, data, blocks * SHA256_BLOCK_BYTES, blocks);
  plain_one(linear, data, SHA256_WIDE_LEAVES * blocks);
}

/* A wrong kernel: skips the last block of the linear hash. */
static void wrong_linear(uint32_t states[SHA256_WIDE_LEAVES][8], uint32_t linear[8], const uint8_t *data,
                         size_t blocks) {
  plain_wide(states, data, blocks * SHA256_BLOCK_BYTES, blocks);
  plain_one(linear, data, SHA256_WIDE_LEAVES * blocks - 1);
}

static const sha256_kernels PLAIN = {"plain C", plain_one, plain_pair, plain_side, plain_wide, plain_wide_pair};

/* Digest of a whole message with its padding, without the code under test. */
static void plain_digest(const uint8_t *data, size_t length, uint8_t digest[32]) {
  uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  const size_t padded = (length + 9 + 63) / 64 * 64;
  uint8_t *message = calloc(1, padded);
  if (message == NULL) abort();
  if (length > 0) memcpy(message, data, length);
  message[length] = 0x80;
  for (int i = 0; i < 8; i++) message[padded - 1 - (size_t)i] = (uint8_t)((uint64_t)length * 8 >> (8 * i));
  plain_one(state, message, padded / 64);
  free(message);
  for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

static uint64_t seed = 0x9e3779b97f4a7c15;

/* xorshift64*: the same numbers in every run. */
static uint64_t random_number(void) {
  seed ^= seed >> 12;
  seed ^= seed << 25;
  seed ^= seed >> 27;
  return seed * 0x2545f4914f6cdd1d;
}

static size_t random_below(size_t limit) {
  return (size_t)(random_number() % limit);
}

static void require(bool holds, const char *what, size_t length) {
  if (holds) return;
  fprintf(stderr, "check: %s is wrong for %zu bytes\n", what, length);
  exit(1);
}

/* A length near those at which the code branches. */
static size_t random_chunk(size_t left) {
  static const size_t edges[] = {0,   1,   63,    64,             65,         127,
                                 128, 129, 65536, LEAF_BYTES - 1, LEAF_BYTES, LEAF_BYTES + 1};
  size_t chunk = edges[random_below(sizeof edges / sizeof edges[0])];
  if (random_below(3) == 0) chunk = random_below(200000);
  return chunk < left ? chunk : left;
}

/* Checks both hashes of a stream that arrives as `first` bytes, then `more` at a time; 0 means random lengths. */
static void check_pair(const sha256_kernels *kernels, const uint8_t *data, size_t length, size_t first, size_t more,
                       const uint8_t *expected_linear, const uint8_t *expected_leaves) {
  const size_t count = sha256_leaf_count(length);
  uint8_t linear[32];
  uint8_t *leaves = calloc(count, 32);
  if (leaves == NULL) abort();
  pair_hasher hasher;
  pair_begin(&hasher, kernels);
  for (size_t at = 0; at < length;) {
    const size_t left = length - at;
    const size_t wanted = at == 0 && first > 0 ? first : more;
    const size_t chunk = wanted == 0 ? random_chunk(left) : wanted < left ? wanted : left;
    require(pair_reserve(&hasher, chunk), "pair_reserve", length);
    pair_absorb(&hasher, chunk > 0 ? data + at : NULL, chunk);
    at += chunk;
  }
  require(pair_bytes(&hasher) == length, "pair_bytes", length);
  pair_end(&hasher, linear, leaves);
  pair_free(&hasher);
  pair_free(&hasher);
  require(memcmp(linear, expected_linear, 32) == 0, "the linear hash of a pair", length);
  require(memcmp(leaves, expected_leaves, count * 32) == 0, "the leaves of a pair", length);
  free(leaves);
}

static void check_length(const sha256_kernels *kernels, size_t length) {
  const size_t count = sha256_leaf_count(length);
  /* Exactly sized, so that a memory checker detects a read past the end. */
  const size_t shift = random_below(16);
  uint8_t *block = malloc(length + shift + 1);
  uint8_t *expected = malloc(count * 32);
  uint8_t *leaves = malloc(count * 32);
  if (block == NULL || expected == NULL || leaves == NULL) abort();
  uint8_t *data = block + shift + 1;
  for (size_t i = 0; i < length; i++) data[i] = (uint8_t)(random_number() >> 32);
  for (size_t i = 0; i < count; i++) {
    const size_t rest = length - i * LEAF_BYTES;
    plain_digest(data + i * LEAF_BYTES, rest < LEAF_BYTES ? rest : LEAF_BYTES, expected + 32 * i);
  }
  sha256_leaves(kernels, data, length, leaves);
  require(memcmp(leaves, expected, count * 32) == 0, "sha256_leaves", length);

  uint8_t expected_linear[32];
  plain_digest(data, length, expected_linear);
  check_pair(kernels, data, length, 0, 0, expected_linear, expected);
  check_pair(kernels, data, length, 0, length, expected_linear, expected);
  if (length == 33 * LEAF_BYTES) {
    /* Sixteen leaves or more that arrive whole: at the boundary of a leaf, within one, within a block of one. */
    check_pair(kernels, data, length, 16 * LEAF_BYTES, 16 * LEAF_BYTES, expected_linear, expected);
    check_pair(kernels, data, length, 17 * LEAF_BYTES, 16 * LEAF_BYTES, expected_linear, expected);
    check_pair(kernels, data, length, LEAF_BYTES - 64, length, expected_linear, expected);
    check_pair(kernels, data, length, 3 * LEAF_BYTES + 5, length, expected_linear, expected);
  }
  free(block);
  free(expected);
  free(leaves);
}

/* Writes spans of many lengths, empty ones among them, and more than one system call takes; reads them back. */
static void check_file(int fd) {
  enum { SPANS = 200, BEFORE = 5 };
  span spans[SPANS];
  size_t length = 0;
  for (int i = 0; i < SPANS; i++) {
    const size_t bytes = i % 7 == 3 ? 0 : random_below(3000);
    spans[i] = (span){bytes > 0 ? malloc(bytes) : NULL, bytes};
    if (bytes > 0 && spans[i].data == NULL) abort();
    for (size_t at = 0; at < bytes; at++) spans[i].data[at] = (uint8_t)random_number();
    length += bytes;
  }
  require(file_write_all((file_place){fd, BEFORE}, spans, SPANS) == 0, "file_write_all", length);

  /* One byte longer than the file: reading must stop where it ends. */
  uint8_t *bytes = malloc(length + 1);
  if (bytes == NULL) abort();
  const span target = {bytes, length + 1};
  size_t done = 0;
  require(file_read_all((file_place){fd, BEFORE}, target, false, &done) == 0, "file_read_all", length);
  require(done == length, "the count of file_read_all", length);
  size_t at = 0;
  for (int i = 0; i < SPANS; i++) {
    if (spans[i].length > 0) require(memcmp(bytes + at, spans[i].data, spans[i].length) == 0, "a span", length);
    at += spans[i].length;
    free(spans[i].data);
  }

  /* A read that does not wait gives the bytes or EAGAIN, and one that waits continues behind them. */
  uint8_t *again = malloc(length);
  if (again == NULL) abort();
  done = 0;
  const int error = file_read_all((file_place){fd, BEFORE}, (span){again, length}, true, &done);
  require(error == EAGAIN || (file_reads_at_once() && error == 0 && done == length), "a read at once", length);
  require(file_read_all((file_place){fd, BEFORE}, (span){again, length}, false, &done) == 0, "its rest", length);
  require(done == length && memcmp(again, bytes, length) == 0, "the bytes of a read at once", length);
  free(again);
  free(bytes);
}

static void check_files(void) {
  FILE *file = tmpfile();
  if (file == NULL) abort();
  for (int i = 0; i < 20; i++) {
    if (ftruncate(fileno(file), 0) != 0) abort();
    check_file(fileno(file));
  }
  require(file_write_all((file_place){fileno(file), 0}, NULL, 0) == 0, "writing nothing", 0);
  fclose(file);
  uint8_t byte = 0;
  size_t done = 0;
  require(file_write_all((file_place){-1, 0}, &(span){&byte, 1}, 1) == EBADF, "writing to no file", 1);
  require(file_read_all((file_place){-1, 0}, (span){&byte, 1}, false, &done) == EBADF, "reading from no file", 1);
}

int main(int argc, char **argv) {
  const bool plain = argc > 1 && strcmp(argv[1], "plain") == 0;
  check_files();
  const sha256_kernels *kernels = plain ? &PLAIN : sha256_detect();
  if (kernels == NULL) {
    puts("check: skipped, no SHA instructions of this processor are known");
    return 77;
  }
  uint8_t digest[32];
  static const uint8_t abc[4] = {0xba, 0x78, 0x16, 0xbf};
  plain_digest((const uint8_t *)"abc", 3, digest);
  require(memcmp(digest, abc, sizeof abc) == 0, "the plain digest", 3);

  require(sha256_wide_is_right(kernels), "a wide kernel", 0);
  sha256_kernels wrong = *kernels;
  wrong.wide = wrong_wide;
  require(!sha256_wide_is_right(&wrong), "the check of the wide kernel", 0);
  wrong.wide = kernels->wide;
  wrong.wide_pair = wrong_wide_pair;
  require(!sha256_wide_is_right(&wrong), "the check of the wide pair", 0);
  wrong.wide_pair = wrong_linear;
  require(!sha256_wide_is_right(&wrong), "the check of the wide pair's linear hash", 0);
  /* The fastest kernels must be correct, too, and have one of two wide pairs. */
  const sha256_kernels *fastest = sha256_fastest(kernels);
  require(sha256_wide_is_right(fastest), "the fastest of the wide kernels", 0);
  require(fastest->wide == kernels->wide && (fastest->wide_pair == kernels->wide_pair || fastest->wide_pair == NULL),
          "the choice of the wide pair", 0);

  static const size_t lengths[] = {
      0,  1,  55, 56, 57, 63, 64, 65, 119, 120, 121, 127, 128, 129, 4096, 65537, LEAF_BYTES - 1, LEAF_BYTES,
      LEAF_BYTES + 1, LEAF_BYTES + 63, LEAF_BYTES + 64, LEAF_BYTES + 65, 2 * LEAF_BYTES - 1, 2 * LEAF_BYTES,
      2 * LEAF_BYTES + 1, 3 * LEAF_BYTES, 3 * LEAF_BYTES + 4097, 9 * LEAF_BYTES + 5, 16 * LEAF_BYTES - 1,
      16 * LEAF_BYTES, 16 * LEAF_BYTES + 1, 17 * LEAF_BYTES, 32 * LEAF_BYTES, 33 * LEAF_BYTES,
      34 * LEAF_BYTES + 777};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) check_length(kernels, lengths[i]);
  const long rounds = argc > 1 + plain ? strtol(argv[1 + plain], NULL, 10) : 100;
  for (long i = 0; i < rounds; i++) check_length(kernels, random_below(i % 4 == 0 ? 4 * LEAF_BYTES : 5000));
  printf("check: %s: all right\n", kernels->name);
  return 0;
}
