/** Runs a function once, `ms` from now, without keeping the process alive. */
export type Schedule = (ms: number, run: () => void) => void;

/** A buffer that stayed unused this long is released; at the latest after twice this time. */
const IDLE_MS = 15_000;

/**
 * Reuses buffers of one size. Buffers count against the heap: allocating one for each MiB that is read or written
 * triggers several full garbage collections a second.
 */
export class BufferPool {
  /** Size of each buffer. */
  readonly bytes: number;
  readonly #kept: number;
  readonly #make: (bytes: number) => Buffer;
  readonly #later: Schedule;
  /** A stack: the buffers at its beginning are those in excess. */
  readonly #free: Buffer[] = [];
  /** The fewest free buffers since the last check. */
  #unused = 0;
  #isWatched = false;

  /**
   * @param bytes size of each buffer. @param kept how many free buffers to keep; more are released at once.
   * @param make allocates one, with an ArrayBuffer of its own.
   */
  constructor(bytes: number, kept: number, make: (bytes: number) => Buffer, later: Schedule) {
    this.bytes = bytes;
    this.#kept = kept;
    this.#make = make;
    this.#later = later;
  }

  /** Takes a buffer; its content is arbitrary. */
  take(): Buffer {
    const buffer = this.#free.pop();
    this.#unused = Math.min(this.#unused, this.#free.length);
    return buffer ?? this.#make(this.bytes);
  }

  /** Returns a buffer that nothing uses any more. */
  give(buffer: Buffer): void {
    if (this.#free.length >= this.#kept) release(buffer);
    else this.#free.push(buffer);
    this.#watch();
  }

  #watch(): void {
    if (this.#isWatched || this.#free.length === 0) return;
    this.#isWatched = true;
    this.#later(IDLE_MS, () => {
      this.#isWatched = false;
      for (const buffer of this.#free.splice(0, this.#unused)) release(buffer);
      this.#unused = this.#free.length;
      this.#watch();
    });
  }
}

/**
 * Frees the memory now, if the buffer owns its ArrayBuffer. An idle process may collect it late or never, and a busy
 * one would walk its whole heap for it.
 */
export function release({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
