import { operation } from '../operation.ts';

export const listTagsForVault = operation({
  name: 'ListTagsForVault',
  method: 'GET',
  path: '/{accountId}/vaults/{vaultName}/tags',
  account: 'own-only',
  vault: 'must-exist',
  body: 'none',
  success: 200,
  fields: {},
  errors: ['ResourceNotFoundException'],
  async run({ vault }, { catalog }) {
    return { json: { Tags: await catalog.tagsOf(vault.no) } };
  },
});
