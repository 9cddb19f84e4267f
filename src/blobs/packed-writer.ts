import { type BlobDigests, type BlobLabel, type BlobWriter, StoreFailure } from '../domain/blob-store.ts';
import type { HashEngine } from '../hashing/hash-engine.ts';
import { encodeTrailer } from './blob-format.ts';
import { HeldBytes } from './held-bytes.ts';

/** Writes a small blob into a pack: nothing is on disk before its end. */
export class PackedWriter implements BlobWriter {
  readonly #engine: HashEngine;
  readonly #size: number;
  readonly #append: (pieces: readonly Uint8Array[]) => Promise<string>;
  readonly #held = new HeldBytes();
  #digests: BlobDigests | undefined;

  /** @param append keeps the blob durably and gives its reference. */
  constructor(engine: HashEngine, size: number, append: (pieces: readonly Uint8Array[]) => Promise<string>) {
    this.#engine = engine;
    this.#size = size;
    this.#append = append;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    this.#held.add(chunks);
  }

  digest(): BlobDigests {
    this.#digests ??= this.#held.digest(this.#engine);
    return this.#digests;
  }

  async finish(label: BlobLabel): Promise<string> {
    if (this.#held.length !== this.#size) {
      throw new StoreFailure(`${this.#held.length} bytes were written of ${this.#size}`);
    }
    const trailer = encodeTrailer(label, this.digest());
    return this.#append([this.#held.whole(), trailer]);
  }

  async discard(): Promise<void> {
    this.#held.drop();
  }
}
