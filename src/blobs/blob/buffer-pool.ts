/** Runs something once, `ms` from now; it keeps no process alive. */
export type Schedule = (ms: number, run: () => void) => void;

/** A buffer that was not needed for so long is given back to the system, after twice the time at most. */
const IDLE_MS = 15_000;

/**
 * Buffers of one size that are used again and again. The garbage collector counts buffers against the heap: made
 * anew for each MiB that comes or goes, they make it walk through the whole heap several times a second.
 */
export class BufferPool {
  /** Of each buffer. */
  readonly bytes: number;
  readonly #kept: number;
  readonly #make: (bytes: number) => Buffer;
  readonly #later: Schedule;
  /** The last one is used next: those at the beginning are not needed. */
  readonly #free: Buffer[] = [];
  /** The fewest that were free since it was last looked. */
  #unused = 0;
  #isWatched = false;

  /**
   * @param bytes of each buffer. @param kept how many wait for the next one who asks; more are given back at once.
   * @param make gives a new one with an ArrayBuffer of its own.
   */
  constructor(bytes: number, kept: number, make: (bytes: number) => Buffer, later: Schedule) {
    this.bytes = bytes;
    this.#kept = kept;
    this.#make = make;
    this.#later = later;
  }

  /** A buffer with any content. */
  take(): Buffer {
    const buffer = this.#free.pop();
    this.#unused = Math.min(this.#unused, this.#free.length);
    return buffer ?? this.#make(this.bytes);
  }

  /** Takes one back that nothing works on any more. */
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
 * Gives the memory back now, if it is the buffer's own: the garbage collector of an idle process may come late or never,
 * and that of a busy one walks through the whole heap for it.
 */
export function release({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
