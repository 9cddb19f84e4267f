import { ConnectionError, GlacierError } from './errors.ts';
import type { Runtime } from './runtime.ts';

/** How often and how soon a failed request is sent again. */
export interface RetryOptions {
  /** How often a request is sent at most; 1 is never again. Default: 5. */
  readonly attempts?: number;
  /** The longest pause after the first failure, ms; it doubles with each failure. Default: 200. */
  readonly firstPauseMs?: number;
  /** The longest pause, ms. Default: 20,000. */
  readonly longestPauseMs?: number;
}

const DEFAULTS = { attempts: 5, firstPauseMs: 200, longestPauseMs: 20_000 } as const;

/** Codes of refusals that end by themselves, whatever their status. */
const PASSING_CODES = new Set([
  'RequestTimeoutException',
  'ServiceUnavailableException',
  'ThrottlingException',
]);
const PASSING_STATUSES = new Set([408, 429, 500, 502, 503, 504]);

/**
 * Whether sending the request again may succeed, and does no harm.
 * @param repeatable whether the operation may be executed twice.
 */
export function isWorthRetrying(error: unknown, repeatable: boolean): boolean {
  if (error instanceof GlacierError) return mayPass(error) && (repeatable || isClear(error));
  return error instanceof ConnectionError && (repeatable || !error.unclear);
}

function mayPass({ status, code }: GlacierError): boolean {
  return PASSING_CODES.has(code) || PASSING_STATUSES.has(status);
}

/** Whether the server says that it did nothing. After 500, 502 and 504 it may have executed the request. */
function isClear({ status, code }: GlacierError): boolean {
  return status === 429 || status === 408 || status === 503 || code === 'ThrottlingException';
}

/**
 * Calls `run` until it succeeds, fails for good, or was called often enough. Waits a random time in between, so that
 * many clients do not return together.
 * @throws what the last call threw.
 */
export async function withRetries<Result>(
  run: () => Promise<Result>,
  mayRepeat: (error: unknown) => boolean,
  options: RetryOptions,
  runtime: Runtime,
  signal?: AbortSignal,
): Promise<Result> {
  const { attempts, firstPauseMs, longestPauseMs } = { ...DEFAULTS, ...options };
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await run();
    } catch (error) {
      signal?.throwIfAborted();
      if (attempt >= attempts || !mayRepeat(error)) throw error;
      const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1));
      await runtime.sleep(pause * runtime.random(), signal);
    }
  }
}
