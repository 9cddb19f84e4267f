/**
 * Buffers of one size that are used again and again. The garbage collector counts buffers against the heap: made
 * anew for each MiB that comes or goes, they make it walk through the whole heap several times a second.
 */
export class BufferPool {
  /** Of each buffer. */
  readonly bytes: number;
  readonly #kept: number;
  readonly #make: (bytes: number) => Buffer;
  readonly #free: Buffer[] = [];

  /**
   * @param bytes of each buffer. @param kept how many wait for the next one who asks; more are left to the garbage
   * collector. @param make gives a new one.
   */
  constructor(bytes: number, kept: number, make: (bytes: number) => Buffer) {
    this.bytes = bytes;
    this.#kept = kept;
    this.#make = make;
  }

  /** A buffer with any content. */
  take(): Buffer {
    return this.#free.pop() ?? this.#make(this.bytes);
  }

  /** Takes one back that nothing works on any more. */
  give(buffer: Buffer): void {
    if (this.#free.length < this.#kept) this.#free.push(buffer);
  }
}
