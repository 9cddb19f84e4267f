import type { BlobDigests, BlobLabel, BlobWriter, Stamp } from '../../domain/blob-store.ts';
import type { OpenFile } from '../../durable/file-system.ts';
import { foldDigests } from '../../treehash/index.ts';
import { encodeTrailer } from '../blob/format.ts';
import type { BlobStream } from '../blob/stream.ts';
import { throwStoreFailure } from './store-failure.ts';

/** What the store does with the file: it knows the names and the order of flushes. */
interface DiskWriterDeps {
  readonly name: string;
  readonly stamp: Stamp;
  /** Flushes the file and gives it its name. */
  publish(): Promise<void>;
  /** Closes the file. */
  close(): Promise<void>;
  /** Removes what exists of the file. Never throws. */
  withdraw(): Promise<void>;
}

/** Writes one blob into a file of its own: the data by a stream, then the trailer. */
export class DiskWriter implements BlobWriter {
  readonly #file: OpenFile;
  readonly #stream: BlobStream;
  readonly #size: number | null;
  readonly #deps: DiskWriterDeps;
  #taken = 0;
  #digests: BlobDigests | undefined;

  /** @param stream writes to `file`. @param size bytes to come; null if not known. */
  constructor(file: OpenFile, stream: BlobStream, size: number | null, deps: DiskWriterDeps) {
    this.#file = file;
    this.#stream = stream;
    this.#size = size;
    this.#deps = deps;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    await this.#stream.write(chunks).catch(throwStoreFailure('a blob cannot be written'));
    this.#taken += chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  async digest(): Promise<BlobDigests> {
    const { linear, leaves } = await this.#stream.end().catch(throwStoreFailure('a blob cannot be written'));
    const treeHash = Buffer.from(foldDigests(leaves)).toString('hex');
    this.#digests = { size: this.#taken, leaves, treeHash, linearHash: linear.toString('hex') };
    return this.#digests;
  }

  async finish(label: BlobLabel): Promise<string> {
    try {
      const digests = this.#digests ?? (await this.digest());
      if (this.#size !== null && this.#taken !== this.#size) {
        throw new Error(`${this.#taken} bytes were written of ${this.#size}`);
      }
      const { position, bytes } = this.#stream.rest();
      const trailer = encodeTrailer(label, digests, this.#deps.stamp());
      // Two writes: joining them would copy up to a MiB.
      await this.#file.writeAt(position, bytes);
      await this.#file.writeAt(position + bytes.length, trailer);
      await this.#deps.publish();
      await this.#stream.stop();
      await this.#deps.close();
      return this.#deps.name;
    } catch (error) {
      await this.discard();
      return throwStoreFailure('a blob cannot be stored')(error);
    }
  }

  async discard(): Promise<void> {
    // The files must not be closed under a write.
    await this.#stream.stop();
    await this.#deps.close().catch(() => {});
    await this.#deps.withdraw();
  }
}
