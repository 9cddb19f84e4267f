import type { Clock } from '../domain/clock.ts';
import { asShortage, Shortage } from '../domain/errors.ts';
import type { Logger } from '../log.ts';
import { ReasonLimiter } from './reason-limiter.ts';

/** Logs shortages: each reason once a minute, with the number left out since. */
export class ShortageLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #limiter = new ReasonLimiter();

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
    const leftOut = this.#limiter.take(reason, this.#clock.now());
    if (leftOut !== undefined)
      this.#log.error(
        { ...what, ...(leftOut > 0 ? { leftOut } : {}), err: shortage.cause },
        shortage.message,
      );
    return true;
  }
}
