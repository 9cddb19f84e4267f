/** Smaller chunks are copied together: an object for each would take many times the memory of its bytes. */
const SMALL_BYTES = 4096;

/**
 * Chunks of a body, in memory proportional to their bytes however small the sender makes them. Consecutive small chunks
 * are copied together; large ones are kept as they are.
 */
export class GatheredChunks {
  #chunks: Buffer[] = [];
  /** Collects small chunks until it is full. */
  #open: Buffer | undefined;
  #used = 0;
  #bytes = 0;

  /** Bytes held. */
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

  /** Returns what was added, in order, and starts over. */
  take(): Buffer[] {
    this.#close();
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#bytes = 0;
    return chunks;
  }

  #close(): void {
    if (this.#open === undefined) return;
    // Copies a mostly empty buffer: alternating large and small chunks would keep one each.
    const filled = this.#open.subarray(0, this.#used);
    this.#chunks.push(this.#used < SMALL_BYTES / 2 ? Buffer.from(filled) : filled);
    this.#open = undefined;
    this.#used = 0;
  }
}
