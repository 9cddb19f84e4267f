import { policyVersionOf } from '../../domain/vault.ts';
import { operation } from '../operation.ts';

export const deleteVaultAccessPolicy = operation({
  name: 'DeleteVaultAccessPolicy',
  method: 'DELETE',
  path: '/{accountId}/vaults/{vaultName}/access-policy',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'none',
  success: 204,
  fields: {},
  errors: ['ResourceNotFoundException'],
  // Succeeds even when no policy is set.
  async run({ vault }, { catalog }) {
    await catalog.setVaultAccessPolicy({
      vaultNo: vault.no,
      policy: null,
      policyVersion: policyVersionOf(vault),
    });
    return {};
  },
});
