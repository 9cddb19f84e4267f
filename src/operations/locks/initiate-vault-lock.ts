import { invalidParameter } from '../../domain/errors.ts';
import { checkLockPolicy } from '../../domain/policy/lock-check.ts';
import { type Policy, parsePolicy } from '../../domain/policy/policy.ts';
import { PolicyError } from '../../domain/policy/policy-error.ts';
import { vaultArn } from '../../domain/vault.ts';
import { requirePolicyText } from '../access/policy-text.ts';
import { member } from '../fields.ts';
import { operation } from '../operation.ts';
import { hashLockId } from './lock-id.ts';
import { warningHeader } from './warning-header.ts';

export const initiateVaultLock = operation({
  name: 'InitiateVaultLock',
  method: 'POST',
  path: '/{accountId}/vaults/{vaultName}/lock-policy',
  account: 'own-only',
  vault: 'must-exist',
  body: 'json',
  success: 201,
  fields: { policy: member('Policy', requirePolicyText) },
  errors: ['ResourceNotFoundException'],
  // The lock is in force at once, for a trial of 24 hours. Only this reply shows the lock's id.
  async run({ vaultKey, vault, policy }, { catalog, clock, ids }) {
    const arn = vaultArn(vaultKey);
    const parsed = parseLockPolicy(policy, arn);
    const lockId = ids.shortId();
    await catalog.initiateVaultLock({
      vaultNo: vault.no,
      policy,
      lockIdHash: hashLockId(lockId),
      nowMs: clock.now(),
    });
    const found = checkLockPolicy(parsed, vaultKey.account, arn, clock.now());
    const warnings = found.map(({ message }) => message);
    return { headers: { 'x-amz-lock-id': lockId, ...warningHeader(found) }, warnings };
  },
});

/** @throws 400: the service's text, then the faulty statement and its fault. */
function parseLockPolicy(policy: string, arn: string): Policy {
  try {
    return parsePolicy(policy, 'vault-lock', { vaultArn: arn });
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw invalidParameter(
      `The specified vault lock policy is invalid. Provide a valid policy. ${error.message}`,
    );
  }
}
