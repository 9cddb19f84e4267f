import { member } from '../fields.ts';
import { operation } from '../operation.ts';
import { parseTagKeys } from './tag-members.ts';

export const removeTagsFromVault = operation({
  name: 'RemoveTagsFromVault',
  method: 'POST',
  path: '/{accountId}/vaults/{vaultName}/tags',
  query: { name: 'operation', value: 'remove' },
  account: 'own-only',
  vault: 'must-exist',
  body: 'json',
  success: 204,
  fields: { keys: member('TagKeys', parseTagKeys) },
  errors: ['ResourceNotFoundException'],
  // Keys that the vault does not have are ignored.
  async run({ vault, keys }, { catalog }) {
    await catalog.removeTags({ vaultNo: vault.no, keys });
    return {};
  },
});
