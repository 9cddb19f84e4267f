import { notFound } from '../../domain/errors.ts';
import { operation } from '../operation.ts';

export const getVaultAccessPolicy = operation({
  name: 'GetVaultAccessPolicy',
  method: 'GET',
  path: '/{accountId}/vaults/{vaultName}/access-policy',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'none',
  success: 200,
  fields: {},
  errors: ['ResourceNotFoundException'],
  async run({ vault }) {
    const policy = vault.policies?.access ?? null;
    if (policy === null) throw notFound(`No vault access policy is set for: ${vault.name}`);
    return { json: { Policy: policy } };
  },
});
