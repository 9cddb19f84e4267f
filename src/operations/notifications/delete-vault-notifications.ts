import { operation } from '../operation.ts';

export const deleteVaultNotifications = operation({
  name: 'DeleteVaultNotifications',
  method: 'DELETE',
  path: '/{accountId}/vaults/{vaultName}/notification-configuration',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'none',
  success: 204,
  fields: {},
  errors: ['ResourceNotFoundException'],
  // Succeeds even when no configuration is set.
  async run({ vault }, { catalog }) {
    await catalog.deleteNotificationConfig({ vaultNo: vault.no });
    return {};
  },
});
