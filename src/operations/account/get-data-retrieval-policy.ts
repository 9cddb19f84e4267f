import { describeRetrievalPolicy } from '../../domain/retrieval-policy.ts';
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
    return { json: describeRetrievalPolicy(await catalog.retrievalPolicy(vaultKey)) };
  },
});
