#define _POSIX_C_SOURCE 200809L
#include "sha256.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

_Alignas(64) const uint32_t sha256_round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const uint32_t INITIAL[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

#if defined(__x86_64__)
/* The registers that the system saves at a thread switch (XCR0). No others may be used. */
static uint32_t saved_registers(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}
#endif

/* Detection is not in the kernels' files: these are compiled with instructions that the processor may lack. */
const sha256_kernels *sha256_detect(void) {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  const unsigned ssse3_sse41 = (1u << 9) | (1u << 19);
  const unsigned xgetbv = 1u << 27;
  const unsigned sha = 1u << 29;
  const unsigned avx512_f_bw = (1u << 16) | (1u << 30);
  /* State of vectors of 128, 256 and 512 bits, of the upper sixteen vectors, and of the masks. */
  const uint32_t avx512_registers = 0xe6;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c & ssse3_sse41) != ssse3_sse41) return NULL;
  const bool saves_avx512 = (c & xgetbv) != 0 && (saved_registers() & avx512_registers) == avx512_registers;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & sha) == 0) return NULL;
  return saves_avx512 && (b & avx512_f_bw) == avx512_f_bw ? &sha256_x86_wide_kernels : &sha256_x86_kernels;
#elif defined(__aarch64__) && !defined(__AARCH64EB__) && defined(__APPLE__)
  /* All of Apple's 64-bit ARM processors have them. */
  return &sha256_arm_kernels;
#elif defined(__aarch64__) && !defined(__AARCH64EB__) && defined(__linux__)
  /* HWCAP_SHA2 of Linux, by number: not every system has <asm/hwcap.h>. */
  return (getauxval(AT_HWCAP) & (1ul << 6)) != 0 ? &sha256_arm_kernels : NULL;
#else
  return NULL;
#endif
}

#if defined(__x86_64__)
static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
#endif

const sha256_kernels *sha256_fastest(const sha256_kernels *detected) {
#if defined(__x86_64__)
  enum { BLOCKS = 64, RUNS = 4 };
  if (detected != &sha256_x86_wide_kernels) return detected;
  uint8_t *data = calloc(SHA256_WIDE_LEAVES * BLOCKS, SHA256_BLOCK_BYTES);
  uint64_t narrow = UINT64_MAX, wide = UINT64_MAX;
  for (int i = 0; data != NULL && i < RUNS; i++) {
    uint32_t states[SHA256_WIDE_LEAVES][8] = {{0}}, linear[8] = {0};
    const uint64_t begin = nanoseconds();
    detected->pair(linear, states[0], data, SHA256_WIDE_LEAVES * BLOCKS);
    const uint64_t between = nanoseconds();
    detected->wide_pair(states, linear, data, BLOCKS);
    const uint64_t end = nanoseconds();
    if (between - begin < narrow) narrow = between - begin;
    if (end - between < wide) wide = end - between;
  }
  free(data);
  /* Only a clear gain is worth waiting for sixteen leaves. Without memory, nothing was measured. */
  return narrow / 11 >= wide / 10 && wide < UINT64_MAX ? detected : &sha256_x86_wide_kernels_narrow_pair;
#else
  return detected;
#endif
}

static void store_words(uint8_t *out, const uint32_t state[8]) {
  for (int i = 0; i < 8; i++) {
    out[4 * i] = (uint8_t)(state[i] >> 24);
    out[4 * i + 1] = (uint8_t)(state[i] >> 16);
    out[4 * i + 2] = (uint8_t)(state[i] >> 8);
    out[4 * i + 3] = (uint8_t)state[i];
  }
}

