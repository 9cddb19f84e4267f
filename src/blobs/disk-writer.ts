import type { FileHandle } from 'node:fs/promises';
import { type BlobDigests, type BlobLabel, type BlobWriter, StoreFailure } from '../domain/blob-store.ts';
import type { HashEngine, PairHasher } from '../hashing/hash-engine.ts';
import { foldDigests, LEAF_BYTES } from '../treehash/index.ts';
import { encodeTrailer } from './blob-format.ts';
import { HeldBytes } from './held-bytes.ts';
import { writeAt } from './positioned.ts';

/** What becomes of the file: the store knows the names and the order of flushes. */
interface Fate {
  readonly name: string;
  /** Flushes the file and gives it its name. */
  publish(): Promise<void>;
  withdraw(): Promise<void>;
}

/**
 * Writes one blob. Bytes are hashed by the job that writes them. A blob of at most one leaf is held back and
 * written at once with its trailer: its two hashes are one, and one job is enough.
 */
export class DiskWriter implements BlobWriter {
  readonly #file: FileHandle;
  readonly #size: number | null;
  readonly #fate: Fate;
  readonly #engine: HashEngine;
  readonly #hasher: PairHasher | undefined;
  readonly #held = new HeldBytes();
  #written = 0;
  #digests: BlobDigests | undefined;

  /** @param size bytes to come; null if not known. */
  constructor(engine: HashEngine, file: FileHandle, size: number | null, fate: Fate) {
    this.#engine = engine;
    this.#file = file;
    this.#size = size;
    this.#fate = fate;
    this.#hasher = size !== null && size <= LEAF_BYTES ? undefined : engine.createPairHasher();
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    try {
      if (this.#hasher) await this.#hasher.writeAndHash(this.#file.fd, this.#written, chunks);
      else this.#held.add(chunks);
      this.#written += bytes;
    } catch (error) {
      throw new StoreFailure(`a blob cannot be written: ${String(error)}`, error);
    }
  }

  digest(): BlobDigests {
    this.#digests = this.#hasher ? this.#digestOf(this.#hasher) : this.#held.digest(this.#engine);
    return this.#digests;
  }

  #digestOf(hasher: PairHasher): BlobDigests {
    const { linear, leaves } = hasher.digest();
    const treeHash = Buffer.from(foldDigests(leaves)).toString('hex');
    return { size: this.#written, leaves, treeHash, linearHash: linear.toString('hex') };
  }

  async finish(label: BlobLabel): Promise<string> {
    try {
      const digests = this.#digests ?? this.digest();
      if (this.#size !== null && this.#written !== this.#size) {
        throw new Error(`${this.#written} bytes were written of ${this.#size}`);
      }
      await this.#writeTail(encodeTrailer(label, digests));
      await this.#fate.publish();
      await this.#file.close();
      return this.#fate.name;
    } catch (error) {
      await this.discard();
      if (error instanceof StoreFailure) throw error;
      throw new StoreFailure(`a blob cannot be stored: ${String(error)}`, error);
    }
  }

  /** The trailer, with the bytes before it that are not written yet. */
  async #writeTail(trailer: Buffer): Promise<void> {
    const at = this.#hasher ? this.#written : 0;
    const tail = this.#hasher ? trailer : Buffer.concat([this.#held.whole(), trailer]);
    await writeAt(this.#file, at, tail);
  }

  async discard(): Promise<void> {
    this.#held.drop();
    await this.#file.close().catch(() => {});
    await this.#fate.withdraw();
  }
}
