/** The data of a large blob on its way to disk: hashed by the job that writes it. */
import type { HashEngine, PairDigest, PairHasher } from '../hashing/hash-engine.ts';
import type { BufferPool } from './buffer-pool.ts';

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
  readonly #fd: number;
  #position = 0;

  constructor(engine: HashEngine, fd: number) {
    this.#hasher = engine.createPairHasher();
    this.#fd = fd;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    await this.#hasher.writeAndHash(this.#fd, this.#position, chunks);
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
 * about as much as receiving them (docs/decisions/0010). Bytes are gathered in one buffer while the other is
 * hashed and written.
 */
export class DirectStream implements BlobStream {
  readonly #hasher: PairHasher;
  readonly #fd: number;
  readonly #staging: BufferPool;
  /** Taken when first needed: an upload that sends nothing holds none. */
  readonly #stages: Buffer[] = [];
  #turn: 0 | 1 = 0;
  #used = 0;
  #position = 0;
  #writing: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  /** @param fd open with `O_DIRECT`. @param staging has buffers for those who ask. */
  constructor(engine: HashEngine, fd: number, staging: BufferPool) {
    this.#hasher = engine.createPairHasher();
    this.#fd = fd;
    this.#staging = staging;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      for (let done = 0; done < chunk.length; ) {
        const piece = chunk.subarray(done, done + STAGE_BYTES - this.#used);
        this.#stage().set(piece, this.#used);
        this.#used += piece.length;
        done += piece.length;
        if (this.#used === STAGE_BYTES) await this.#handOver();
      }
    }
  }

  /** Starts writing the full buffer when the other is free, and goes on with that one. */
  async #handOver(): Promise<void> {
    await this.#writing;
    this.#writing = this.#hasher.writeAndHash(this.#fd, this.#position, [this.#stage()]);
    // It is awaited with the next one; until then a failure must not count as unhandled.
    this.#writing.catch(() => {});
    this.#position += STAGE_BYTES;
    this.#turn = this.#turn === 0 ? 1 : 0;
    this.#used = 0;
  }

  /** The buffer that is being filled. */
  #stage(): Buffer {
    const stage = this.#stages[this.#turn] ?? this.#staging.take();
    this.#stages[this.#turn] = stage;
    return stage;
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
      bytes: this.#used === 0 ? new Uint8Array() : this.#stage().subarray(0, this.#used),
    };
  }

  stop(): Promise<void> {
    // Once: given back twice, a buffer would serve two blobs. And whoever comes second waits for the write as well.
    this.#stopping ??= this.#giveBack();
    return this.#stopping;
  }

  async #giveBack(): Promise<void> {
    await this.#writing.catch(() => {});
    for (const stage of this.#stages) this.#staging.give(stage);
  }
}
