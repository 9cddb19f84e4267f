/*
 * The pair for x86-64 with the SHA extensions and AVX-512 (F and BW), over sixteen adjacent leaves: the hash of each
 * and the linear hash of all. Intel's processors start two rounds (one sha256rnds2) only every third cycle, with a
 * latency of four, so two chains cannot run at the speed of one. This code has one chain, the linear hash, at 128
 * cycles a block. The sixteen leaves, one in each 32-bit lane, and the chain's schedule use plain arithmetic, which
 * fits in while the chain waits for its latency. So the instructions of all three alternate.
 *
 * Each step processes one block of each leaf and sixteen blocks of the linear stream. It has four parts. Each part does
 * sixteen rounds of the leaves, four blocks of the chain, and a quarter of the schedule of the chain's next sixteen
 * blocks, in four groups: four rounds of the leaves, one block of the chain, four words of that schedule.
 *
 * SSE instructions, which the chain uses, become a hundred times slower while the upper parts of zmm0 to zmm15 are in
 * use; zmm16 to zmm31 have no such effect. So everything else uses only these. No compiler guarantees that, which is
 * why this is written in assembler.
 */
#if defined(__x86_64__)

#if defined(__APPLE__)
#define NAME(name) _##name
#else
#define NAME(name) name
#endif

/* Arguments: the variables of the leaves, eight vectors, and those of the chain, two vectors. */
#define LEAVES %rdi
#define LINEAR %rsi
/* The next step's bytes of the chain, and of leaves 0, 4, 8 and 12; the others follow at 1 to 3 × STRIDE. */
#define NEXT_BYTES %rdx
#define LEAF_0 %rax
#define LEAF_4 %rbx
#define LEAF_8 %r12
#define LEAF_12 %r13
#define STRIDE %rcx
#define STRIDE_3 %r14
/* Steps left, this one included. */
#define STEPS %r8
/* This part's schedule of the chain, and the target of a quarter of the next one. */
#define SCHEDULE %r9
#define NEXT_SCHEDULE %r10
/* The constants of this part's rounds. */
#define ROUND_CONSTANTS %r11
#define COUNT %r15d

/*
 * On the stack: the last sixteen words of the leaves' schedule and of the chain's next one, one vector each; then two
 * complete schedules of the chain, constants added. In these, words 4q to 4q + 3 of block 4k + j are quarter k of
 * vector 4q + j.
 */
.set LEAF_WORDS, 0
.set CHAIN_WORDS, 1024
.set SCHEDULES, 2048
.set PART_BYTES, 1024
.set FRAME_BYTES, SCHEDULES+8*PART_BYTES

/*
 * zmm16 to zmm23 hold the variables a to h of the leaves, in this order at the beginning of a part. zmm24 to zmm31 are
 * scratch registers of each macro below. xmm1 is {a,b,e,f} of the chain and xmm2 {c,d,g,h} (as in sha256_x86.c); xmm3
 * and xmm4 keep their values from before the block; xmm0 holds two words with their constants.
 */

/* Rounds 4 × quad to 4 × quad + 3 of the chain, in the part's block of that number. */
.macro chain block, quad
  movq 64*(\block)+256*(\quad)(SCHEDULE), %xmm0
  sha256rnds2 %xmm0, %xmm1, %xmm2
  movq 8+64*(\block)+256*(\quad)(SCHEDULE), %xmm0
  sha256rnds2 %xmm0, %xmm2, %xmm1
.endm

/* Computes word i of the next sixteen from the words 16, 15, 7 and 2 before it (FIPS 180-4, 6.2.2 step 1). */
.macro next_word words, i, to
  vmovdqa64 \words+64*((\i+1)&15)(%rsp), %zmm28
  vmovdqa64 \words+64*((\i+14)&15)(%rsp), %zmm29
  vprord $7, %zmm28, %zmm30
  vprord $18, %zmm28, %zmm31
  vpsrld $3, %zmm28, %zmm28
  vpternlogd $0x96, %zmm30, %zmm31, %zmm28
  vprord $17, %zmm29, %zmm30
  vprord $19, %zmm29, %zmm31
  vpsrld $10, %zmm29, %zmm29
  vpternlogd $0x96, %zmm30, %zmm31, %zmm29
  vmovdqa64 \words+64*(\i)(%rsp), %zmm\to
  vpaddd \words+64*((\i+9)&15)(%rsp), %zmm\to, %zmm\to
  vpaddd %zmm28, %zmm\to, %zmm\to
  vpaddd %zmm29, %zmm\to, %zmm\to
  vmovdqa64 %zmm\to, \words+64*(\i)(%rsp)
