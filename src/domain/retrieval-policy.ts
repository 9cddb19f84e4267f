import { invalidParameter, missingParameter, quote, Refusal } from './errors.ts';

/** How much an account may retrieve in a region. */
export type RetrievalPolicy =
  | { readonly strategy: 'None' | 'FreeTier' }
  /** 1..2^63-1. */
  | { readonly strategy: 'BytesPerHour'; readonly bytesPerHour: bigint };

/** In force when none was ever set. */
export const NO_LIMIT: RetrievalPolicy = { strategy: 'None' };

const MAX_BYTES_PER_HOUR = 2n ** 63n - 1n;
/** The former free tier of 10 GiB a month, as a daily amount. */
const FREE_BYTES_PER_DAY = Math.floor((10 * 2 ** 30) / 30);
/** The nominal time of a Standard retrieval, whatever `--job-times` says. */
const NOMINAL_HOURS = 4;

/** What was retrieved by Standard archive jobs, in bytes. */
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
 * Refuses a Standard retrieval of `bytes` that the policy does not allow. The service's arithmetic is not published.
 * Here a job's rate is its bytes over four hours (docs/operating.md).
 * @throws Refusal over-policy.
 */
export function requireWithinPolicy(policy: RetrievalPolicy, use: RetrievalUse, bytes: number): void {
  if (policy.strategy === 'FreeTier' && use.bytesToday + bytes > FREE_BYTES_PER_DAY) throw deniedError();
  if (policy.strategy !== 'BytesPerHour') return;
  if (BigInt(use.bytesInProgress + bytes) > policy.bytesPerHour * BigInt(NOMINAL_HOURS)) throw deniedError();
}

function deniedError(): Refusal {
  return new Refusal('over-policy', 'InitiateJob request denied by current data retrieval policy.');
}

/** `Policy` of SetDataRetrievalPolicy: exactly one rule. Large numbers come as bigint. @throws Refusal. */
export function parseRetrievalPolicy(raw: unknown): RetrievalPolicy {
  if (raw === undefined || raw === null) throw missingParameter('Policy');
  const rules = (raw as { Rules?: unknown }).Rules;
  if (rules === undefined || rules === null) throw missingParameter('Rules');
  if (!Array.isArray(rules) || rules.length !== 1 || typeof rules[0] !== 'object' || rules[0] === null) {
    throw invalidParameter('Invalid Rules: a data retrieval policy has exactly one rule.');
  }
  return parseRule(rules[0] as { Strategy?: unknown; BytesPerHour?: unknown });
}

function parseRule({
  Strategy,
  BytesPerHour,
}: {
  Strategy?: unknown;
  BytesPerHour?: unknown;
}): RetrievalPolicy {
  if (Strategy === undefined || Strategy === null) throw missingParameter('Strategy');
  if (Strategy === 'BytesPerHour') return { strategy: 'BytesPerHour', bytesPerHour: parseRate(BytesPerHour) };
  if (Strategy !== 'None' && Strategy !== 'FreeTier') {
    throw invalidParameter(
      `Invalid Strategy: ${quote(Strategy)}. It must be BytesPerHour, FreeTier or None.`,
    );
  }
  if (BytesPerHour === undefined || BytesPerHour === null) return { strategy: Strategy };
  throw invalidParameter(
    `Invalid BytesPerHour: ${quote(BytesPerHour)}. The strategy ${Strategy} takes none.`,
  );
}

function parseRate(raw: unknown): bigint {
  if (raw === undefined || raw === null) throw missingParameter('BytesPerHour');
  const rate =
    typeof raw === 'bigint' || (typeof raw === 'number' && Number.isInteger(raw)) ? BigInt(raw) : 0n;
  if (rate >= 1n && rate <= MAX_BYTES_PER_HOUR) return rate;
  throw invalidParameter(
    `Invalid BytesPerHour: ${quote(raw)}. It must be a whole number, without quotes, from 1 to ${MAX_BYTES_PER_HOUR}.`,
  );
}
