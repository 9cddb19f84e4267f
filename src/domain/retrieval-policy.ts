import { Refusal } from './errors.ts';

/** How much an account may retrieve in a region. */
export type RetrievalPolicy =
  | { readonly strategy: 'None' | 'FreeTier' }
  /** 1..2^63-1. */
  | { readonly strategy: 'BytesPerHour'; readonly bytesPerHour: bigint };

/** In force when none was ever set. */
export const NO_LIMIT: RetrievalPolicy = { strategy: 'None' };

/** The former free tier of 10 GiB a month, as a daily amount. */
const FREE_BYTES_PER_DAY = Math.floor((10 * 2 ** 30) / 30);
/** The nominal time of a Standard retrieval, whatever `--job-times` says. */
const NOMINAL_HOURS = 4;

/** What was retrieved by Standard archive jobs, and by direct reads that count like them; in bytes. */
export interface RetrievalUse {
  /** Of jobs started in the last four hours, which are nominally still in progress. */
  readonly bytesInProgress: number;
  /** Of jobs started this UTC day. */
  readonly bytesToday: number;
}

/** The starts from which jobs count as in progress, and as of today; ms since the epoch. */
export function useWindows(nowMs: number): {
  readonly inProgressSinceMs: number;
  readonly todaySinceMs: number;
} {
  return {
    inProgressSinceMs: nowMs - NOMINAL_HOURS * 3_600_000,
    todaySinceMs: nowMs - (nowMs % 86_400_000),
  };
}

/**
 * Refuses a Standard retrieval of `bytes`, or a direct read of as many, that the policy does not allow. The service's arithmetic is not published.
 * Here a job's rate is its bytes over four hours (docs/operating.md).
 * @param operation which asks for it.
 * @throws Refusal over-policy.
 */
export function requireWithinPolicy(
  policy: RetrievalPolicy,
  use: RetrievalUse,
  bytes: number,
  operation: RetrievingOperation,
): void {
  const denied = (): Refusal =>
    new Refusal('over-policy', `${operation} request denied by current data retrieval policy.`);
  if (policy.strategy === 'FreeTier' && use.bytesToday + bytes > FREE_BYTES_PER_DAY) throw denied();
  if (policy.strategy !== 'BytesPerHour') return;
  if (BigInt(use.bytesInProgress + bytes) > policy.bytesPerHour * BigInt(NOMINAL_HOURS)) throw denied();
}

/** An operation that retrieves bytes of archives. */
export type RetrievingOperation = 'InitiateJob' | 'GetArchive';
