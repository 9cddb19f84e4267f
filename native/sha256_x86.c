/*
 * Kernels for x86-64 with the SHA extensions (sha256rnds2, sha256msg1, sha256msg2). sha256rnds2 does two rounds with a
 * latency of about four cycles, and each depends on the one before: a single chain uses half of the throughput. A
 * second chain, over the same schedule (pair) or its own (side), uses the other half.
 *
 * The instruction takes the state as two registers of four words, {a,b,e,f} and {c,d,g,h}, with the first word in the
 * highest lane. After two rounds the new {a,b,e,f} replaces {c,d,g,h}, and the old {a,b,e,f} is the new {c,d,g,h}. So
 * after four rounds both are back in their registers without a move.
 */
#include "sha256.h"

#if defined(__x86_64__)

#include <immintrin.h>

typedef __m128i vector;

#define INLINE static inline __attribute__((always_inline))

typedef struct {
  vector abef;
  vector cdgh;
} state_pair;

INLINE state_pair load_state(const uint32_t state[8]) {
  const vector dcba = _mm_loadu_si128((const __m128i *)(const void *)state);
  const vector hgfe = _mm_loadu_si128((const __m128i *)(const void *)(state + 4));
  const vector cdab = _mm_shuffle_epi32(dcba, 0xb1);
  const vector efgh = _mm_shuffle_epi32(hgfe, 0x1b);
  return (state_pair){_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

INLINE void store_state(uint32_t state[8], state_pair s) {
  const vector feba = _mm_shuffle_epi32(s.abef, 0x1b);
  const vector dchg = _mm_shuffle_epi32(s.cdgh, 0xb1);
  _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

INLINE state_pair add_state(state_pair a, state_pair b) {
  return (state_pair){_mm_add_epi32(a.abef, b.abef), _mm_add_epi32(a.cdgh, b.cdgh)};
}

/* Loads four big-endian words of the message. */
INLINE vector load_words(const uint8_t *data) {
  const vector swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)data), swap);
}

/* Computes the next four words of the schedule from the previous sixteen. */
INLINE vector next_words(vector w0, vector w1, vector w2, vector w3) {
  const vector sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
  return _mm_sha256msg2_epu32(sum, w3);
}

INLINE vector with_constants(vector words, int round) {
  return _mm_add_epi32(words, _mm_load_si128((const __m128i *)(const void *)(sha256_round_constants + round)));
}

/* The instruction reads its two words from the lower half. */
INLINE void four_rounds(state_pair *s, vector words) {
  s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, words);
  s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(words, 0x0e));
}

static void one(uint32_t state[8], const uint8_t *data, size_t blocks) {
  state_pair s = load_state(state);
  for (; blocks > 0; blocks--, data += SHA256_BLOCK_BYTES) {
    const state_pair before = s;
    vector w0 = load_words(data);
    vector w1 = load_words(data + 16);
    vector w2 = load_words(data + 32);
    vector w3 = load_words(data + 48);
    for (int round = 0;; round += 16) {
      four_rounds(&s, with_constants(w0, round));
      four_rounds(&s, with_constants(w1, round + 4));
      four_rounds(&s, with_constants(w2, round + 8));
      four_rounds(&s, with_constants(w3, round + 12));
      if (round == 48) break;
      w0 = next_words(w0, w1, w2, w3);
      w1 = next_words(w1, w2, w3, w0);
      w2 = next_words(w2, w3, w0, w1);
      w3 = next_words(w3, w0, w1, w2);
    }
    s = add_state(s, before);
  }
  store_state(state, s);
}

/* Makes the schedule of a block with the constants added: all that its rounds need. */
typedef struct {
  vector words[16];
} schedule;

INLINE void make_schedule(schedule *target, const uint8_t *data) {
  vector w0 = load_words(data);
  vector w1 = load_words(data + 16);
  vector w2 = load_words(data + 32);
  vector w3 = load_words(data + 48);
  for (int i = 0;; i += 4) {
    target->words[i] = with_constants(w0, 4 * i);
    target->words[i + 1] = with_constants(w1, 4 * i + 4);
    target->words[i + 2] = with_constants(w2, 4 * i + 8);
    target->words[i + 3] = with_constants(w3, 4 * i + 12);
    if (i == 12) break;
    w0 = next_words(w0, w1, w2, w3);
    w1 = next_words(w1, w2, w3, w0);
    w2 = next_words(w2, w3, w0, w1);
    w3 = next_words(w3, w0, w1, w2);
  }
}

