import { member } from '../fields.ts';
import { operation } from '../operation.ts';
import { parseTags } from './tag-members.ts';

export const addTagsToVault = operation({
  name: 'AddTagsToVault',
  method: 'POST',
  path: '/{accountId}/vaults/{vaultName}/tags',
  query: { name: 'operation', value: 'add' },
  account: 'own-only',
  vault: 'must-exist',
  body: 'json',
  success: 204,
  fields: { tags: member('Tags', parseTags) },
  errors: ['ResourceNotFoundException', 'LimitExceededException'],
  async run({ vault, tags }, { catalog }) {
    await catalog.addTags({ vaultNo: vault.no, tags });
    return {};
  },
});
