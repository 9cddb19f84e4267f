/** Below it a chunk is copied: an object for each would take many times the memory of its bytes. */
const SMALL_BYTES = 4096;

/**
 * Chunks of a body, kept in an amount of memory that goes by their bytes and not by their number: a sender decides how
 * small its chunks are. Small ones that follow each other are copied together; large ones are kept as they came.
 */
export class GatheredChunks {
  #chunks: Buffer[] = [];
  /** Takes small chunks until it is full. */
  #open: Buffer | undefined;
  #used = 0;
  #bytes = 0;

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  add(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (chunk.length >= SMALL_BYTES) {
      this.#close();
      this.#chunks.push(chunk);
      return;
    }
    for (let done = 0; done < chunk.length; ) {
      this.#open ??= Buffer.allocUnsafe(SMALL_BYTES);
      const copied = chunk.copy(this.#open, this.#used, done);
      done += copied;
      this.#used += copied;
      if (this.#used === this.#open.length) this.#close();
    }
  }

  /** Gives what was added, in order, and begins anew. */
  take(): Buffer[] {
    this.#close();
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#bytes = 0;
    return chunks;
  }

  #close(): void {
    if (this.#open === undefined) return;
    // A copy where most of it is empty: chunks that are large and small in turn would each keep one.
    const filled = this.#open.subarray(0, this.#used);
    this.#chunks.push(this.#used < SMALL_BYTES / 2 ? Buffer.from(filled) : filled);
    this.#open = undefined;
    this.#used = 0;
  }
}
