/** The data of a large blob on its way to disk: hashed by the job that writes it. */
import type { OpenFile } from '../../durable/disk.ts';
import type { HashEngine, PairDigest, PairHasher } from '../../hashing/hash-engine.ts';
import type { RunBuffer, RunBuffers } from './run-buffers.ts';

/** A multiple of what any device takes at once, and enough that its pause between two writes is small. */
export const STAGE_BYTES = 1024 * 1024;

/** Takes data in order. Used by one caller, who waits for each step before the next. */
export interface BlobStream {
  /** Takes the next bytes; the chunks may be used again when it resolves. @throws the I/O error. */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /** Ends the data. What `rest` gives then is not in the file yet. @throws the I/O error. */
  end(): Promise<PairDigest>;
  /** The last bytes, and where in the file they belong. */
  rest(): { readonly position: number; readonly bytes: Uint8Array };
  /** Resolves when nothing works on the file any more; again without effect. Never throws. */
  stop(): Promise<void>;
}

/** Writes through the page cache, each call as it comes. */
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
 * Writes past the page cache. Archives are rarely read soon, and filling the cache with them costs the processor
 * about as much as receiving them (docs/decisions/0010). Bytes are gathered in one buffer while another is hashed and
 * written.
 */
export class DirectStream implements BlobStream {
  readonly #hasher: PairHasher;
  readonly #file: OpenFile;
  readonly #size: number;
  readonly #staging: RunBuffers;
  /** What is being filled. Taken when first needed: an upload that sends nothing holds none. */
  #stage: RunBuffer | undefined;
  #used = 0;
  #position = 0;
  #writing: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  /**
   * @param file opened as `direct`. @param size bytes to come. @param staging has buffers that such a file takes, of
   * `STAGE_BYTES` or more.
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

  /** Starts writing the full buffer when the one before is written. The next is filled meanwhile. */
  async #handOver(stage: RunBuffer): Promise<void> {
    await this.#writing;
    this.#stage = undefined;
    this.#writing = this.#file
      .writeAndHash(this.#hasher, this.#position, [stage.bytes])
      .finally(() => stage.giveBack());
    // It is awaited with the next one; until then a failure must not count as unhandled.
    this.#writing.catch(() => {});
    this.#position += stage.bytes.length;
    this.#used = 0;
  }

  async end(): Promise<PairDigest> {
    await this.#writing;
    this.#hasher.updateSync([this.rest().bytes]);
    return this.#hasher.digest();
  }

  /** Less than a buffer: its length is no multiple of the device's, so it goes another way. */
  rest(): { position: number; bytes: Uint8Array } {
    return {
      position: this.#position,
      bytes: this.#stage?.bytes.subarray(0, this.#used) ?? new Uint8Array(),
    };
  }

  stop(): Promise<void> {
    // Once: given back twice, a buffer would serve two blobs. And whoever comes second waits for the write as well.
    this.#stopping ??= this.#giveBack();
    return this.#stopping;
  }

  async #giveBack(): Promise<void> {
    await this.#writing.catch(() => {});
    this.#stage?.giveBack();
  }
}
