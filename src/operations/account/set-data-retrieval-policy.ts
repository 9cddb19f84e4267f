import { member } from '../fields.ts';
import { operation } from '../operation.ts';
import { parseRetrievalPolicy } from './retrieval-policy-member.ts';

export const setDataRetrievalPolicy = operation({
  name: 'SetDataRetrievalPolicy',
  method: 'PUT',
  path: '/{accountId}/policies/data-retrieval',
  account: 'own-only',
  vault: 'none',
  resource: 'retrieval-policy',
  body: 'json',
  success: 204,
  fields: { policy: member('Policy', parseRetrievalPolicy) },
  errors: [],
  // The policy is in force at once and does not affect jobs in progress.
  async run({ vaultKey, policy }, { catalog }) {
    await catalog.setRetrievalPolicy({ owner: vaultKey, policy });
    return {};
  },
});
