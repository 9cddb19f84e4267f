/** Retrying calls to an object store that fail for a moment. */

/** The clock that retries are measured by. */
export interface Timing {
  /** Milliseconds from any beginning; only differences count. */
  now(): number;
  /** Resolves after so many milliseconds. */
  sleep(ms: number): Promise<void>;
  /** A number from 0 up to but not including 1, so that many clients do not retry in step. */
  random(): number;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;

/**
 * Runs a call until it succeeds, fails for good, or the next pause would end after the deadline.
 * @param withinMs measured from the first attempt. @throws the error of the last attempt.
 */
export async function withRetries<Result>(
  timing: Timing,
  withinMs: number,
  call: () => Promise<Result>,
): Promise<Result> {
  const end = timing.now() + withinMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await call();
    } catch (error) {
      const pause = pauseMs * (0.5 + timing.random() / 2);
      if (!mayPass(error) || timing.now() + pause >= end) throw error;
      await timing.sleep(pause);
    }
  }
}

const PASSING_NAMES: ReadonlySet<string> = new Set([
  'ConditionalRequestConflict',
  'OperationAborted',
  'RequestTimeout',
  'SlowDown',
  'TimeoutError',
  // The bytes were damaged on their way.
  'BadDigest',
  'XAmzContentSHA256Mismatch',
]);

/** HTTP status of an engine's answer; undefined if there was no answer. */
export function statusOf(error: unknown): number | undefined {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  return $metadata?.httpStatusCode;
}

/** Whether the same call may succeed later: no connection, a busy or failing engine. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (PASSING_NAMES.has(error.name)) return true;
  const status = statusOf(error);
  if (status !== undefined) return status >= 500 || status === 429;
  // An error of a socket or of a name server. Errors of our own have no code.
  return 'code' in error && typeof error.code === 'string' && !error.code.startsWith('ERR_');
}
