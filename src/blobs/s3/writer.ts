import {
  type BlobDigests,
  type BlobLabel,
  type BlobWriter,
  type Stamp,
  StoreFailure,
} from '../../domain/blob-store.ts';
import { ignoreErrors } from '../../durable/errors.ts';
import type { HashEngine, PairHasher } from '../../hashing/hash-engine.ts';
import { foldDigests } from '../../treehash/index.ts';
import { type BufferPool, release } from '../blob/buffer-pool.ts';
import { encodeTrailer } from '../blob/format.ts';
import { throwStoreFailure } from '../disk/store-failure.ts';
import { dataKey, endKey } from './keys.ts';
import type { Objects, UnfinishedUpload } from './objects.ts';

/** A piece of an object's upload. At least 5 MiB, as S3 demands, and 10,000 of them hold any part and inventory. */
export const PIECE_BYTES = 8 * 1024 * 1024;

interface ObjectWriterDeps {
  readonly objects: Objects;
  readonly engine: HashEngine;
  readonly stamp: Stamp;
  /** Buffers of PIECE_BYTES. */
  readonly pieces: BufferPool;
  /** Called when the blob is stored. */
  onStored(name: string): void;
  /** Called when nothing of the blob is left in the bucket. */
  onNothingLeft(name: string): void;
}

/**
 * Writes one blob into an object of its own, then its end into another. Sends data of more than a piece as an upload of
 * several, and holds two pieces in memory: one fills while the other is sent.
 */
export class ObjectWriter implements BlobWriter {
  readonly #deps: ObjectWriterDeps;
  readonly #name: string;
  readonly #size: number | null;
  readonly #hasher: PairHasher;
  #piece: Buffer | undefined;
  #used = 0;
  #taken = 0;
  #upload: UnfinishedUpload | undefined;
  readonly #etags: string[] = [];
  #sending: Promise<void> = Promise.resolve();
  #digests: BlobDigests | undefined;

  /** @param name announced before. @param size bytes to come; null if not known. */
  constructor(name: string, size: number | null, deps: ObjectWriterDeps) {
    this.#name = name;
    this.#size = size;
    this.#deps = deps;
    this.#hasher = deps.engine.createPairHasher();
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    await this.#write(chunks).catch(throwStoreFailure('a blob cannot be written'));
  }

  async #write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      for (let done = 0; done < chunk.length; ) {
        // A full piece is sent only when more follows: data of one piece needs no upload of several.
        if (this.#used === PIECE_BYTES) await this.#handOver();
        this.#piece ??= this.#newPiece();
        const part = chunk.subarray(done, done + this.#piece.length - this.#used);
        if (part.length === 0) {
          // More than was declared. `finish` refuses it.
          this.#taken += chunk.length - done;
          break;
        }
        this.#piece.set(part, this.#used);
        this.#used += part.length;
        this.#taken += part.length;
        done += part.length;
      }
    }
  }

  /** Small enough for all that is declared to come, to take no more memory than needed. */
  #newPiece(): Buffer {
    const left = this.#size === null ? PIECE_BYTES : this.#size - this.#taken;
    return left >= PIECE_BYTES ? this.#deps.pieces.take() : Buffer.allocUnsafeSlow(Math.max(0, left));
  }

  /** Begins to send the full piece once the previous one is sent; the next fills meanwhile. */
  async #handOver(): Promise<void> {
    const piece = this.#piece as Buffer;
    await this.#sending;
    this.#piece = undefined;
    this.#used = 0;
    this.#sending = this.#send(piece, piece);
    // Awaited with the next piece; until then a failure must not count as an unhandled rejection.
    this.#sending.catch(ignoreErrors);
  }

  async #send(bytes: Buffer, buffer: Buffer): Promise<void> {
    try {
      const key = dataKey(this.#name);
      this.#upload ??= { key, uploadId: await this.#deps.objects.begin(key) };
      const [sha256] = await Promise.all([this.#hashPiece(bytes), this.#hasher.update([bytes])]);
      const number = this.#etags.length + 1;
      this.#etags.push(await this.#deps.objects.putPiece(this.#upload, number, bytes, sha256));
    } finally {
      this.#giveBack(buffer);
    }
  }

  /** SHA-256 of a piece, which the engine compares with what it received. */
  async #hashPiece(bytes: Buffer): Promise<string> {
    const hasher = this.#deps.engine.createPairHasher();
    await hasher.update([bytes]);
    return hasher.digest().linear.toString('hex');
  }

  #giveBack(buffer: Buffer): void {
    if (buffer.length === this.#deps.pieces.bytes) this.#deps.pieces.give(buffer);
    else release(buffer);
  }

  get #rest(): Buffer {
    return this.#piece?.subarray(0, this.#used) ?? Buffer.alloc(0);
  }

  async digest(): Promise<BlobDigests> {
    return this.#digest().catch(throwStoreFailure('a blob cannot be written'));
  }

  async #digest(): Promise<BlobDigests> {
    await this.#sending;
    await this.#hasher.update([this.#rest]);
    const { linear, leaves } = this.#hasher.digest();
    const treeHash = Buffer.from(foldDigests(leaves)).toString('hex');
    this.#digests = { size: this.#taken, leaves, treeHash, linearHash: linear.toString('hex') };
    return this.#digests;
  }

  async finish(label: BlobLabel): Promise<string> {
    try {
      if (this.#size !== null && this.#taken !== this.#size)
        throw new StoreFailure(`${this.#taken} bytes were written of ${this.#size}`);
      const digests = this.#digests ?? (await this.#digest());
      await this.#storeData(digests);
      const end = encodeTrailer(label, digests, this.#deps.stamp());
      await this.#deps.objects.put(endKey(this.#name), end);
      this.#deps.onStored(this.#name);
      return this.#name;
    } catch (error) {
      await this.discard();
      return throwStoreFailure('a blob cannot be stored')(error);
    } finally {
      this.#dropPiece();
    }
  }

  async #storeData({ linearHash, size }: BlobDigests): Promise<void> {
    const { objects } = this.#deps;
    const rest = this.#rest;
    if (this.#upload === undefined) return objects.put(dataKey(this.#name), rest, {}, linearHash);
    const number = this.#etags.length + 1;
    this.#etags.push(await objects.putPiece(this.#upload, number, rest, await this.#hashPiece(rest)));
    await objects.complete(this.#upload, this.#etags, size);
    this.#upload = undefined;
  }

  #dropPiece(): void {
    if (this.#piece) this.#giveBack(this.#piece);
    this.#piece = undefined;
  }

  /** If something stays in the bucket, the name stays unsettled, so that a start removes it. */
  async discard(): Promise<void> {
    await this.#sending.catch(ignoreErrors);
    this.#dropPiece();
    try {
      if (this.#upload) await this.#deps.objects.abort(this.#upload);
      this.#deps.onNothingLeft(this.#name);
    } catch {
      // As said above.
    }
  }
}
