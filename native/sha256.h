/*
 * SHA-256 (FIPS 180-4) as an archive server needs it: the linear hash of a body together with the hashes of
 * its leaves of 1 MiB, and leaves alone. The compression functions ("kernels") use the SHA instructions of
 * the processor; everything above them is in sha256.c and is the same for all.
 */
#ifndef MORAINE_SHA256_H
#define MORAINE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BLOCK_BYTES ((size_t)64)
#define SHA256_DIGEST_BYTES ((size_t)32)
/* A multiple of the block, so that a leaf never ends within a block of the linear hash. */
#define LEAF_BYTES ((size_t)1024 * 1024)
#define LEAF_BLOCKS (LEAF_BYTES / SHA256_BLOCK_BYTES)
/* How many leaves the wide kernels take at once. */
#define SHA256_WIDE_LEAVES ((size_t)16)

/*
 * Compression of whole blocks. States are the eight words a..h; data may be at any address. `blocks` may be
 * 0, then nothing is read and the states stay.
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
  /* As many states as it is wide, over streams that begin `stride` bytes apart; NULL where there is none. */
  void (*wide)(uint32_t states[SHA256_WIDE_LEAVES][8], const uint8_t *data, size_t stride, size_t blocks);
  /* As `wide` over streams of `blocks` blocks that lie one behind the other, and one more state over all of them as
   * one stream; NULL where there is none. */
  void (*wide_pair)(uint32_t states[SHA256_WIDE_LEAVES][8], uint32_t linear[8], const uint8_t *data, size_t blocks);
} sha256_kernels;

/* What the rounds add; 16-byte aligned so that kernels may load four at once. */
extern const uint32_t sha256_round_constants[64];

#if defined(__x86_64__)
extern const sha256_kernels sha256_x86_kernels;
/* The same, and wide ones that need AVX-512 F and BW: all, or all but the wide pair. */
extern const sha256_kernels sha256_x86_wide_kernels;
extern const sha256_kernels sha256_x86_wide_kernels_narrow_pair;
void sha256_avx512_wide(uint32_t states[SHA256_WIDE_LEAVES][8], const uint8_t *data, size_t stride, size_t blocks);
void sha256_avx512_pair(uint32_t states[SHA256_WIDE_LEAVES][8], uint32_t linear[8], const uint8_t *data, size_t blocks);
#endif
#if defined(__aarch64__) && !defined(__AARCH64EB__)
extern const sha256_kernels sha256_arm_kernels;
#endif

/* All kernels that this processor can run, NULL when it has no SHA instructions that are known here. */
const sha256_kernels *sha256_detect(void);

/*
 * Of what sha256_detect gave, that which is fastest here: whether the wide pair is, depends on the processor, and
 * there are too many to know them by name, so it is measured, in about half a millisecond.
 */
const sha256_kernels *sha256_fastest(const sha256_kernels *detected);

/* How many leaves these kernels hash at once, 2 or more. */
size_t sha256_leaves_at_once(const sha256_kernels *kernels);

/* How many leaves they hash at once together with the linear hash, 1 or more. */
size_t sha256_pair_leaves_at_once(const sha256_kernels *kernels);

/* Whether the wide kernels, where there are some, do what the others do. Costs microseconds: 16 MiB are needed to
 * meet them by way of sha256_leaves or of a pair. */
bool sha256_wide_is_right(const sha256_kernels *kernels);

/* How many leaves `bytes` bytes have; no data has one, the empty leaf. */
size_t sha256_leaf_count(uint64_t bytes);

/* SHA-256 of each MiB of `data`: 32 × sha256_leaf_count(length) bytes are written to `digests`. */
void sha256_leaves(const sha256_kernels *kernels, const uint8_t *data, size_t length, uint8_t *digests);

/* Both hashes of a stream. To be made with pair_begin and ended with pair_free; not copied. */
typedef struct {
  const sha256_kernels *kernels;
  uint32_t linear[8];
  uint32_t leaf[8];
  /* Whole blocks that went through the kernels, then what waits for the rest of its block. */
  uint64_t blocks;
  uint8_t partial[64];
  size_t partial_bytes;
  /* Digests of the leaves that ended, and for how many there is room. */
  uint8_t *leaves;
  size_t leaves_room;
} pair_hasher;

void pair_begin(pair_hasher *hasher, const sha256_kernels *kernels);

/* Bytes taken so far. */
uint64_t pair_bytes(const pair_hasher *hasher);

/*
 * Makes room for what `bytes` more bytes will bring, so that absorbing them cannot fail. False when there is
 * no memory; the hasher is unchanged then.
 */
bool pair_reserve(pair_hasher *hasher, uint64_t bytes);

/* Takes the next bytes, for which room must have been made. `data` may be NULL when `length` is 0. */
void pair_absorb(pair_hasher *hasher, const uint8_t *data, size_t length);

/*
 * Ends the stream: 32 bytes to `linear`, 32 × sha256_leaf_count(pair_bytes()) bytes to `leaves`. The hasher
 * is spent and only pair_free may follow.
 */
void pair_end(pair_hasher *hasher, uint8_t *linear, uint8_t *leaves);

/* Gives the memory back; harmless a second time. */
void pair_free(pair_hasher *hasher);

#endif
