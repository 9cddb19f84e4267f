import type { Clock } from './clock.ts';

/** How many numbers there are for a millisecond. */
export const NUMBERS_PER_MS = 1024;

/**
 * Makes numbers that grow with time: milliseconds × 1024 + a counter, below 2^53 until the year 2248. They order the
 * parts stored at one offset, both in the catalog and in the blobs, so that a rebuilt catalog picks the same part.
 */
export class Sequencer {
  readonly #clock: Clock;
  #last = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The next number: greater than every earlier one of this process and than `after`, whatever the clock does. */
  next(after = 0): number {
    this.#last = Math.max(this.#clock.now() * NUMBERS_PER_MS, this.#last + 1, after + 1);
    return this.#last;
  }
}
