import { notFound } from '../../domain/errors.ts';
import { operation } from '../operation.ts';

export const getVaultNotifications = operation({
  name: 'GetVaultNotifications',
  method: 'GET',
  path: '/{accountId}/vaults/{vaultName}/notification-configuration',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'none',
  success: 200,
  fields: {},
  errors: ['ResourceNotFoundException'],
  async run({ vault }, { catalog }) {
    const config = await catalog.findNotificationConfig(vault.no);
    if (!config) throw notFound(`No notification configuration is set for vault: ${vault.name}`);
    return { json: { Events: config.events, SNSTopic: config.topic } };
  },
});
