import { describeVault as description } from '../../domain/vault.ts';
import { operation } from '../operation.ts';

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
  async run({ vault }, { settings }) {
    return { status: 200, json: description(vault, settings.inventoryMode) };
  },
});
