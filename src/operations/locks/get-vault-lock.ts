import { notFound } from '../../domain/errors.ts';
import { currentLock, LOCK_TRIAL_MS, type VaultLock } from '../../domain/vault-lock.ts';
import { toApiDate } from '../api-date.ts';
import { operation } from '../operation.ts';

export const getVaultLock = operation({
  name: 'GetVaultLock',
  method: 'GET',
  path: '/{accountId}/vaults/{vaultName}/lock-policy',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'none',
  success: 200,
  fields: {},
  errors: ['ResourceNotFoundException'],
  async run({ vault }, { clock }) {
    const lock = currentLock(vault.policies?.lock ?? null, clock.now());
    if (!lock) throw notFound(`No vault lock policy is set for: ${vault.name}`);
    return { json: describeLock(lock) };
  },
});

/** A completed lock has no expiration date. */
function describeLock({ state, policy, createdMs }: VaultLock): Record<string, string | null> {
  return {
    CreationDate: toApiDate(createdMs),
    ExpirationDate: state === 'Locked' ? null : toApiDate(createdMs + LOCK_TRIAL_MS),
    Policy: policy,
    State: state,
  };
}
