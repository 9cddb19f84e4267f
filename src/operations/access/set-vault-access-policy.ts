import { invalidParameter } from '../../domain/errors.ts';
import { parsePolicy } from '../../domain/policy/policy.ts';
import { PolicyError } from '../../domain/policy/policy-error.ts';
import { policyVersionOf, vaultArn } from '../../domain/vault.ts';
import { member } from '../fields.ts';
import { operation } from '../operation.ts';
import { requirePolicyText } from './policy-text.ts';

export const setVaultAccessPolicy = operation({
  name: 'SetVaultAccessPolicy',
  method: 'PUT',
  path: '/{accountId}/vaults/{vaultName}/access-policy',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'json',
  success: 204,
  fields: { policy: member('Policy', requirePolicyText) },
  errors: ['ResourceNotFoundException'],
  // Replaces the policy. Its text is stored and returned unchanged.
  async run({ vaultKey, vault, policy }, { catalog }) {
    requireValid(policy, vaultArn(vaultKey));
    await catalog.setVaultAccessPolicy({ vaultNo: vault.no, policy, policyVersion: policyVersionOf(vault) });
    return {};
  },
});

function requireValid(policy: string, arn: string): void {
  try {
    parsePolicy(policy, 'vault-access', { vaultArn: arn });
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw invalidParameter(
      `The specified vault access policy is invalid. Provide a valid policy. ${error.message}`,
    );
  }
}