/* Pads and compresses the last `tail_bytes` < 64 bytes of a message of `bytes` and writes its digest. */
static void finish(const sha256_kernels *kernels, uint32_t state[8], const uint8_t *tail, size_t tail_bytes,
                   uint64_t bytes, uint8_t *digest) {
  uint8_t end[128] = {0};
  if (tail_bytes > 0) memcpy(end, tail, tail_bytes);
  end[tail_bytes] = 0x80;
  const size_t blocks = tail_bytes < 56 ? 1 : 2;
  uint8_t *last = end + blocks * SHA256_BLOCK_BYTES - 1;
  for (uint64_t bits = bytes << 3; bits > 0; bits >>= 8) *last-- = (uint8_t)bits;
  kernels->one(state, end, blocks);
  store_words(digest, state);
}

size_t sha256_leaves_at_once(const sha256_kernels *kernels) {
  return kernels->wide != NULL ? SHA256_WIDE_LEAVES : 2;
}

size_t sha256_pair_leaves_at_once(const sha256_kernels *kernels) {
  return kernels->wide_pair != NULL ? SHA256_WIDE_LEAVES : 1;
}

size_t sha256_leaf_count(uint64_t bytes) {
  return bytes == 0 ? 1 : (size_t)((bytes - 1) / LEAF_BYTES + 1);
}

/* Digest of a leaf whose first `done` blocks are already compressed into `state`. */
static void finish_leaf(const sha256_kernels *kernels, uint32_t state[8], const uint8_t *data, size_t length,
                        size_t done, uint8_t *digest) {
  const size_t blocks = length / SHA256_BLOCK_BYTES;
  if (blocks > done) kernels->one(state, data + done * SHA256_BLOCK_BYTES, blocks - done);
  const size_t tail = length % SHA256_BLOCK_BYTES;
  finish(kernels, state, tail > 0 ? data + blocks * SHA256_BLOCK_BYTES : NULL, tail, length, digest);
}

bool sha256_wide_is_right(const sha256_kernels *kernels) {
  /* Enough blocks for one that is neither the first nor the last. */
  enum { BLOCKS = 3 };
  uint8_t data[SHA256_WIDE_LEAVES][BLOCKS * SHA256_BLOCK_BYTES];
  uint32_t expected[SHA256_WIDE_LEAVES][8], states[SHA256_WIDE_LEAVES][8], pair_states[SHA256_WIDE_LEAVES][8];
  uint32_t expected_linear[8], linear[8];
  for (size_t i = 0; i < SHA256_WIDE_LEAVES; i++) {
    for (size_t j = 0; j < sizeof data[i]; j++) data[i][j] = (uint8_t)(i * 7919 + j * 31);
    /* Distinct states, as they are after the first block. */
    for (size_t j = 0; j < 8; j++) expected[i][j] = INITIAL[j] + (uint32_t)i;
  }
  memcpy(states, expected, sizeof states);
  memcpy(pair_states, expected, sizeof pair_states);
  memcpy(expected_linear, INITIAL, sizeof INITIAL);
  memcpy(linear, INITIAL, sizeof INITIAL);
  for (size_t i = 0; i < SHA256_WIDE_LEAVES; i++) {
    kernels->one(expected[i], data[i], BLOCKS);
    kernels->one(expected_linear, data[i], BLOCKS);
  }
  if (kernels->wide != NULL) {
    kernels->wide(states, data[0], sizeof data[0], BLOCKS);
    if (memcmp(states, expected, sizeof states) != 0) return false;
  }
  if (kernels->wide_pair != NULL) {
    kernels->wide_pair(pair_states, linear, data[0], BLOCKS);
    if (memcmp(pair_states, expected, sizeof pair_states) != 0) return false;
    if (memcmp(linear, expected_linear, sizeof linear) != 0) return false;
  }
  return true;
}

static void begin_leaves(uint32_t states[SHA256_WIDE_LEAVES][8]) {
  for (size_t i = 0; i < SHA256_WIDE_LEAVES; i++) memcpy(states[i], INITIAL, sizeof INITIAL);
}

static void end_leaves(const sha256_kernels *kernels, uint32_t states[SHA256_WIDE_LEAVES][8], uint8_t *digests) {
  for (size_t i = 0; i < SHA256_WIDE_LEAVES; i++) {
    finish(kernels, states[i], NULL, 0, LEAF_BYTES, digests + i * SHA256_DIGEST_BYTES);
  }
}

