import { checkVainAllows } from './lock-contradiction.ts';
import {
  checkAllowsInstead,
  checkLeavesOut,
  checkLocksForEver,
  checkLocksNothing,
  checkLocksOwnKeys,
} from './lock-protection.ts';
import { type LockView, type LockWarning, type Severity, viewOf } from './lock-view.ts';
import {
  checkAccountActions,
  checkAgeAsText,
  checkKeysNotCarried,
  checkNotElements,
  checkSecondFactor,
  checkTags,
} from './lock-wording.ts';
import type { Policy } from './policy.ts';

const CHECKS: readonly ((view: LockView) => readonly LockWarning[])[] = [
  checkLocksNothing,
  checkAllowsInstead,
  checkLocksForEver,
  checkLocksOwnKeys,
  checkLeavesOut,
  checkVainAllows,
  checkNotElements,
  checkKeysNotCarried,
  checkAccountActions,
  checkTags,
  checkAgeAsText,
  checkSecondFactor,
];

const RANK: Readonly<Record<Severity, number>> = { danger: 0, warning: 1, note: 2 };

/**
 * Looks for what a lock policy does otherwise than its author probably means. A lock is for ever, so this is asked
 * before it is completed. Nothing found is no proof: use simulateLock for the cases that matter.
 * What cannot be a policy at all (no Principal, unknown actions, …) has been refused by parsePolicy before.
 * @param policy of the kind `vault-lock`.
 * @param accountId owner of the vault, 12 digits.
 * @param nowMs the present, ms since the epoch: a Deny until a date that is past protects nothing.
 * @returns the gravest first.
 */
export function checkLockPolicy(
  policy: Policy,
  accountId: string,
  vaultArn: string,
  nowMs: number,
): readonly LockWarning[] {
  const view = viewOf(policy, accountId, vaultArn, nowMs);
  return CHECKS.flatMap((check) => check(view)).sort((a, b) => RANK[a.severity] - RANK[b.severity]);
}

export type { LockWarning } from './lock-view.ts';
export { simulateLock } from './simulate-lock.ts';
