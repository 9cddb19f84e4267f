import type { CapacityUnit } from '../../domain/capacity.ts';
import { toApiDate } from '../api-date.ts';
import { operation } from '../operation.ts';

/** How long an expired unit stays listed: the API guide's example shows one. */
const LISTED_AFTER_EXPIRY_MS = 31 * 24 * 3_600_000;

export const listProvisionedCapacity = operation({
  name: 'ListProvisionedCapacity',
  method: 'GET',
  path: '/{accountId}/provisioned-capacity',
  account: 'own-only',
  vault: 'none',
  resource: 'any',
  body: 'none',
  success: 200,
  fields: {},
  errors: [],
  async run({ vaultKey }, { catalog, clock }) {
    const units = await catalog.listCapacity(vaultKey, clock.now() - LISTED_AFTER_EXPIRY_MS);
    return { json: { ProvisionedCapacityList: units.map(describeUnit) } };
  },
});

function describeUnit({ id, startMs, expiresMs }: CapacityUnit): Record<string, string> {
  return { CapacityId: id, ExpirationDate: toApiDate(expiresMs), StartDate: toApiDate(startMs) };
}
