import { LEAF_BYTES, leafCount } from './fold.ts';

/** Both ends within the data: 0 ≤ first ≤ last < size, in bytes, `last` included. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/**
 * Whether the span begins at a whole MiB, and ends at one or at the end of the data, as `RetrievalByteRange` demands
 * (API guide, "megabyte aligned").
 */
export function isMegabyteAligned({ first, last }: Span, size: number): boolean {
  return first % LEAF_BYTES === 0 && ((last + 1) % LEAF_BYTES === 0 || last === size - 1);
}

/**
 * Whether the root of the tree over the span is a node of the tree over all `size` bytes, so that the span's hash can
 * be checked against the whole (API guide, "tree-hash aligned").
 */
export function isTreeAligned(span: Span, size: number): boolean {
  if (!isMegabyteAligned(span, size)) return false;
  const start = span.first / LEAF_BYTES;
  const end = Math.ceil((span.last + 1) / LEAF_BYTES);
  const length = end - start;
  const atEnd = end === leafCount(size);
  if (start === 0) return atEnd || isPowerOfTwo(length);
  return length <= lowestBit(start) && (atEnd || isPowerOfTwo(length));
}

function isPowerOfTwo(n: number): boolean {
  return lowestBit(n) === n;
}

/** The largest power of two that divides n ≥ 1. Correct for n below 2^31, which is 2 PiB in leaves. */
function lowestBit(n: number): number {
  return n & -n;
}
