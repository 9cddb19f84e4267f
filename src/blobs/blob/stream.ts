/** Writes the data of a large blob; the job that writes it also hashes it. */
import type { OpenFile } from '../../durable/file-system.ts';
import type { HashEngine, PairDigest, PairHasher } from '../../hashing/hash-engine.ts';
import type { RunBuffer, RunBuffers } from './run-buffers.ts';

/** A multiple of any device's block size, and large enough to keep the device busy. */
export const STAGE_BYTES = 1024 * 1024;

/** Takes data in order. Has one caller, which awaits each call before the next. */
export interface BlobStream {
  /** Takes the next bytes; the caller may reuse the chunks when it resolves. @throws the I/O error. */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /** Ends the data. The caller must still write `rest` to the file. @throws the I/O error. */
  end(): Promise<PairDigest>;
  /** The last bytes, and their position in the file. */
  rest(): { readonly position: number; readonly bytes: Uint8Array };
  /** Resolves when nothing uses the file any more. May be called again. Never throws. */
  stop(): Promise<void>;
}

/** Writes each call's chunks through the page cache. */
export class CachedStream implements BlobStream {
  readonly #hasher: PairHasher;
  readonly #file: OpenFile;
  #position = 0;

  constructor(engine: HashEngine, file: OpenFile) {
    this.#hasher = engine.createPairHasher();
    this.#file = file;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    await this.#file.writeAndHash(this.#hasher, this.#position, chunks);
    this.#position += chunks.reduce((sum, { length }) => sum + length, 0);
  }

  async end(): Promise<PairDigest> {
    return this.#hasher.digest();
  }

  rest(): { position: number; bytes: Uint8Array } {
    return { position: this.#position, bytes: new Uint8Array() };
  }

  async stop(): Promise<void> {}
}

/**
 * Writes past the page cache: archives are rarely read soon, and caching them costs about as much processor time as
 * receiving them (docs/decisions/0010). One buffer fills while another is hashed and written.
 */
export class DirectStream implements BlobStream {
  readonly #hasher: PairHasher;
  readonly #file: OpenFile;
  readonly #size: number;
  readonly #staging: RunBuffers;
  /** The buffer being filled. Taken on the first write: an upload that sends nothing holds none. */
  #stage: RunBuffer | undefined;
  #used = 0;
  #position = 0;
  #writing: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  /**
   * @param file opened as `direct`. @param size bytes to come. @param staging gives buffers that such a file takes,
   * of `STAGE_BYTES` or more.
   */
  constructor(engine: HashEngine, file: OpenFile, size: number, staging: RunBuffers) {
    this.#hasher = engine.createPairHasher();
    this.#file = file;
    this.#size = size;
    this.#staging = staging;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      for (let done = 0; done < chunk.length; ) {
        this.#stage ??= this.#staging.take(Math.max(STAGE_BYTES, this.#size - this.#position));
        const { bytes } = this.#stage;
        const piece = chunk.subarray(done, done + bytes.length - this.#used);
        bytes.set(piece, this.#used);
        this.#used += piece.length;
        done += piece.length;
        if (this.#used === bytes.length) await this.#handOver(this.#stage);
      }
    }
  }

  /** Starts writing the full buffer once the previous one is written; the next fills meanwhile. */
  async #handOver(stage: RunBuffer): Promise<void> {
    await this.#writing;
    this.#stage = undefined;
    this.#writing = this.#file
      .writeAndHash(this.#hasher, this.#position, [stage.bytes])
      .finally(() => stage.giveBack());
    // Awaited with the next buffer; until then a failure must not count as an unhandled rejection.
    this.#writing.catch(() => {});
    this.#position += stage.bytes.length;
    this.#used = 0;
  }

  async end(): Promise<PairDigest> {
    await this.#writing;
    this.#hasher.updateSync([this.rest().bytes]);
    return this.#hasher.digest();
  }

  /** Less than a buffer. The caller writes it through the cache: its length is no multiple of the block size. */
  rest(): { position: number; bytes: Uint8Array } {
    return {
      position: this.#position,
      bytes: this.#stage?.bytes.subarray(0, this.#used) ?? new Uint8Array(),
    };
  }

  stop(): Promise<void> {
    // Once: a buffer returned twice would serve two blobs. A second caller waits for the write too.
    this.#stopping ??= this.#giveBack();
    return this.#stopping;
  }

  async #giveBack(): Promise<void> {
    await this.#writing.catch(() => {});
    this.#stage?.giveBack();
  }
}
