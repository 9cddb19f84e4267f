import type { HashEngine, PairDigest } from '../../hashing/hash-engine.ts';
import { release } from './buffer-pool.ts';
import type { BlobStream } from './stream.ts';

/** From this size on, hashing on the thread pool costs less than blocking the main thread. */
const LONG_BYTES = 128 * 1024;

/** Holds the data of a blob of at most one leaf until its end. Both hashes of such a blob are the same. */
export class BufferedStream implements BlobStream {
  readonly #engine: HashEngine;
  readonly #size: number;
  /** Allocated on the first write: an upload that sends nothing holds no memory. */
  #bytes: Buffer | undefined;
  #length = 0;

  /** @param size bytes to come, at most one leaf. Further bytes are counted and dropped. */
  constructor(engine: HashEngine, size: number) {
    this.#engine = engine;
    this.#size = size;
  }

  /** Bytes received. */
  get length(): number {
    return this.#length;
  }

  /** Copies the chunks, so the caller may reuse them. */
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

  /** Frees the memory of `rest`: call it when nothing reads that any more. */
  async stop(): Promise<void> {
    if (this.#bytes) release(this.#bytes);
    this.#bytes = undefined;
  }
}
