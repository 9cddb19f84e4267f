import type { RetrievalPolicy } from '../../domain/retrieval-policy.ts';
import { operation } from '../operation.ts';

export const getDataRetrievalPolicy = operation({
  name: 'GetDataRetrievalPolicy',
  method: 'GET',
  path: '/{accountId}/policies/data-retrieval',
  account: 'own-only',
  vault: 'none',
  resource: 'retrieval-policy',
  body: 'none',
  success: 200,
  fields: {},
  errors: [],
  async run({ vaultKey }, { catalog }) {
    return { json: { Policy: { Rules: [describeRule(await catalog.retrievalPolicy(vaultKey))] } } };
  },
});

/** A rate beyond 2^53 keeps all its digits. */
function describeRule(policy: RetrievalPolicy): Record<string, unknown> {
  if (policy.strategy !== 'BytesPerHour') return { Strategy: policy.strategy };
  return { BytesPerHour: rawNumber(policy.bytesPerHour), Strategy: policy.strategy };
}

/** Node 24 has JSON.rawJSON, TypeScript's library does not yet. */
function rawNumber(value: bigint): unknown {
  return (JSON as typeof JSON & { rawJSON(text: string): unknown }).rawJSON(String(value));
}
