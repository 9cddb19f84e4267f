import { LEAF_BYTES } from '../treehash/index.ts';

/** How many pairs are kept for the next upload, 2 MiB each: beyond that the collector may have them. */
const PAIRS_KEPT = 16;

export type SlabPair = readonly [Buffer, Buffer];

/** Buffers of one leaf that are used again, because fresh ones for each MiB would keep the collector busy. */
export class Slabs {
  readonly #free: SlabPair[] = [];

  /** Two buffers that hold a leaf each, or all of a smaller body. */
  take(bodyBytes: number): SlabPair {
    if (bodyBytes < LEAF_BYTES) return [Buffer.allocUnsafe(bodyBytes), Buffer.alloc(0)];
    return this.#free.pop() ?? [Buffer.allocUnsafeSlow(LEAF_BYTES), Buffer.allocUnsafeSlow(LEAF_BYTES)];
  }

  giveBack(pair: SlabPair): void {
    if (pair[0].length === LEAF_BYTES && pair[1].length === LEAF_BYTES && this.#free.length < PAIRS_KEPT) {
      this.#free.push(pair);
    }
  }
}
