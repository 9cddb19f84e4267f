import { LEAF_BYTES } from '../../treehash/index.ts';

/** The API's limits: parts of 2^n MiB up to 4 GiB, 10,000 of them. */
export const MOST_PARTS = 10_000;
const LARGEST_PART = 4096 * LEAF_BYTES;
/** Parts are not smaller by default: each costs a request. */
const USUAL_PART = 16 * LEAF_BYTES;

/** A run of bytes: `end` is excluded. */
export interface Run {
  readonly index: number;
  readonly first: number;
  readonly end: number;
}

/**
 * Chooses the smallest usual part size that fits `size` bytes into 10,000 parts.
 * @throws RangeError for more than 40,000 GiB.
 */
export function choosePartSize(size: number): number {
  let partSize = USUAL_PART;
  while (partSize * MOST_PARTS < size) partSize *= 2;
  if (partSize > LARGEST_PART)
    throw new RangeError(`an archive has at most 10,000 parts of 4 GiB, not ${size} bytes`);
  return partSize;
}

/** @throws RangeError unless it is 2^n MiB, n from 0 to 12. */
export function requirePartSize(partSize: number): number {
  const mebibytes = partSize / LEAF_BYTES;
  if (partSize > LARGEST_PART || mebibytes < 1 || !Number.isInteger(Math.log2(mebibytes)))
    throw new RangeError(`a part or range must have 1, 2, 4, … or 4096 MiB, in bytes, not ${partSize}`);
  return partSize;
}

/** Cuts `size` bytes into runs of `runSize`; the last may be shorter. */
export function cut(size: number, runSize: number): Run[] {
  return Array.from({ length: Math.ceil(size / runSize) }, (_, index) => ({
    index,
    first: index * runSize,
    end: Math.min(size, (index + 1) * runSize),
  }));
}
