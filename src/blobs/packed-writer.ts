import {
  type BlobDigests,
  type BlobLabel,
  type BlobWriter,
  type Stamp,
  StoreFailure,
} from '../domain/blob-store.ts';
import type { HashEngine } from '../hashing/hash-engine.ts';
import { encodeTrailer } from './blob-format.ts';
import { HeldBytes } from './held-bytes.ts';

/** Writes a small blob into a pack: nothing is on disk before its end. */
export class PackedWriter implements BlobWriter {
  readonly #size: number;
  readonly #stamp: Stamp;
  readonly #append: (pieces: readonly Uint8Array[]) => Promise<string>;
  readonly #held: HeldBytes;
  #digests: BlobDigests | undefined;

  /** @param append keeps the blob durably and gives its reference. */
  constructor(
    engine: HashEngine,
    size: number,
    stamp: Stamp,
    append: (pieces: readonly Uint8Array[]) => Promise<string>,
  ) {
    this.#held = new HeldBytes(engine, size);
    this.#size = size;
    this.#stamp = stamp;
    this.#append = append;
  }

  write(chunks: readonly Uint8Array[]): Promise<void> {
    return this.#held.write(chunks);
  }

  async digest(): Promise<BlobDigests> {
    const { leaves } = await this.#held.end();
    const hash = leaves.toString('hex');
    this.#digests = { size: this.#held.length, leaves, treeHash: hash, linearHash: hash };
    return this.#digests;
  }

  async finish(label: BlobLabel): Promise<string> {
    if (this.#held.length !== this.#size) {
      throw new StoreFailure(`${this.#held.length} bytes were written of ${this.#size}`);
    }
    const trailer = encodeTrailer(label, this.#digests ?? (await this.digest()), this.#stamp());
    return this.#append([this.#held.rest().bytes, trailer]);
  }

  /** The pack may still be written from what is held: it goes with this writer. */
  async discard(): Promise<void> {}
}
