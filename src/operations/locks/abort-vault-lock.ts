import { policyVersionOf } from '../../domain/vault.ts';
import { operation } from '../operation.ts';

export const abortVaultLock = operation({
  name: 'AbortVaultLock',
  method: 'DELETE',
  path: '/{accountId}/vaults/{vaultName}/lock-policy',
  account: 'own-only',
  vault: 'must-exist',
  body: 'none',
  success: 204,
  fields: {},
  errors: ['ResourceNotFoundException'],
  // Succeeds even when there is no lock.
  async run({ vault }, { catalog, clock }) {
    await catalog.abortVaultLock({
      vaultNo: vault.no,
      nowMs: clock.now(),
      policyVersion: policyVersionOf(vault),
    });
    return {};
  },
});
