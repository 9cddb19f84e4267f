import { LEAF_BYTES } from '../../treehash/index.ts';
import { BufferPool, type Schedule } from './buffer-pool.ts';

/** Narrow ones that wait for the next blob. */
const NARROW_KEPT = 16;
/** Below it a buffer of the right size costs less than it is worth to keep one. */
const POOLED_BYTES = 64 * 1024;
/** Beyond so much in use, nothing is read before it is asked for. */
const PLENTY_BYTES = 160 * 1024 * 1024;

/** What a run of leaves is read into, or gathered in before it is written. */
export interface RunBuffer {
  /** As long as the run. */
  readonly bytes: Buffer;
  /** To be called once, when nothing works on the bytes any more and nothing reads them. */
  giveBack(): void;
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
  #inUse = 0;

  /**
   * @param make gives a buffer of so many bytes, with any content and an ArrayBuffer of its own.
   * @param later when idle buffers are looked for.
   */
  constructor(
    { narrow, wide, wideBuffers }: RunLengths,
    make: (bytes: number) => Buffer = Buffer.allocUnsafeSlow,
    later: Schedule = (ms, run) => void setTimeout(run, ms).unref(),
  ) {
    this.#narrow = new BufferPool(narrow * LEAF_BYTES, NARROW_KEPT, make, later);
    this.#wide = new BufferPool(wide * LEAF_BYTES, wideBuffers, make, later);
    this.#wideLeft = wide > narrow ? wideBuffers : 0;
  }

  /** Of a short run. */
  get narrowBytes(): number {
    return this.#narrow.bytes;
  }

  /** Whether there is room for what may be wanted later. */
  get isPlenty(): boolean {
    return this.#inUse < PLENTY_BYTES;
  }

  /** @param bytes that are left of the blob, at least 1. Gives room for as many of them as are best taken at once. */
  take(bytes: number): RunBuffer {
    if (bytes < POOLED_BYTES) return { bytes: Buffer.allocUnsafeSlow(bytes), giveBack: () => {} };
    if (bytes >= this.#wide.bytes && this.#wideLeft > 0) {
      this.#wideLeft--;
      return this.#takeFrom(this.#wide, bytes, () => this.#wideLeft++);
    }
    return this.#takeFrom(this.#narrow, bytes);
  }

  #takeFrom(pool: BufferPool, bytes: number, then: () => void = () => {}): RunBuffer {
    const buffer = pool.take();
    this.#inUse += pool.bytes;
    const giveBack = (): void => {
      this.#inUse -= pool.bytes;
      pool.give(buffer);
      then();
    };
    return { bytes: buffer.subarray(0, Math.min(bytes, buffer.length)), giveBack };
  }
}
