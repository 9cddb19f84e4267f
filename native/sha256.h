/*
 * SHA-256 (FIPS 180-4) as an archive server needs it: the linear hash of a body together with the hashes of its leaves
 * of 1 MiB, and leaves alone. The compression functions ("kernels") use the processor's SHA instructions; sha256.c
 * holds everything above them, for all processors.
 */
#ifndef MORAINE_SHA256_H
#define MORAINE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BLOCK_BYTES ((size_t)64)
#define SHA256_DIGEST_BYTES ((size_t)32)
/* A multiple of the block, so that a leaf always ends with a block of the linear hash. */
#define LEAF_BYTES ((size_t)1024 * 1024)
#define LEAF_BLOCKS (LEAF_BYTES / SHA256_BLOCK_BYTES)
/* Number of leaves that the wide kernels hash together. */
#define SHA256_WIDE_LEAVES ((size_t)16)

/*
 * Compression of whole blocks. States are the eight words a..h; data may be at any address. With 0 `blocks`, nothing is
 * read and the states do not change.
 */
typedef struct {
  const char *name;
  /* One state over one stream. */
  void (*one)(uint32_t state[8], const uint8_t *data, size_t blocks);
  /* Two states over the same stream: the message schedule is computed once for both. */
  void (*pair)(uint32_t linear[8], uint32_t leaf[8], const uint8_t *data, size_t blocks);
  /* Two states over two streams, interleaved so that each hides the other's latency. */
  void (*side)(uint32_t left[8], const uint8_t *left_data, uint32_t right[8], const uint8_t *right_data,
               size_t blocks);
  /* SHA256_WIDE_LEAVES states over streams that begin `stride` bytes apart; NULL if there is none. */
  void (*wide)(uint32_t states[SHA256_WIDE_LEAVES][8], const uint8_t *data, size_t stride, size_t blocks);
  /*
   * Like `wide` over adjacent streams of `blocks` blocks, with one more state over all of them as a single stream; NULL
   * if there is none.
   */
  void (*wide_pair)(uint32_t states[SHA256_WIDE_LEAVES][8], uint32_t linear[8], const uint8_t *data, size_t blocks);
} sha256_kernels;

/* The constants of the rounds; 16-byte aligned so that kernels may load four at once. */
extern const uint32_t sha256_round_constants[64];

#if defined(__x86_64__)
extern const sha256_kernels sha256_x86_kernels;
/* The same with wide kernels, which need AVX-512 F and BW: with and without the wide pair. */
extern const sha256_kernels sha256_x86_wide_kernels;
extern const sha256_kernels sha256_x86_wide_kernels_narrow_pair;
void sha256_avx512_wide(uint32_t states[SHA256_WIDE_LEAVES][8], const uint8_t *data, size_t stride, size_t blocks);
void sha256_avx512_pair(uint32_t states[SHA256_WIDE_LEAVES][8], uint32_t linear[8], const uint8_t *data, size_t blocks);
#endif
#if defined(__aarch64__) && !defined(__AARCH64EB__)
extern const sha256_kernels sha256_arm_kernels;
#endif

/* All kernels that this processor can run; NULL if none of its SHA instructions are known here. */
const sha256_kernels *sha256_detect(void);

/*
 * The fastest of the detected kernels. Whether the wide pair is faster depends on the processor, and there are too many
 * models to list, so this function measures it, in about half a millisecond.
 */
const sha256_kernels *sha256_fastest(const sha256_kernels *detected);

/* Number of leaves that these kernels hash together, 2 or more. */
size_t sha256_leaves_at_once(const sha256_kernels *kernels);

/* Number of leaves that they hash together with the linear hash, 1 or more. */
size_t sha256_pair_leaves_at_once(const sha256_kernels *kernels);

/*
 * Whether the wide kernels, if any, agree with the others. Takes microseconds; testing them through sha256_leaves or a
 * pair would take 16 MiB of data.
 */
bool sha256_wide_is_right(const sha256_kernels *kernels);

/* Number of leaves in `bytes` bytes; no data has one empty leaf. */
size_t sha256_leaf_count(uint64_t bytes);

/* Writes the SHA-256 of each MiB of `data`, 32 × sha256_leaf_count(length) bytes, to `digests`. */
void sha256_leaves(const sha256_kernels *kernels, const uint8_t *data, size_t length, uint8_t *digests);

/* Both hashes of a stream. Begin it with pair_begin, free it with pair_free, and do not copy it. */
typedef struct {
  const sha256_kernels *kernels;
  uint32_t linear[8];
  uint32_t leaf[8];
  /* Number of blocks that were compressed, then the beginning of the next block. */
  uint64_t blocks;
  uint8_t partial[64];
  size_t partial_bytes;
  /* Digests of complete leaves, and the number that fits the memory. */
  uint8_t *leaves;
  size_t leaves_room;
} pair_hasher;

void pair_begin(pair_hasher *hasher, const sha256_kernels *kernels);

/* Bytes absorbed so far. */
uint64_t pair_bytes(const pair_hasher *hasher);

/*
 * Allocates memory for the leaves of `bytes` more bytes, so that absorbing them cannot fail. False if there is no
 * memory; then the hasher is unchanged.
 */
bool pair_reserve(pair_hasher *hasher, uint64_t bytes);

/* Absorbs the next bytes, for which pair_reserve has made room. `data` may be NULL when `length` is 0. */
void pair_absorb(pair_hasher *hasher, const uint8_t *data, size_t length);

/*
 * Ends the stream: writes 32 bytes to `linear` and 32 × sha256_leaf_count(pair_bytes()) bytes to `leaves`. Afterwards
 * only pair_free is valid.
 */
void pair_end(pair_hasher *hasher, uint8_t *linear, uint8_t *leaves);

/* Frees the memory. May be called again. */
void pair_free(pair_hasher *hasher);

#endif
