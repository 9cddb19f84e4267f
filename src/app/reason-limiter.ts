/** Each reason passes once in this time: on a full disk, thousands of requests a minute fail for the same reason. */
const PAUSE_MS = 60_000;
const REASONS_KEPT = 100;

/** Lets each reason for a log line through once a minute, and counts the rest. */
export class ReasonLimiter {
  readonly #passed = new Map<string, { readonly atMs: number; leftOut: number }>();

  /** @returns how often the reason was left out since it last passed; undefined if it is left out now too. */
  take(reason: string, nowMs: number): number | undefined {
    const last = this.#passed.get(reason);
    if (last && Math.abs(nowMs - last.atMs) < PAUSE_MS) {
      last.leftOut++;
      return undefined;
    }
    if (this.#passed.size >= REASONS_KEPT) this.#passed.clear();
    this.#passed.set(reason, { atMs: nowMs, leftOut: 0 });
    return last?.leftOut ?? 0;
  }
}
