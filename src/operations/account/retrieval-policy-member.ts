import { invalidParameter, missingParameter, quote } from '../../domain/errors.ts';
import type { RetrievalPolicy } from '../../domain/retrieval-policy.ts';

const MAX_BYTES_PER_HOUR = 2n ** 63n - 1n;

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
