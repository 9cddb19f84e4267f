import type { Clock } from '../domain/clock.ts';
import { asShortage, Shortage } from '../domain/errors.ts';
import type { Logger } from '../log.ts';

/** A full disk fails thousands of requests a minute for one reason: each reason is logged so often at most. */
const PAUSE_MS = 60_000;
const REASONS_KEPT = 100;

interface Logged {
  readonly atMs: number;
  leftOut: number;
}

/** Logs shortages, each reason once a minute, with how many were left out since. */
export class ShortageLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #logged = new Map<string, Logged>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @param what failed, for the line. @returns false for an error that is no shortage: nothing was logged. */
  take(error: unknown, what: Record<string, unknown>): boolean {
    const shortage = asShortage(error);
    if (!(shortage instanceof Shortage)) return false;
    // Reasons that differ in numbers only are one.
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
