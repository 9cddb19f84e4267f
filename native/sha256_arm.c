/*
 * Kernels for AArch64 with the SHA-2 instructions of the cryptographic extensions. Together, sha256h and sha256h2 do
 * four rounds on {a,b,c,d} and {e,f,g,h}. The next four rounds need both results, so a single chain waits for their
 * latency. A second chain, over the same schedule (pair) or its own (side), fills the wait.
 */
#include "sha256.h"

#if defined(__aarch64__) && !defined(__AARCH64EB__)

#include <arm_neon.h>

typedef uint32x4_t vector;

#define INLINE static inline __attribute__((always_inline))

typedef struct {
  vector abcd;
  vector efgh;
} state_pair;

INLINE state_pair load_state(const uint32_t state[8]) {
  return (state_pair){vld1q_u32(state), vld1q_u32(state + 4)};
}

INLINE void store_state(uint32_t state[8], state_pair s) {
  vst1q_u32(state, s.abcd);
  vst1q_u32(state + 4, s.efgh);
}

INLINE state_pair add_state(state_pair a, state_pair b) {
  return (state_pair){vaddq_u32(a.abcd, b.abcd), vaddq_u32(a.efgh, b.efgh)};
}

/* Loads four big-endian words of the message, as bytes: the data may be unaligned. */
INLINE vector load_words(const uint8_t *data) {
  return vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data)));
}

/* Computes the next four words of the schedule from the previous sixteen. */
INLINE vector next_words(vector w0, vector w1, vector w2, vector w3) {
  return vsha256su1q_u32(vsha256su0q_u32(w0, w1), w2, w3);
}

INLINE vector with_constants(vector words, int round) {
  return vaddq_u32(words, vld1q_u32(sha256_round_constants + round));
}

INLINE void four_rounds(state_pair *s, vector words) {
  const vector abcd = s->abcd;
  s->abcd = vsha256hq_u32(abcd, s->efgh, words);
  s->efgh = vsha256h2q_u32(s->efgh, abcd, words);
}

INLINE void four_rounds_pair(state_pair *s, state_pair *t, vector words) {
  four_rounds(s, words);
  four_rounds(t, words);
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

static void pair(uint32_t linear[8], uint32_t leaf[8], const uint8_t *data, size_t blocks) {
  state_pair s = load_state(linear);
  state_pair t = load_state(leaf);
  for (; blocks > 0; blocks--, data += SHA256_BLOCK_BYTES) {
    const state_pair s_before = s;
    const state_pair t_before = t;
    vector w0 = load_words(data);
    vector w1 = load_words(data + 16);
    vector w2 = load_words(data + 32);
    vector w3 = load_words(data + 48);
    for (int round = 0;; round += 16) {
      four_rounds_pair(&s, &t, with_constants(w0, round));
      four_rounds_pair(&s, &t, with_constants(w1, round + 4));
      four_rounds_pair(&s, &t, with_constants(w2, round + 8));
      four_rounds_pair(&s, &t, with_constants(w3, round + 12));
      if (round == 48) break;
      w0 = next_words(w0, w1, w2, w3);
      w1 = next_words(w1, w2, w3, w0);
      w2 = next_words(w2, w3, w0, w1);
      w3 = next_words(w3, w0, w1, w2);
    }
    s = add_state(s, s_before);
    t = add_state(t, t_before);
  }
  store_state(linear, s);
  store_state(leaf, t);
}

static void side(uint32_t left[8], const uint8_t *left_data, uint32_t right[8], const uint8_t *right_data,
                 size_t blocks) {
  state_pair s = load_state(left);
  state_pair t = load_state(right);
  for (; blocks > 0; blocks--) {
    const state_pair s_before = s;
    const state_pair t_before = t;
    vector v0 = load_words(left_data);
    vector w0 = load_words(right_data);
    vector v1 = load_words(left_data + 16);
    vector w1 = load_words(right_data + 16);
    vector v2 = load_words(left_data + 32);
    vector w2 = load_words(right_data + 32);
    vector v3 = load_words(left_data + 48);
    vector w3 = load_words(right_data + 48);
    for (int round = 0;; round += 16) {
      four_rounds(&s, with_constants(v0, round));
      four_rounds(&t, with_constants(w0, round));
      four_rounds(&s, with_constants(v1, round + 4));
      four_rounds(&t, with_constants(w1, round + 4));
      four_rounds(&s, with_constants(v2, round + 8));
      four_rounds(&t, with_constants(w2, round + 8));
      four_rounds(&s, with_constants(v3, round + 12));
      four_rounds(&t, with_constants(w3, round + 12));
      if (round == 48) break;
      v0 = next_words(v0, v1, v2, v3);
      w0 = next_words(w0, w1, w2, w3);
      v1 = next_words(v1, v2, v3, v0);
      w1 = next_words(w1, w2, w3, w0);
      v2 = next_words(v2, v3, v0, v1);
      w2 = next_words(w2, w3, w0, w1);
      v3 = next_words(v3, v0, v1, v2);
      w3 = next_words(w3, w0, w1, w2);
    }
    s = add_state(s, s_before);
    t = add_state(t, t_before);
    left_data += SHA256_BLOCK_BYTES;
    right_data += SHA256_BLOCK_BYTES;
  }
  store_state(left, s);
  store_state(right, t);
}

const sha256_kernels sha256_arm_kernels = {"AArch64 SHA-2 instructions", one, pair, side, NULL, NULL};

#else

/* ISO C requires a declaration in every file. */
typedef int sha256_arm_is_not_for_this_processor;

#endif
