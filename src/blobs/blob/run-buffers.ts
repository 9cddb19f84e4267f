import { LEAF_BYTES } from '../../treehash/index.ts';
import { BufferPool, type Schedule } from './buffer-pool.ts';

/** How many free narrow buffers to keep. */
const NARROW_KEPT = 16;
/** Below this size, allocating an exact buffer is cheaper than keeping one. */
const POOLED_BYTES = 64 * 1024;
/** While more than this is in use, nothing is read ahead. */
const PLENTY_BYTES = 160 * 1024 * 1024;

/** Memory for a run of leaves that is read, or collected before it is written. */
export interface RunBuffer {
  /** As long as the run. */
  readonly bytes: Buffer;
  /** Call once, when nothing reads or writes the bytes any more. */
  giveBack(): void;
}

export interface RunLengths {
  /** Leaves in a short run: few enough for many concurrent blobs. */
  readonly narrow: number;
  /** Leaves that the engine hashes together, in less time each. */
  readonly wide: number;
  /** How many wide buffers may exist, in use or kept. When all are taken, `take` returns a narrow one. */
  readonly wideBuffers: number;
}

/**
 * Buffers for what one store reads or writes. Runs are short, unless the engine hashes many leaves together faster:
 * then they are long, as far as the wide buffers go.
 */
export class RunBuffers {
  readonly #narrow: BufferPool;
  readonly #wide: BufferPool;
  #wideLeft: number;
  #inUse = 0;

  /**
   * @param make allocates a buffer of so many bytes, with arbitrary content and an ArrayBuffer of its own.
   * @param later schedules the check for idle buffers.
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

  /** Bytes of a short run. */
  get narrowBytes(): number {
    return this.#narrow.bytes;
  }

  /** Whether there is memory to read ahead. */
  get isPlenty(): boolean {
    return this.#inUse < PLENTY_BYTES;
  }

  /** Returns a buffer for the next run. @param bytes what is left of the blob, at least 1. */
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
