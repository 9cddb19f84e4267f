/*
 * Kernels for x86-64 with AVX-512 (F and BW): sixteen leaves at once, each in its own 32-bit lane. The SHA instructions
 * share units that more chains cannot speed up. On Zen 5, plain arithmetic on sixteen blocks at once is 1.6 to 2 times
 * as fast, given sixteen leaves.
 *
 * The pair over sixteen leaves is in sha256_avx512_pair.S; this file arranges the states for it.
 */
#include "sha256.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__GNUC__) && !defined(__clang__)
/* Fixes the order of the sums below: GCC's own order is a quarter slower on Zen 5. */
#pragma GCC optimize("no-tree-reassoc")
#endif

typedef __m512i vector;

#define INLINE static inline __attribute__((always_inline))
/* vpternlog's table: bit 4a + 2b + c is the result for bits a, b and c. */
#define XOR3(a, b, c) _mm512_ternarylogic_epi32(a, b, c, 0x96)
#define CHOICE(e, f, g) _mm512_ternarylogic_epi32(e, f, g, 0xca)
#define MAJORITY(a, b, c) _mm512_ternarylogic_epi32(a, b, c, 0xe8)
#define ADD _mm512_add_epi32

INLINE vector sum0(vector a) {
  return XOR3(_mm512_ror_epi32(a, 2), _mm512_ror_epi32(a, 13), _mm512_ror_epi32(a, 22));
}

INLINE vector sum1(vector e) {
  return XOR3(_mm512_ror_epi32(e, 6), _mm512_ror_epi32(e, 11), _mm512_ror_epi32(e, 25));
}

INLINE vector sigma0(vector w) {
  return XOR3(_mm512_ror_epi32(w, 7), _mm512_ror_epi32(w, 18), _mm512_srli_epi32(w, 3));
}

INLINE vector sigma1(vector w) {
  return XOR3(_mm512_ror_epi32(w, 17), _mm512_ror_epi32(w, 19), _mm512_srli_epi32(w, 10));
}

/* Transposes sixteen rows of sixteen words. */
INLINE void transpose(vector r[16]) {
  vector t[16];
  /* Within each quarter of 128 bits, interleaves the words of two rows, then of four. */
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  /* Quarter q of r[4k + j] is column 4q + j of rows 4k to 4k + 3. */
  for (int j = 0; j < 4; j++) {
    const vector upper02 = _mm512_shuffle_i32x4(r[j], r[4 + j], 0x88);
    const vector upper13 = _mm512_shuffle_i32x4(r[j], r[4 + j], 0xdd);
    const vector lower02 = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0x88);
    const vector lower13 = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0xdd);
    t[j] = _mm512_shuffle_i32x4(upper02, lower02, 0x88);
    t[4 + j] = _mm512_shuffle_i32x4(upper13, lower13, 0x88);
    t[8 + j] = _mm512_shuffle_i32x4(upper02, lower02, 0xdd);
    t[12 + j] = _mm512_shuffle_i32x4(upper13, lower13, 0xdd);
  }
  for (int i = 0; i < 16; i++) r[i] = t[i];
}

/* Loads word i of each big-endian block into words[i]. */
INLINE void load_words(vector words[16], const uint8_t *data, size_t stride) {
  const vector swap = _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
  for (size_t i = 0; i < SHA256_WIDE_LEAVES; i++) {
    words[i] = _mm512_shuffle_epi8(_mm512_loadu_si512(data + i * stride), swap);
  }
  transpose(words);
}

/*
 * One round (FIPS 180-4, 6.2.2 step 3). Instead of rotating the eight variables, the next round rotates their names.
 * The values that are ready last, `s1` for the new e and `s0` for the new a, are added last, because every round waits
 * for them.
 */
#define ROUND(a, b, c, d, e, f, g, h, i)                                                              \
  do {                                                                                                \
    const vector hw = ADD(h, ADD(w[i], _mm512_set1_epi32((int)sha256_round_constants[round + (i)]))); \
    const vector choice = CHOICE(e, f, g), majority = MAJORITY(a, b, c);                              \
    const vector s0 = sum0(a), s1 = sum1(e);                                                          \
    d = ADD(ADD(ADD(d, hw), choice), s1);                                                             \
    h = ADD(ADD(ADD(ADD(hw, choice), s1), majority), s0);                                             \
  } while (0)
