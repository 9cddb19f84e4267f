import { LEAF_BYTES } from '../treehash/index.ts';
import { BufferPool } from './buffer-pool.ts';

/** Narrow ones that wait for the next blob. */
const NARROW_KEPT = 16;
/** Below it a buffer of the right size costs less than it is worth to keep one. */
const POOLED_BYTES = 64 * 1024;

/** What a run of leaves is read into, or gathered in before it is written. */
export interface RunBuffer {
  /** As long as the run. */
  readonly bytes: Buffer;
  /** To be called when nothing works on the bytes any more and nobody looks at them. */
  giveBack(): void;
  /** Instead of it, where the bytes may still be looked at: they go when nobody does. */
  leave(): void;
}

export interface RunLengths {
  /** Leaves of a short run: few enough for many blobs at once. */
  readonly narrow: number;
  /** Leaves that the engine hashes at once, in less time each. */
  readonly wide: number;
  /** How many wide ones there may be, in use or kept. Whoever finds all taken gets a narrow one. */
  readonly wideBuffers: number;
}

/**
 * Buffers for what is read from one store, or written to it. Runs are short, but for engines that hash more leaves at
 * once in less time each: those get long ones, as long as there are some left.
 */
export class RunBuffers {
  readonly #narrow: BufferPool;
  readonly #wide: BufferPool;
  #wideLeft: number;

  /** @param make gives a buffer of so many bytes, with any content. */
  constructor(
    { narrow, wide, wideBuffers }: RunLengths,
    make: (bytes: number) => Buffer = Buffer.allocUnsafeSlow,
  ) {
    this.#narrow = new BufferPool(narrow * LEAF_BYTES, NARROW_KEPT, make);
    this.#wide = new BufferPool(wide * LEAF_BYTES, wideBuffers, make);
    this.#wideLeft = wide > narrow ? wideBuffers : 0;
  }

  /** @param bytes that are left of the blob, at least 1. Gives room for as many of them as are best taken at once. */
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
