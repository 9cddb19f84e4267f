import { expiryOf } from '../../domain/capacity.ts';
import { operation } from '../operation.ts';

export const purchaseProvisionedCapacity = operation({
  name: 'PurchaseProvisionedCapacity',
  method: 'POST',
  path: '/{accountId}/provisioned-capacity',
  account: 'own-only',
  vault: 'none',
  resource: 'any',
  body: 'none',
  success: 201,
  fields: {},
  errors: ['LimitExceededException'],
  async run({ vaultKey }, { catalog, clock, ids }) {
    const nowMs = clock.now();
    const unit = { id: ids.shortId(), startMs: nowMs, expiresMs: expiryOf(nowMs) };
    await catalog.purchaseCapacity({ owner: vaultKey, unit, nowMs });
    return { headers: { 'x-amz-capacity-id': unit.id } };
  },
});