/* Computes word i of the next sixteen from the words 16, 15, 7 and 2 before it (step 1). */
#define NEXT_WORD(i) \
  w[i] = ADD(ADD(w[i], w[((i) + 9) & 15]), ADD(sigma0(w[((i) + 1) & 15]), sigma1(w[((i) + 14) & 15])))
/* Interleaved with the rounds: computes the schedule while they wait for each other. */
#define ROUND_AND_WORD(a, b, c, d, e, f, g, h, i) \
  ROUND(a, b, c, d, e, f, g, h, i);               \
  NEXT_WORD(i)
#define EIGHT(STEP, i)                    \
  STEP(a, b, c, d, e, f, g, h, (i));      \
  STEP(h, a, b, c, d, e, f, g, (i) + 1);  \
  STEP(g, h, a, b, c, d, e, f, (i) + 2);  \
  STEP(f, g, h, a, b, c, d, e, (i) + 3);  \
  STEP(e, f, g, h, a, b, c, d, (i) + 4);  \
  STEP(d, e, f, g, h, a, b, c, (i) + 5);  \
  STEP(c, d, e, f, g, h, a, b, (i) + 6);  \
  STEP(b, c, d, e, f, g, h, a, (i) + 7)

/* Row i holds variable i of all states; rows 8 to 15 only complete the transposition. */
INLINE void load_states(vector s[16], uint32_t states[SHA256_WIDE_LEAVES][8]) {
  for (int i = 0; i < 16; i++) {
    s[i] = _mm512_zextsi256_si512(_mm256_loadu_si256((const __m256i *)(const void *)states[i]));
  }
  transpose(s);
}

INLINE void store_states(uint32_t states[SHA256_WIDE_LEAVES][8], vector s[16]) {
  transpose(s);
  for (int i = 0; i < 16; i++) {
    _mm256_storeu_si256((__m256i *)(void *)states[i], _mm512_castsi512_si256(s[i]));
  }
}

void sha256_avx512_wide(uint32_t states[SHA256_WIDE_LEAVES][8], const uint8_t *data, size_t stride, size_t blocks) {
  vector s[16];
  load_states(s, states);
  for (; blocks > 0; blocks--, data += SHA256_BLOCK_BYTES) {
    vector w[16];
    load_words(w, data, stride);
    vector a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];
    int round = 0;
    for (; round < 48; round += 16) {
      EIGHT(ROUND_AND_WORD, 0);
      EIGHT(ROUND_AND_WORD, 8);
    }
    EIGHT(ROUND, 0);
    EIGHT(ROUND, 8);
    s[0] = ADD(s[0], a);
    s[1] = ADD(s[1], b);
    s[2] = ADD(s[2], c);
    s[3] = ADD(s[3], d);
    s[4] = ADD(s[4], e);
    s[5] = ADD(s[5], f);
    s[6] = ADD(s[6], g);
    s[7] = ADD(s[7], h);
  }
  store_states(states, s);
}

/* `linear` is in the order f, e, b, a, h, g, d, c; `blocks` is at least 1. */
void sha256_avx512_pair_steps(vector leaves[8], uint32_t linear[8], const uint8_t *data, size_t blocks);

void sha256_avx512_pair(uint32_t states[SHA256_WIDE_LEAVES][8], uint32_t linear[8], const uint8_t *data,
                        size_t blocks) {
  static const int order[8] = {5, 4, 1, 0, 7, 6, 3, 2};
  if (blocks == 0) return;
  vector s[16];
  uint32_t ordered[8];
  load_states(s, states);
  for (int i = 0; i < 8; i++) ordered[i] = linear[order[i]];
  sha256_avx512_pair_steps(s, ordered, data, blocks);
  for (int i = 0; i < 8; i++) linear[order[i]] = ordered[i];
  store_states(states, s);
}

#else

/* ISO C requires a declaration in every file. */
typedef int sha256_avx512_is_not_for_this_processor;

#endif
