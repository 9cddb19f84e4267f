import type { HashEngine, PairDigest } from '../hashing/hash-engine.ts';
import type { BlobStream } from './blob-stream.ts';

/** The data of a blob of at most one leaf, held back until its end: its two hashes are one. */
export class HeldBytes implements BlobStream {
  readonly #engine: HashEngine;
  #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(engine: HashEngine) {
    this.#engine = engine;
  }

  get length(): number {
    return this.#length;
  }

  /** Copies: the caller may use its buffers again. */
  async write(chunks: readonly Uint8Array[]): Promise<void> {
    const copy = Buffer.concat(chunks);
    this.#chunks.push(copy);
    this.#length += copy.length;
  }

  async end(): Promise<PairDigest> {
    const leaf = this.#engine.hashLeavesSync(this.rest().bytes);
    return { linear: leaf, leaves: leaf };
  }

  rest(): { position: number; bytes: Uint8Array } {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return { position: 0, bytes: this.#chunks[0] as Uint8Array };
  }

  async stop(): Promise<void> {
    this.#chunks = [];
  }
}
