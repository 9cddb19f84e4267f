import { vaultNotFound } from '../../domain/vault.ts';
import { operation } from '../operation.ts';
import { describeVault as description } from './vault-description.ts';

export const describeVault = operation({
  name: 'DescribeVault',
  method: 'GET',
  path: '/{accountId}/vaults/{vaultName}',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'none',
  success: 200,
  fields: {},
  errors: ['ResourceNotFoundException'],
  async run({ vaultKey }, { catalog, settings }) {
    const vault = await catalog.findVaultState(vaultKey);
    // The vault may have been deleted since authorization.
    if (!vault) throw vaultNotFound(vaultKey);
    return { json: description(vault, settings.inventoryMode) };
  },
});