.endm

/* Transposes four rows of four words in each quarter of zmm24 to zmm27. */
.macro transpose
  vpunpckldq %zmm25, %zmm24, %zmm28
  vpunpckhdq %zmm25, %zmm24, %zmm29
  vpunpckldq %zmm27, %zmm26, %zmm30
  vpunpckhdq %zmm27, %zmm26, %zmm31
  vpunpcklqdq %zmm30, %zmm28, %zmm24
  vpunpckhqdq %zmm30, %zmm28, %zmm25
  vpunpcklqdq %zmm31, %zmm29, %zmm26
  vpunpckhqdq %zmm31, %zmm29, %zmm27
.endm

.macro store_four at, base
  vmovdqa64 %zmm24, \at(\base)
  vmovdqa64 %zmm25, 64+\at(\base)
  vmovdqa64 %zmm26, 128+\at(\base)
  vmovdqa64 %zmm27, 192+\at(\base)
.endm

/*
 * Schedule work after a round of the leaves. In the first three parts: the word that replaces the one just used. In the
 * last part, which needs no more: four words of the next step's blocks after every fourth round.
 */
.macro word_of_step round
  next_word LEAF_WORDS, (\round), 27
.endm

.macro word_of_next_step round
  .if ((\round)&3) == 3
  load_leaf_words ((\round)>>2)
  .endif
.endm

/* Loads leaf 4k + j into quarter k of row j; after the transposition, leaf n is in lane n. */
.macro load_leaf_words quad
  vbroadcasti32x4 16*(\quad)(LEAF_0), %zmm24
  vbroadcasti32x4 16*(\quad)(LEAF_0,STRIDE), %zmm25
  vbroadcasti32x4 16*(\quad)(LEAF_0,STRIDE,2), %zmm26
  vbroadcasti32x4 16*(\quad)(LEAF_0,STRIDE_3), %zmm27
  vinserti32x4 $1, 16*(\quad)(LEAF_4), %zmm24, %zmm24
  vinserti32x4 $1, 16*(\quad)(LEAF_4,STRIDE), %zmm25, %zmm25
  vinserti32x4 $1, 16*(\quad)(LEAF_4,STRIDE,2), %zmm26, %zmm26
  vinserti32x4 $1, 16*(\quad)(LEAF_4,STRIDE_3), %zmm27, %zmm27
  vinserti32x4 $2, 16*(\quad)(LEAF_8), %zmm24, %zmm24
  vinserti32x4 $2, 16*(\quad)(LEAF_8,STRIDE), %zmm25, %zmm25
  vinserti32x4 $2, 16*(\quad)(LEAF_8,STRIDE,2), %zmm26, %zmm26
  vinserti32x4 $2, 16*(\quad)(LEAF_8,STRIDE_3), %zmm27, %zmm27
  vinserti32x4 $3, 16*(\quad)(LEAF_12), %zmm24, %zmm24
  vinserti32x4 $3, 16*(\quad)(LEAF_12,STRIDE), %zmm25, %zmm25
  vinserti32x4 $3, 16*(\quad)(LEAF_12,STRIDE,2), %zmm26, %zmm26
  vinserti32x4 $3, 16*(\quad)(LEAF_12,STRIDE_3), %zmm27, %zmm27
  vpshufb big_endian(%rip), %zmm24, %zmm24
  vpshufb big_endian(%rip), %zmm25, %zmm25
  vpshufb big_endian(%rip), %zmm26, %zmm26
  vpshufb big_endian(%rip), %zmm27, %zmm27
  transpose
  store_four LEAF_WORDS+256*(\quad), %rsp
.endm

/*
 * A round of the leaves (step 3), interleaved with three quads of the chain. Instead of rotating the eight variables,
 * the next round rotates their names.
 */