/* Hashes as many whole leaves as the wide kernel takes. */
static void wide_leaves(const sha256_kernels *kernels, const uint8_t *data, uint8_t *digests) {
  uint32_t states[SHA256_WIDE_LEAVES][8];
  begin_leaves(states);
  kernels->wide(states, data, LEAF_BYTES, LEAF_BLOCKS);
  end_leaves(kernels, states, digests);
}

void sha256_leaves(const sha256_kernels *kernels, const uint8_t *data, size_t length, uint8_t *digests) {
  const size_t wide_bytes = SHA256_WIDE_LEAVES * LEAF_BYTES;
  while (kernels->wide != NULL && length >= wide_bytes) {
    wide_leaves(kernels, data, digests);
    digests += SHA256_WIDE_LEAVES * SHA256_DIGEST_BYTES;
    data += wide_bytes;
    length -= wide_bytes;
    if (length == 0) return;
  }
  while (length > LEAF_BYTES) {
    const size_t rest = length - LEAF_BYTES;
    const size_t right_bytes = rest < LEAF_BYTES ? rest : LEAF_BYTES;
    const size_t common = right_bytes / SHA256_BLOCK_BYTES;
    uint32_t left[8], right[8];
    memcpy(left, INITIAL, sizeof left);
    memcpy(right, INITIAL, sizeof right);
    kernels->side(left, data, right, data + LEAF_BYTES, common);
    finish_leaf(kernels, left, data, LEAF_BYTES, common, digests);
    finish_leaf(kernels, right, data + LEAF_BYTES, right_bytes, common, digests + SHA256_DIGEST_BYTES);
    digests += 2 * SHA256_DIGEST_BYTES;
    data += LEAF_BYTES + right_bytes;
    length = rest - right_bytes;
    if (length == 0) return;
  }
  uint32_t state[8];
  memcpy(state, INITIAL, sizeof state);
  finish_leaf(kernels, state, data, length, 0, digests);
}

void pair_begin(pair_hasher *hasher, const sha256_kernels *kernels) {
  memset(hasher, 0, sizeof *hasher);
  hasher->kernels = kernels;
  memcpy(hasher->linear, INITIAL, sizeof INITIAL);
  memcpy(hasher->leaf, INITIAL, sizeof INITIAL);
}

uint64_t pair_bytes(const pair_hasher *hasher) {
  return hasher->blocks * SHA256_BLOCK_BYTES + hasher->partial_bytes;
}

bool pair_reserve(pair_hasher *hasher, uint64_t bytes) {
  /* Stores only complete leaves: pair_end writes an incomplete last one directly to its target. */
  const uint64_t need = (pair_bytes(hasher) + bytes) / LEAF_BYTES;
  if (need <= hasher->leaves_room) return true;
  uint64_t room = hasher->leaves_room * 2 > need ? hasher->leaves_room * 2 : need;
  if (room < 8) room = 8;
  if (room > SIZE_MAX / SHA256_DIGEST_BYTES) return false;
  uint8_t *leaves = realloc(hasher->leaves, (size_t)room * SHA256_DIGEST_BYTES);
  if (leaves == NULL) return false;
  hasher->leaves = leaves;
  hasher->leaves_room = (size_t)room;
  return true;
}

static void end_leaf(pair_hasher *hasher) {
  const size_t index = (size_t)(hasher->blocks / LEAF_BLOCKS) - 1;
  if (index == 0) memcpy(hasher->linear, hasher->leaf, sizeof hasher->leaf);
  finish(hasher->kernels, hasher->leaf, NULL, 0, LEAF_BYTES, hasher->leaves + index * SHA256_DIGEST_BYTES);
  memcpy(hasher->leaf, INITIAL, sizeof INITIAL);
}

