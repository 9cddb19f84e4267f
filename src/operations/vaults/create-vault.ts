import { requireVaultName, VAULTS_PER_ACCOUNT } from '../../domain/vault.ts';
import { operation } from '../operation.ts';

export const createVault = operation({
  name: 'CreateVault',
  method: 'PUT',
  path: '/{accountId}/vaults/{vaultName}',
  account: 'own-only',
  vault: 'new',
  body: 'none',
  success: 201,
  fields: {},
  errors: ['LimitExceededException'],
  // Creating a vault that exists gives the same reply and changes nothing.
  async run({ vaultKey }, { catalog, clock }) {
    requireVaultName(vaultKey.name);
    await catalog.createVault({ key: vaultKey, nowMs: clock.now(), limit: VAULTS_PER_ACCOUNT });
    return { headers: { Location: `/${vaultKey.account}/vaults/${vaultKey.name}` } };
  },
});
