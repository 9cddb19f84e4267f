import { missingParameter } from '../../domain/errors.ts';
import { member } from '../fields.ts';
import { operation } from '../operation.ts';
import { parseEvents, parseTopic } from './notification-members.ts';

export const setVaultNotifications = operation({
  name: 'SetVaultNotifications',
  method: 'PUT',
  path: '/{accountId}/vaults/{vaultName}/notification-configuration',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'json',
  success: 204,
  fields: { topic: member('SNSTopic', requireTopic), events: member('Events', parseEvents) },
  errors: ['ResourceNotFoundException'],
  // Replaces the configuration. As on the service, the topic's existence and permissions are not checked.
  async run({ vaultKey, vault, topic, events }, { catalog }) {
    const config = { topic: parseTopic(topic, vaultKey.region), events };
    await catalog.setNotificationConfig({ vaultNo: vault.no, config });
    return {};
  },
});

function requireTopic(raw: unknown): unknown {
  if (raw === undefined || raw === null || raw === '') throw missingParameter('SNSTopic');
  return raw;
}