/*
 * Hashes whole leaves, as many as the wide pair takes, from a leaf boundary on. There `linear` is up to date: only
 * within the first leaf does it lag, until that leaf ends.
 */
static void absorb_leaves(pair_hasher *hasher, const uint8_t *data) {
  uint32_t states[SHA256_WIDE_LEAVES][8];
  const size_t index = (size_t)(hasher->blocks / LEAF_BLOCKS);
  begin_leaves(states);
  hasher->kernels->wide_pair(states, hasher->linear, data, LEAF_BLOCKS);
  end_leaves(hasher->kernels, states, hasher->leaves + index * SHA256_DIGEST_BYTES);
  hasher->blocks += SHA256_WIDE_LEAVES * LEAF_BLOCKS;
}

static void absorb_blocks(pair_hasher *hasher, const uint8_t *data, size_t blocks) {
  const size_t wide_blocks = SHA256_WIDE_LEAVES * LEAF_BLOCKS;
  while (blocks > 0) {
    const size_t left_in_leaf = LEAF_BLOCKS - (size_t)(hasher->blocks % LEAF_BLOCKS);
    if (hasher->kernels->wide_pair != NULL && left_in_leaf == LEAF_BLOCKS && blocks >= wide_blocks) {
      absorb_leaves(hasher, data);
      data += wide_blocks * SHA256_BLOCK_BYTES;
      blocks -= wide_blocks;
      continue;
    }
    const size_t take = blocks < left_in_leaf ? blocks : left_in_leaf;
    if (hasher->blocks < LEAF_BLOCKS) {
      /* Within the first leaf both states are the same, so one is computed. */
      hasher->kernels->one(hasher->leaf, data, take);
    } else {
      hasher->kernels->pair(hasher->linear, hasher->leaf, data, take);
    }
    hasher->blocks += take;
    data += take * SHA256_BLOCK_BYTES;
    blocks -= take;
    if (take == left_in_leaf) end_leaf(hasher);
  }
}

void pair_absorb(pair_hasher *hasher, const uint8_t *data, size_t length) {
  if (length == 0) return;
  if (hasher->partial_bytes > 0) {
    const size_t missing = SHA256_BLOCK_BYTES - hasher->partial_bytes;
    const size_t take = length < missing ? length : missing;
    memcpy(hasher->partial + hasher->partial_bytes, data, take);
    hasher->partial_bytes += take;
    if (take < missing) return;
    hasher->partial_bytes = 0;
    absorb_blocks(hasher, hasher->partial, 1);
    data += take;
    length -= take;
  }
  const size_t blocks = length / SHA256_BLOCK_BYTES;
  absorb_blocks(hasher, data, blocks);
  hasher->partial_bytes = length % SHA256_BLOCK_BYTES;
  if (hasher->partial_bytes > 0) {
    memcpy(hasher->partial, data + blocks * SHA256_BLOCK_BYTES, hasher->partial_bytes);
  }
}

void pair_end(pair_hasher *hasher, uint8_t *linear, uint8_t *leaves) {
  const uint64_t bytes = pair_bytes(hasher);
  const size_t ended = (size_t)(hasher->blocks / LEAF_BLOCKS);
  const size_t in_leaf = (size_t)(bytes % LEAF_BYTES);
  if (ended > 0) {
    memcpy(leaves, hasher->leaves, ended * SHA256_DIGEST_BYTES);
    finish(hasher->kernels, hasher->linear, hasher->partial, hasher->partial_bytes, bytes, linear);
  }
  if (ended == 0 || in_leaf > 0) {
    uint8_t *last = leaves + ended * SHA256_DIGEST_BYTES;
    finish(hasher->kernels, hasher->leaf, hasher->partial, hasher->partial_bytes, in_leaf, last);
    if (ended == 0) memcpy(linear, last, SHA256_DIGEST_BYTES);
  }
}

void pair_free(pair_hasher *hasher) {
  free(hasher->leaves);
  hasher->leaves = NULL;
  hasher->leaves_room = 0;
}
