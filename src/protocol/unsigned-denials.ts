/** How many denials of one kind are logged in full each hour. */
const IN_DETAIL = 10;
const HOUR_MS = 3_600_000;
/** How many kinds are distinguished in an hour; further ones count as one. */
const KINDS = 1000;
/** Most kinds that a counting event names. */
const KINDS_NAMED = 5;
/** How often counted denials are logged. */
export const COUNTING_MS = 600_000;

/** Denials that were counted instead of being logged one by one. */
export interface CountedDenials {
  readonly count: number;
  /** When the first of them came, ms since the epoch. */
  readonly sinceMs: number;
  /** The most frequent kinds, each with its count. */
  readonly kinds: Readonly<Record<string, number>>;
}

/**
 * Decides which denials of requests without a good signature are logged in full. Anybody can cause them, so they are
 * bounded: the first ones of each kind in an hour, and a number of bytes a day for all. The others are counted.
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

  /** @param bytesPerDay the most that this process logs in full within any 24 hours. */
  constructor(bytesPerDay: number) {
    this.#bytesPerDay = bytesPerDay;
    this.#budget = bytesPerDay / 2;
  }

  /**
   * Whether to log a denial in full; counts it otherwise.
   * @param kind its error and its sender. @param bytes of its event in the log.
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

  /** The denials counted since the last call; undefined if there were none. */
  takeCounted(): CountedDenials | undefined {
    if (this.#counted.size === 0) return undefined;
    const kinds = [...this.#counted].sort(([, one], [, other]) => other - one);
    this.#counted = new Map();
    const count = kinds.reduce((sum, [, times]) => sum + times, 0);
    return { count, sinceMs: this.#sinceMs, kinds: Object.fromEntries(kinds.slice(0, KINDS_NAMED)) };
  }

  /** Refills the budget: it holds half of a day's bytes and gains the other half over a day. */
  #refill(nowMs: number): void {
    const half = this.#bytesPerDay / 2;
    // A clock that goes back refills nothing.
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
