/** A multiple of what any device takes at once, and enough that its pause between two writes is small. */
export const STAGE_BYTES = 1024 * 1024;
/** Kept for the next uploads; more are left to the garbage collector. */
const STAGES_KEPT = 16;

/** Buffers for writing past the page cache: used again, because each is a mapping of its own. */
export class Staging {
  readonly #make: (bytes: number) => Buffer;
  readonly #free: Buffer[] = [];

  /** @param make gives memory that begins at a page. */
  constructor(make: (bytes: number) => Buffer) {
    this.#make = make;
  }

  /** A buffer of `STAGE_BYTES`, with any content. */
  take(): Buffer {
    return this.#free.pop() ?? this.#make(STAGE_BYTES);
  }

  /** Takes one back that nothing works on any more. */
  give(stage: Buffer): void {
    if (this.#free.length < STAGES_KEPT) this.#free.push(stage);
  }
}