.macro round block, r, word, a, b, c, d, e, f, g, h
  vpaddd LEAF_WORDS+64*(4*\block+\r)(%rsp), %zmm\h, %zmm\h
  vpaddd 4*(4*\block+\r)(ROUND_CONSTANTS){1to16}, %zmm\h, %zmm\h
  vmovdqa64 %zmm\e, %zmm27
  vprord $6, %zmm\e, %zmm24
  vprord $11, %zmm\e, %zmm25
  vprord $25, %zmm\e, %zmm26
  vpternlogd $0xca, %zmm\g, %zmm\f, %zmm27
  chain \block, (3*\r)
  vpternlogd $0x96, %zmm24, %zmm25, %zmm26
  vpaddd %zmm27, %zmm\h, %zmm\h
  vmovdqa64 %zmm\a, %zmm31
  vprord $2, %zmm\a, %zmm28
  vprord $13, %zmm\a, %zmm29
  vprord $22, %zmm\a, %zmm30
  vpternlogd $0xe8, %zmm\c, %zmm\b, %zmm31
  vpaddd %zmm26, %zmm\h, %zmm\h
  chain \block, (3*\r+1)
  vpternlogd $0x96, %zmm28, %zmm29, %zmm30
  vpaddd %zmm\h, %zmm\d, %zmm\d
  vpaddd %zmm31, %zmm\h, %zmm\h
  vpaddd %zmm30, %zmm\h, %zmm\h
  \word (4*\block+\r)
  chain \block, (3*\r+2)
.endm

/*
 * Four words of the chain's next schedule: from the bytes in the first part, from earlier words in the others. A row
 * holds four words of one block in each quarter, as the chain needs them; a column holds one word of all sixteen
 * blocks.
 */
.macro chain_row to, at, store_at
  vbroadcasti32x4 \at(NEXT_BYTES), %zmm\to
  vinserti32x4 $1, 256+\at(NEXT_BYTES), %zmm\to, %zmm\to
  vinserti32x4 $2, 512+\at(NEXT_BYTES), %zmm\to, %zmm\to
  vinserti32x4 $3, 768+\at(NEXT_BYTES), %zmm\to, %zmm\to
  vpshufb big_endian(%rip), %zmm\to, %zmm\to
  vpaddd %zmm28, %zmm\to, %zmm29
  vmovdqa64 %zmm29, \store_at(NEXT_SCHEDULE)
.endm

.macro chain_words_from_bytes quad
  vbroadcasti32x4 16*(\quad)(ROUND_CONSTANTS), %zmm28
  chain_row 24, 16*(\quad), 256*(\quad)
  chain_row 25, 64+16*(\quad), 64+256*(\quad)
  chain_row 26, 128+16*(\quad), 128+256*(\quad)
  chain_row 27, 192+16*(\quad), 192+256*(\quad)
  transpose
  store_four CHAIN_WORDS+256*(\quad), %rsp
.endm

.macro chain_words_from_words quad
  next_word CHAIN_WORDS, (4*(\quad)), 24
  next_word CHAIN_WORDS, (4*(\quad)+1), 25
  next_word CHAIN_WORDS, (4*(\quad)+2), 26
  next_word CHAIN_WORDS, (4*(\quad)+3), 27
  vpaddd 16*(\quad)(ROUND_CONSTANTS){1to16}, %zmm24, %zmm24
  vpaddd 4+16*(\quad)(ROUND_CONSTANTS){1to16}, %zmm25, %zmm25
  vpaddd 8+16*(\quad)(ROUND_CONSTANTS){1to16}, %zmm26, %zmm26
  vpaddd 12+16*(\quad)(ROUND_CONSTANTS){1to16}, %zmm27, %zmm27
  transpose
  store_four 256*(\quad), NEXT_SCHEDULE
.endm

.macro group block, word, chain_words, a, b, c, d, e, f, g, h
  movdqa %xmm1, %xmm3
  movdqa %xmm2, %xmm4
  round \block, 0, \word, \a, \b, \c, \d, \e, \f, \g, \h
  round \block, 1, \word, \h, \a, \b, \c, \d, \e, \f, \g
  round \block, 2, \word, \g, \h, \a, \b, \c, \d, \e, \f
  round \block, 3, \word, \f, \g, \h, \a, \b, \c, \d, \e
  chain \block, 12
  chain \block, 13
  \chain_words \block
  chain \block, 14
  chain \block, 15
  paddd %xmm3, %xmm1
  paddd %xmm4, %xmm2
.endm

.macro part word, chain_words
  group 0, \word, \chain_words, 16, 17, 18, 19, 20, 21, 22, 23
  group 1, \word, \chain_words, 20, 21, 22, 23, 16, 17, 18, 19
  group 2, \word, \chain_words, 16, 17, 18, 19, 20, 21, 22, 23
  group 3, \word, \chain_words, 20, 21, 22, 23, 16, 17, 18, 19
.endm

.macro advance part_bytes
  addq $64, ROUND_CONSTANTS
  addq $16, SCHEDULE
  addq $\part_bytes, NEXT_SCHEDULE
