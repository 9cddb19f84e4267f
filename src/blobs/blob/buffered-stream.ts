import type { HashEngine, PairDigest } from '../../hashing/hash-engine.ts';
import { release } from './buffer-pool.ts';
import type { BlobStream } from './stream.ts';

/** From here on a job of the thread pool costs less than what waits meanwhile. */
const LONG_BYTES = 128 * 1024;

/** The data of a blob of at most one leaf, held back until its end: its two hashes are one. */
export class BufferedStream implements BlobStream {
  readonly #engine: HashEngine;
  readonly #size: number;
  /** Made when first needed: an upload that sends nothing holds none. */
  #bytes: Buffer | undefined;
  #length = 0;

  /** @param size bytes to come, at most one leaf. Of more, only so many are held. */
  constructor(engine: HashEngine, size: number) {
    this.#engine = engine;
    this.#size = size;
  }

  /** Bytes that came. */
  get length(): number {
    return this.#length;
  }

  /** Copies: the caller may use its buffers again. */
  async write(chunks: readonly Uint8Array[]): Promise<void> {
    this.#bytes ??= Buffer.allocUnsafe(this.#size);
    for (const chunk of chunks) {
      const at = Math.min(this.#length, this.#size);
      this.#bytes.set(chunk.subarray(0, this.#size - at), at);
      this.#length += chunk.length;
    }
  }

  async end(): Promise<PairDigest> {
    const { bytes } = this.rest();
    const isLong = bytes.length >= LONG_BYTES;
    const leaf = await (isLong ? this.#engine.hashLeaves(bytes) : this.#engine.hashLeavesSync(bytes));
    return { linear: leaf, leaves: leaf };
  }

  rest(): { position: number; bytes: Uint8Array } {
    return { position: 0, bytes: this.#bytes?.subarray(0, this.#length) ?? new Uint8Array() };
  }

  /** Only when nothing reads `rest` any more: its memory is given back at once. */
  async stop(): Promise<void> {
    if (this.#bytes) release(this.#bytes);
    this.#bytes = undefined;
  }
}
