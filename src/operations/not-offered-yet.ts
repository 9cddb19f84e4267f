import type { Place } from './operation.ts';

/**
 * The operations of the API that are not built yet. They answer 400 `{Operation} is not offered yet`: never a
 * 5xx, which clients would retry. A line leaves this list when its file is written.
 */
export const NOT_OFFERED_YET: readonly Place[] = [
  place('SetVaultAccessPolicy', 'PUT', '/{accountId}/vaults/{vaultName}/access-policy'),
  place('GetVaultAccessPolicy', 'GET', '/{accountId}/vaults/{vaultName}/access-policy'),
  place('DeleteVaultAccessPolicy', 'DELETE', '/{accountId}/vaults/{vaultName}/access-policy'),
  place('InitiateVaultLock', 'POST', '/{accountId}/vaults/{vaultName}/lock-policy', 'own-only'),
  place('GetVaultLock', 'GET', '/{accountId}/vaults/{vaultName}/lock-policy'),
  place('AbortVaultLock', 'DELETE', '/{accountId}/vaults/{vaultName}/lock-policy', 'own-only'),
  place('CompleteVaultLock', 'POST', '/{accountId}/vaults/{vaultName}/lock-policy/{lockId}', 'own-only'),
];

function place(
  name: string,
  method: Place['method'],
  path: string,
  account: Place['account'] = 'may-be-other',
): Place {
  return { name, method, path, account };
}
