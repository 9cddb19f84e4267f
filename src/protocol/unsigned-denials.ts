const PER_SECOND = 10;

/**
 * Which refusals of unsigned requests go on record. Anybody can cause them, so their number is bounded; what was
 * left out is told by the next one that is not.
 */
export class UnsignedDenials {
  #second = 0;
  #taken = 0;
  #leftOut = 0;

  /** How many were left out since the last one that was taken; undefined when this one is left out as well. */
  take(nowMs: number): number | undefined {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    if (this.#taken >= PER_SECOND) {
      this.#leftOut++;
      return undefined;
    }
    this.#taken++;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut;
  }
}