.endm

.macro add_variable i, register
  vpaddd 64*\i(LEAVES), %zmm\register, %zmm\register
  vmovdqa64 %zmm\register, 64*\i(LEAVES)
.endm

#if defined(__APPLE__)
  .section __TEXT,__const
#else
  .section .rodata
#endif
  .p2align 6
big_endian:
  .rept 4
  .byte 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12
  .endr

  .text
  .globl NAME(sha256_avx512_pair_steps)
#if defined(__APPLE__)
  .private_extern _sha256_avx512_pair_steps
#else
  .hidden sha256_avx512_pair_steps
  .hidden sha256_round_constants
  .type sha256_avx512_pair_steps, @function
#endif
  .p2align 6
/* void sha256_avx512_pair_steps(vector leaves[8], uint32_t linear[8], const uint8_t *data, size_t steps) */
NAME(sha256_avx512_pair_steps):
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  .cfi_offset %rbx, -24
  .cfi_offset %r12, -32
  .cfi_offset %r13, -40
  .cfi_offset %r14, -48
  .cfi_offset %r15, -56
  subq $FRAME_BYTES, %rsp
  andq $-64, %rsp
  vzeroupper

  /* A leaf has one block for each step; the next leaf follows its last block. */
  movq %rcx, STEPS
  shlq $6, STRIDE
  leaq (STRIDE,STRIDE,2), STRIDE_3
  movq %rdx, LEAF_0
  leaq (LEAF_0,STRIDE,4), LEAF_4
  leaq (LEAF_4,STRIDE,4), LEAF_8
  leaq (LEAF_8,STRIDE,4), LEAF_12
  movdqu (LINEAR), %xmm1
  movdqu 16(LINEAR), %xmm2
  /* Does what each step expects of the one before it. */
  .irp i, 0, 1, 2, 3
  load_leaf_words \i
  .endr
  leaq NAME(sha256_round_constants)(%rip), ROUND_CONSTANTS
  leaq SCHEDULES(%rsp), SCHEDULE
  movq SCHEDULE, NEXT_SCHEDULE
  .irp i, 0, 1, 2, 3
  chain_words_from_bytes \i
  .endr
  movl $3, COUNT
1:
  addq $64, ROUND_CONSTANTS
  addq $PART_BYTES, NEXT_SCHEDULE
  .irp i, 0, 1, 2, 3
  chain_words_from_words \i
  .endr
  decl COUNT
  jnz 1b
  addq $PART_BYTES, NEXT_SCHEDULE
  vmovdqa64 (LEAVES), %zmm16
  vmovdqa64 64(LEAVES), %zmm17
  vmovdqa64 128(LEAVES), %zmm18
  vmovdqa64 192(LEAVES), %zmm19
  vmovdqa64 256(LEAVES), %zmm20
  vmovdqa64 320(LEAVES), %zmm21
  vmovdqa64 384(LEAVES), %zmm22
  vmovdqa64 448(LEAVES), %zmm23

  .p2align 5
2:
  leaq NAME(sha256_round_constants)(%rip), ROUND_CONSTANTS
  /* The last step has no successor: it loads its own bytes again. */
  cmpq $1, STEPS
  je 3f
  addq $1024, NEXT_BYTES
  addq $64, LEAF_0
  addq $64, LEAF_4
  addq $64, LEAF_8
  addq $64, LEAF_12
3:
  part word_of_step, chain_words_from_bytes
  movl $2, COUNT
  .p2align 5
4:
  advance PART_BYTES
  part word_of_step, chain_words_from_words
  decl COUNT
  jnz 4b
  advance PART_BYTES
  part word_of_next_step, chain_words_from_words
  add_variable 0, 16
  add_variable 1, 17
  add_variable 2, 18
  add_variable 3, 19
  add_variable 4, 20
  add_variable 5, 21
  add_variable 6, 22
  add_variable 7, 23
  /* Swaps the two schedules. */
  xchgq SCHEDULE, NEXT_SCHEDULE
  subq $3*PART_BYTES, SCHEDULE
  subq $48, NEXT_SCHEDULE
  decq STEPS
  jnz 2b

  movdqu %xmm1, (LINEAR)
  movdqu %xmm2, 16(LINEAR)
  leaq -40(%rbp), %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_endproc
#if !defined(__APPLE__)
  .size sha256_avx512_pair_steps, .-sha256_avx512_pair_steps
#endif

#endif

#if defined(__ELF__)
  .section .note.GNU-stack, "", @progbits
#endif
