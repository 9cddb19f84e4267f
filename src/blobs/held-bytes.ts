import type { BlobDigests } from '../domain/blob-store.ts';
import type { HashEngine } from '../hashing/hash-engine.ts';

/** The bytes of a blob of at most one leaf, held back until its end: its two hashes are one. */
export class HeldBytes {
  #chunks: Uint8Array[] = [];
  #length = 0;

  /** Copies: the caller may use its buffers again. */
  add(chunks: readonly Uint8Array[]): void {
    const copy = Buffer.concat(chunks);
    this.#chunks.push(copy);
    this.#length += copy.length;
  }

  get length(): number {
    return this.#length;
  }

  whole(): Uint8Array {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Uint8Array;
  }

  digest(engine: HashEngine): BlobDigests {
    const leaf = engine.hashLeavesSync(this.whole());
    const hash = leaf.toString('hex');
    return { size: this.#length, leaves: leaf, treeHash: hash, linearHash: hash };
  }

  drop(): void {
    this.#chunks = [];
    this.#length = 0;
  }
}
