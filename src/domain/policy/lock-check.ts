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
 * Finds likely mistakes in a lock policy. A complete lock cannot be changed, so check it before completing it. An empty
 * result is no proof: use simulateLock for the cases that matter. Invalid policies (no Principal, unknown actions, …) are
 * refused earlier, by parsePolicy.
 * @param policy of the kind `vault-lock`.
 * @param accountId owner of the vault, 12 digits.
 * @param nowMs the present, ms since the epoch: a Deny that ended before it protects nothing.
 * @returns remarks, the gravest first.
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
