/** A kind of refusal is on record in detail so many times an hour. */
const IN_DETAIL = 10;
const HOUR_MS = 3_600_000;
/** So many kinds are told apart in an hour; what is beyond counts together. */
const KINDS = 1000;
/** The longest counting record names so many kinds. */
const KINDS_NAMED = 5;
/** How often refusals that were only counted are put on record. */
export const COUNTING_MS = 600_000;

/** Refusals that were not put on record one by one. */
export interface CountedDenials {
  readonly count: number;
  /** Of the first of them; ms since the epoch. */
  readonly sinceMs: number;
  /** The most frequent kinds, each with its count. */
  readonly kinds: Readonly<Record<string, number>>;
}

/**
 * Which refusals of requests without a good signature go on record. Anybody can cause them, so they are bounded: of
 * each kind the first ones in an hour, and of all together so many bytes a day. The others are counted.
 */
export class UnsignedDenials {
  readonly #bytesPerDay: number;
  /** Bytes that may be written now. */
  #budget: number;
  #atMs = 0;
  #hour = 0;
  readonly #inDetail = new Map<string, number>();
  #counted = new Map<string, number>();
  #sinceMs = 0;

  /** @param bytesPerDay of this process: within any 24 hours no more is put on record one by one. */
  constructor(bytesPerDay: number) {
    this.#bytesPerDay = bytesPerDay;
    this.#budget = bytesPerDay / 2;
  }

  /**
   * Whether a refusal goes on record; it is counted otherwise.
   * @param kind what tells it from others, such as its error and its sender. @param bytes of its record.
   */
  take(nowMs: number, kind: string, bytes: number): boolean {
    this.#refill(nowMs);
    const hour = Math.floor(nowMs / HOUR_MS);
    if (hour !== this.#hour) {
      this.#hour = hour;
      this.#inDetail.clear();
    }
    const known = this.#inDetail.has(kind) || this.#inDetail.size < KINDS ? kind : '';
    const taken = this.#inDetail.get(known) ?? 0;
    if (taken < IN_DETAIL && bytes <= this.#budget) {
      this.#inDetail.set(known, taken + 1);
      this.#budget -= bytes;
      return true;
    }
    this.#count(nowMs, kind);
    return false;
  }

  /** What was counted since the last call; undefined for nothing. */
  takeCounted(): CountedDenials | undefined {
    if (this.#counted.size === 0) return undefined;
    const kinds = [...this.#counted].sort(([, one], [, other]) => other - one);
    this.#counted = new Map();
    const count = kinds.reduce((sum, [, times]) => sum + times, 0);
    return { count, sinceMs: this.#sinceMs, kinds: Object.fromEntries(kinds.slice(0, KINDS_NAMED)) };
  }

  /** Half of a day's bytes at once, the other half over the day. */
  #refill(nowMs: number): void {
    const half = this.#bytesPerDay / 2;
    // A clock that goes back gives nothing.
    const passed = Math.max(0, nowMs - Math.max(this.#atMs, 0));
    if (this.#atMs > 0) this.#budget = Math.min(half, this.#budget + (half * passed) / (24 * HOUR_MS));
    this.#atMs = Math.max(this.#atMs, nowMs);
  }

  #count(nowMs: number, kind: string): void {
    if (this.#counted.size === 0) this.#sinceMs = nowMs;
    const known = this.#counted.has(kind) || this.#counted.size < KINDS ? kind : 'others';
    this.#counted.set(known, (this.#counted.get(known) ?? 0) + 1);
  }
}
