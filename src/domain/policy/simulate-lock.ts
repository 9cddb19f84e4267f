import { authorize, type Decision } from './authorize.ts';
import type { Caller } from './caller.ts';
import type { Action } from './extension-actions.ts';
import { type Policy, parsePolicy } from './policy.ts';
import { type ContextValue, contextOf } from './request-context.ts';

/** A question: may this caller do that to an archive of this age, in a vault with these tags? */
export interface LockQuestion {
  readonly principal: Caller;
  readonly action: Action;
  /** The locked vault; its account is the owner. */
  readonly vaultArn: string;
  /** Days since the archive was made; undefined for actions that are not on one archive. */
  readonly ageInDays?: number | undefined;
  /** The vault's tags. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Further condition values of the request: `aws:CurrentTime`, `aws:MultiFactorAuthPresent`, … */
  readonly conditionValues?: Readonly<Record<string, ContextValue>> | undefined;
  /** The vault access policy in addition to the lock. Without one, only the lock policy can admit other accounts. */
  readonly vaultAccess?: Policy | undefined;
}

/** Allows everything, so that a denial comes from the lock (or, across accounts, from a missing grant). */
const ALLOW_ALL = parsePolicy(
  '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}',
  'identity',
);

/**
 * Decides as the lock would for a caller whose own policies allow everything.
 * `explicit-deny` means that the lock (or the access policy, see `policyKind`) forbids it.
 */
export function simulateLock(policy: Policy, question: LockQuestion): Decision {
  const { principal, action, vaultArn, vaultAccess } = question;
  const request = {
    principal,
    action,
    resource: vaultArn,
    resourceAccountId: vaultArn.split(':')[4] ?? '',
    context: contextOf(conditionValuesOf(question)),
  };
  return authorize(request, { identity: [ALLOW_ALL], vaultAccess, vaultLock: policy });
}

/** The question as condition keys and their values. */
export function conditionValuesOf({
  ageInDays,
  tags = {},
  conditionValues = {},
}: LockQuestion): Record<string, ContextValue> {
  const named = Object.entries(tags).map(([key, value]) => [`glacier:ResourceTag/${key}`, value]);
  const age = ageInDays === undefined ? {} : { 'glacier:ArchiveAgeInDays': String(ageInDays) };
  return { ...conditionValues, ...Object.fromEntries(named), ...age };
}