/* Like make_schedule for two blocks, with their steps interleaved to hide the latency. */
INLINE void make_schedules(schedule *left, const uint8_t *left_data, schedule *right,
                           const uint8_t *right_data) {
  vector v0 = load_words(left_data);
  vector v1 = load_words(left_data + 16);
  vector v2 = load_words(left_data + 32);
  vector v3 = load_words(left_data + 48);
  vector w0 = load_words(right_data);
  vector w1 = load_words(right_data + 16);
  vector w2 = load_words(right_data + 32);
  vector w3 = load_words(right_data + 48);
  for (int i = 0;; i += 4) {
    left->words[i] = with_constants(v0, 4 * i);
    left->words[i + 1] = with_constants(v1, 4 * i + 4);
    left->words[i + 2] = with_constants(v2, 4 * i + 8);
    left->words[i + 3] = with_constants(v3, 4 * i + 12);
    right->words[i] = with_constants(w0, 4 * i);
    right->words[i + 1] = with_constants(w1, 4 * i + 4);
    right->words[i + 2] = with_constants(w2, 4 * i + 8);
    right->words[i + 3] = with_constants(w3, 4 * i + 12);
    if (i == 12) break;
    v0 = next_words(v0, v1, v2, v3);
    w0 = next_words(w0, w1, w2, w3);
    v1 = next_words(v1, v2, v3, v0);
    w1 = next_words(w1, w2, w3, w0);
    v2 = next_words(v2, v3, v0, v1);
    w2 = next_words(w2, w3, w0, w1);
    v3 = next_words(v3, v0, v1, v2);
    w3 = next_words(w3, w0, w1, w2);
  }
}

/*
 * The 64 rounds of two states. Two chains saturate the SHA units only if they never compete for one unit. Measurements
 * show that Zen 5 assigns vector instructions to units by their order. So this code fixes a regular order: a cheap
 * vector instruction (the next two words, loaded as a shuffle), two rounds of the first state, a cheap one, two rounds
 * of the second state. In the compiler's order, with the schedule in between, two chains took 165 cycles a block on Zen
 * 5; in this order they take 133, and a single chain takes 129.
 */
#define ROUNDS(half, at, s_to, s_from, t_to, t_from)  \
  "pshufd " half ", " at "(%[sw]), %%xmm0\n\t"        \
  "sha256rnds2 %[" s_from "], %[" s_to "]\n\t"        \
  "pshufd " half ", " at "(%[tw]), %%xmm0\n\t"        \
  "sha256rnds2 %[" t_from "], %[" t_to "]\n\t"
#define FOUR_ROUNDS(at)                                \
  ROUNDS("$0xe4", at, "sc", "sa", "tc", "ta")         \
  ROUNDS("$0x0e", at, "sa", "sc", "ta", "tc")
#define SIXTEEN_ROUNDS(at)                             \
  FOUR_ROUNDS(at "+0") FOUR_ROUNDS(at "+16") FOUR_ROUNDS(at "+32") FOUR_ROUNDS(at "+48")

INLINE void rounds_of_two(state_pair *s, const schedule *s_words, state_pair *t, const schedule *t_words) {
  const state_pair s_before = *s;
  const state_pair t_before = *t;
  __asm__ volatile(SIXTEEN_ROUNDS("0") SIXTEEN_ROUNDS("64") SIXTEEN_ROUNDS("128") SIXTEEN_ROUNDS("192")
                   : [sa] "+x"(s->abef), [sc] "+x"(s->cdgh), [ta] "+x"(t->abef), [tc] "+x"(t->cdgh)
                   : [sw] "r"(s_words), [tw] "r"(t_words), "m"(*s_words), "m"(*t_words)
                   : "xmm0");
  *s = add_state(*s, s_before);
  *t = add_state(*t, t_before);
}

static void pair(uint32_t linear[8], uint32_t leaf[8], const uint8_t *data, size_t blocks) {
  if (blocks == 0) return;
  state_pair s = load_state(linear);
  state_pair t = load_state(leaf);
  /* Makes the next block's schedule while this block's rounds wait for each other. */
  schedule schedules[2];
  make_schedule(&schedules[0], data);
  for (size_t i = 0; i < blocks; i++) {
    if (i + 1 < blocks) make_schedule(&schedules[(i + 1) & 1], data + (i + 1) * SHA256_BLOCK_BYTES);
    rounds_of_two(&s, &schedules[i & 1], &t, &schedules[i & 1]);
  }
  store_state(linear, s);
  store_state(leaf, t);
}

static void side(uint32_t left[8], const uint8_t *left_data, uint32_t right[8], const uint8_t *right_data,
                 size_t blocks) {
  state_pair s = load_state(left);
  state_pair t = load_state(right);
  for (; blocks > 0; blocks--) {
    schedule s_words, t_words;
    make_schedules(&s_words, left_data, &t_words, right_data);
    rounds_of_two(&s, &s_words, &t, &t_words);
    left_data += SHA256_BLOCK_BYTES;
    right_data += SHA256_BLOCK_BYTES;
  }
  store_state(left, s);
  store_state(right, t);
}

const sha256_kernels sha256_x86_kernels = {"x86-64 SHA extensions", one, pair, side, NULL, NULL};
#define WIDE_NAME "x86-64 SHA extensions and AVX-512"
const sha256_kernels sha256_x86_wide_kernels = {WIDE_NAME, one, pair, side, sha256_avx512_wide, sha256_avx512_pair};
const sha256_kernels sha256_x86_wide_kernels_narrow_pair = {WIDE_NAME, one, pair, side, sha256_avx512_wide, NULL};

#else

/* ISO C requires a declaration in every file. */
typedef int sha256_x86_is_not_for_this_processor;

#endif
