import type { Clock } from '../domain/clock.ts';
import { asShortage, Shortage } from '../domain/errors.ts';
import type { Logger } from '../log.ts';

/** Each reason is logged once in this time: a full disk fails thousands of requests a minute for one reason. */
const PAUSE_MS = 60_000;
const REASONS_KEPT = 100;

interface Logged {
  readonly atMs: number;
  leftOut: number;
}

/** Logs shortages: each reason once a minute, with the number left out since. */
export class ShortageLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #logged = new Map<string, Logged>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @param what failed, for the log line. @returns false, and logs nothing, for an error that is no shortage. */
  take(error: unknown, what: Record<string, unknown>): boolean {
    const shortage = asShortage(error);
    if (!(shortage instanceof Shortage)) return false;
    // Reasons that differ only in numbers count as the same.
    const reason = shortage.message.replace(/\d+/g, '');
    const nowMs = this.#clock.now();
    const last = this.#logged.get(reason);
    if (last && Math.abs(nowMs - last.atMs) < PAUSE_MS) {
      last.leftOut++;
      return true;
    }
    if (this.#logged.size >= REASONS_KEPT) this.#logged.clear();
    this.#logged.set(reason, { atMs: nowMs, leftOut: 0 });
    const leftOut = last?.leftOut ? { leftOut: last.leftOut } : {};
    this.#log.error({ ...what, ...leftOut, err: shortage.cause }, shortage.message);
    return true;
  }
}
