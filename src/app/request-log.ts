/** Decides which requests are logged, and at which level. */
import type { Clock } from '../domain/clock.ts';
import type { Logger } from '../log.ts';
import type { AnsweredRequest } from '../protocol/handle.ts';
import { withoutLockId } from '../protocol/redact.ts';
import { ClientGone } from '../protocol/small-body.ts';
import { ApiError, toApiError } from '../protocol/wire-error.ts';
import { ShortageLog } from './shortage-log.ts';

/** Limits these lines, because knowing an access key id is enough to cause them. */
const MISMATCHES_PER_SECOND = 10;

/**
 * Logs failures of the server as errors, wrong signatures with evidence as `info` (at most ten per second), and all other
 * requests as `debug`.
 */
export function requestLogger(log: Logger, clock: Clock): (done: AnsweredRequest) => void {
  const limiter = new RateLimiter(MISMATCHES_PER_SECOND);
  const shortages = new ShortageLog(log, clock);
  return (done) => {
    const { error, requestId } = done;
    for (const warning of done.warnings) log.warn({ requestId, target: done.target() }, warning);
    if (error !== undefined && shortages.take(error, lineOf(done))) return;
    if (isServerError(error)) log.error({ ...lineOf(done), err: error }, 'request failed');
    else if (error instanceof ApiError && error.evidence !== '')
      logMismatch(log, done, error, limiter.take(clock.now()));
    else if (log.isLevelEnabled('debug')) {
      const refusal = error instanceof Error ? { refusal: error.message } : {};
      log.debug({ ...lineOf(done), ...refusal }, 'request');
    }
  };
}

/** @param leftOut number of lines left out before this one; undefined to leave out this one too. */
function logMismatch(
  log: Logger,
  done: AnsweredRequest,
  { evidence }: ApiError,
  leftOut: number | undefined,
): void {
  if (leftOut === undefined) return;
  const line = { ...lineOf(done), evidence: withoutLockId(evidence), ...(leftOut > 0 ? { leftOut } : {}) };
  log.info(line, 'wrong signature: the secret key differs, or a proxy changed the request (docs/proxies.md)');
}

function lineOf({
  requestId,
  method,
  target,
  operation,
  status,
  ms,
}: AnsweredRequest): Record<string, unknown> {
  return { requestId, method, target: target(), operation, status, ms };
}

function isServerError(error: unknown): boolean {
  return error !== undefined && !(error instanceof ClientGone) && toApiError(error).fault === 'Server';
}

/** Lets a number of events through in each second of the clock, and counts the rest. */
class RateLimiter {
  readonly #perSecond: number;
  #second = 0;
  #taken = 0;
  #leftOut = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** How many events were left out since the last one let through; undefined if this one is left out too. */
  take(nowMs: number): number | undefined {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    if (this.#taken >= this.#perSecond) {
      this.#leftOut++;
      return undefined;
    }
    this.#taken++;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut;
  }
}
