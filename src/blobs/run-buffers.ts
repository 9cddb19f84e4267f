import type { HashEngine } from '../hashing/hash-engine.ts';
import { LEAF_BYTES } from '../treehash/index.ts';
import { BufferPool } from './buffer-pool.ts';

/** Enough for the hash to work on two leaves side by side, and few enough for many downloads at once. */
const NARROW_LEAVES = 2;
/** Narrow ones that wait for the next download: 32 MiB. */
const NARROW_KEPT = 16;
/** Wide ones, in use or kept: at most 96 MiB. Whoever finds all taken reads a narrow run. */
const WIDE_BUFFERS = 6;
/** Below it a buffer of the right size costs less than it is worth to keep one. */
const POOLED_BYTES = 64 * 1024;

/** What a run of leaves is read into. */
export interface RunBuffer {
  /** As long as the run. */
  readonly bytes: Buffer;
  /** To be called when nothing works on the bytes any more and nobody looks at them. */
  giveBack(): void;
  /** Instead of it, where the bytes may still be looked at: they go when nobody does. */
  leave(): void;
}

/**
 * Buffers for all that is read from one store. Runs are short, but for engines that hash more leaves at once in less
 * time each (`leavesAtOnce`): those get long ones, as long as there are some left.
 */
export class RunBuffers {
  readonly #narrow = new BufferPool(NARROW_LEAVES * LEAF_BYTES, NARROW_KEPT, Buffer.allocUnsafeSlow);
  readonly #wide: BufferPool;
  #wideLeft: number;

  constructor({ leavesAtOnce }: Pick<HashEngine, 'leavesAtOnce'>) {
    this.#wide = new BufferPool(leavesAtOnce * LEAF_BYTES, WIDE_BUFFERS, Buffer.allocUnsafeSlow);
    this.#wideLeft = leavesAtOnce > NARROW_LEAVES ? WIDE_BUFFERS : 0;
  }

  /** @param bytes that are left to be read, at least 1. Gives room for as many of them as are best read at once. */
  take(bytes: number): RunBuffer {
    if (bytes < POOLED_BYTES) return unpooled(bytes);
    if (bytes >= this.#wide.bytes && this.#wideLeft > 0) return this.#takeWide();
    const buffer = this.#narrow.take();
    return {
      bytes: buffer.subarray(0, Math.min(bytes, buffer.length)),
      giveBack: () => this.#narrow.give(buffer),
      leave: () => {},
    };
  }

  #takeWide(): RunBuffer {
    const buffer = this.#wide.take();
    this.#wideLeft--;
    const leave = (): void => {
      this.#wideLeft++;
    };
    const giveBack = (): void => {
      this.#wide.give(buffer);
      leave();
    };
    return { bytes: buffer, giveBack, leave };
  }
}

function unpooled(bytes: number): RunBuffer {
  return { bytes: Buffer.allocUnsafeSlow(bytes), giveBack: () => {}, leave: () => {} };
}
