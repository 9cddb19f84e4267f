import {
  type BlobDigests,
  type BlobLabel,
  type BlobWriter,
  type Stamp,
  StoreFailure,
} from '../../domain/blob-store.ts';
import type { HashEngine } from '../../hashing/hash-engine.ts';
import { BufferedStream } from '../blob/buffered-stream.ts';
import { encodeTrailer } from '../blob/format.ts';

/** Writes a small blob into a pack. Holds it in memory until its end. */
export class PackedWriter implements BlobWriter {
  readonly #size: number;
  readonly #stamp: Stamp;
  readonly #append: (pieces: readonly Uint8Array[]) => Promise<string>;
  readonly #stream: BufferedStream;
  #digests: BlobDigests | undefined;

  /** @param append stores the blob durably and returns its reference. */
  constructor(
    engine: HashEngine,
    size: number,
    stamp: Stamp,
    append: (pieces: readonly Uint8Array[]) => Promise<string>,
  ) {
    this.#stream = new BufferedStream(engine, size);
    this.#size = size;
    this.#stamp = stamp;
    this.#append = append;
  }

  write(chunks: readonly Uint8Array[]): Promise<void> {
    return this.#stream.write(chunks);
  }

  async digest(): Promise<BlobDigests> {
    const { leaves } = await this.#stream.end();
    const hash = leaves.toString('hex');
    this.#digests = { size: this.#stream.length, leaves, treeHash: hash, linearHash: hash };
    return this.#digests;
  }

  async finish(label: BlobLabel): Promise<string> {
    if (this.#stream.length !== this.#size) {
      throw new StoreFailure(`${this.#stream.length} bytes were written of ${this.#size}`);
    }
    const trailer = encodeTrailer(label, this.#digests ?? (await this.digest()), this.#stamp());
    return this.#append([this.#stream.rest().bytes, trailer]);
  }

  /** Does not free the memory at once: an append may still read it. */
  async discard(): Promise<void> {}
}
