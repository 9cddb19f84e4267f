/** Checks of a lock policy's effect: whether it protects nothing, too little, the wrong archives, or permanently. */
import { coversAction } from './action-set.ts';
import { AGE_KEY, VAULT_ACTIONS } from './actions.ts';
import { allHold } from './condition.ts';
import {
  binds,
  denyStatements,
  effectiveDenyStatements,
  FAR_FUTURE,
  isOnTime,
  type LockView,
  type LockWarning,
  remark,
  whyNever,
} from './lock-view.ts';
import { contextOf } from './request-context.ts';
import { simulateLock } from './simulate-lock.ts';
import type { Statement } from './statement.ts';

/** Reports a policy without a Deny that can ever apply, or without one on deletion. */
export function checkLocksNothing(view: LockView): readonly LockWarning[] {
  const all = denyStatements(view);
  const dead = all.flatMap((statement) => {
    const why = whyNever(statement, view.nowMs);
    return why === undefined ? [] : [remark('warning', 'never-applies', statement, `never applies: ${why}.`)];
  });
  if (dead.length === all.length) return [...dead, warnOfNothing(all.length > 0)];
  if (effectiveDenyStatements(view, 'DeleteArchive').length > 0) return dead;
  const message = 'No statement denies glacier:DeleteArchive: every archive can still be deleted.';
  return [...dead, { code: 'deletion-not-denied', severity: 'warning', statement: undefined, message }];
}

function warnOfNothing(hasDenies: boolean): LockWarning {
  const message = hasDenies
    ? 'The policy would lock nothing: none of its Deny statements can ever apply.'
    : 'The policy would lock nothing: it has no Deny statement. An Allow statement protects nothing.';
  return { code: 'locks-nothing', severity: 'danger', statement: undefined, message };
}

/** Reports denials that nothing ever lifts, and those that only something other than time lifts. */
export function checkLocksForEver(view: LockView): readonly LockWarning[] {
  return effectiveDenyStatements(view, 'DeleteArchive')
    .filter((statement) => binds(statement, view.root) && statement.principals?.not === false)
    .flatMap((statement) => {
      const other = statement.conditions.filter((condition) => !isOnTime(condition));
      if (other.length === 0)
        return allHold(statement.conditions, FAR_FUTURE) ? [warnOfForEver(statement)] : [];
      return other.length < statement.conditions.length ? [] : [warnOfUntilChanged(statement)];
    });
}

function warnOfForEver(statement: Statement): LockWarning {
  if (isFreeAtFirst(statement)) {
    return remark(
      'danger',
      'denies-old-archives',
      statement,
      'denies deletion of archives older than a limit, for ever, and leaves younger archives unprotected. To keep archives for a time, use Deny with NumericLessThan.',
    );
  }
  if (VAULT_ACTIONS.every((action) => coversAction(statement, action))) {
    const message = 'denies every action for ever, to root as well. Nobody could read the vault again.';
    return remark('danger', 'denies-everything', statement, message);
  }
  const message =
    'denies deletion for ever, to root as well. Nobody could ever delete its archives or the vault.';
  return remark('danger', 'denies-for-ever', statement, message);
}

/** Whether the condition on age lets new archives be deleted. */
function isFreeAtFirst({ conditions }: Statement): boolean {
  const onAge = conditions.filter(({ key }) => key === AGE_KEY);
  return !allHold(onAge, contextOf({ [AGE_KEY]: '0' }));
}

function warnOfUntilChanged(statement: Statement): LockWarning {
  const keys = [...new Set(statement.conditions.map(({ name }) => name))].join(', ');
  const message = `denies deletion without regard to age or time. Only the value of ${keys} decides.`;
  return remark('note', 'no-time-limit', statement, message);
}

/** Reports a lock that binds some callers, but not those who could delete. */
export function checkLeavesOut(view: LockView): readonly LockWarning[] {
  const statements = effectiveDenyStatements(view, 'DeleteArchive');
  if (statements.length === 0) return [];
  const free = [
    { who: 'root of the owning account', caller: view.root, code: 'root-not-bound' },
    { who: 'the other users of the owning account', caller: view.user, code: 'users-not-bound' },
  ].filter(({ caller }) => !statements.some((statement) => binds(statement, caller)));
  return free.map(({ who, code }) => ({
    code,
    severity: 'warning',
    statement: undefined,
    message: `The policy does not deny glacier:DeleteArchive to ${who}. Use "Principal": "*" to deny it to everyone.`,
  }));
}

/** Reports an Allow from some age on where only a Deny up to that age would protect. */
export function checkAllowsInstead(view: LockView): readonly LockWarning[] {
  const young = contextOf({ [AGE_KEY]: '0' });
  const denied = effectiveDenyStatements(view, 'DeleteArchive').some(({ conditions }) =>
    allHold(conditions, young),
  );
  if (denied) return [];
  return view.policy.statements
    .filter((one) => one.effect === 'Allow' && coversAction(one, 'DeleteArchive'))
    .filter(isFreeAtFirst)
    .map((statement) =>
      remark(
        'danger',
        'allow-instead-of-deny',
        statement,
        'allows deletion of archives older than a limit, which does not deny deletion of younger ones. To keep younger archives, use Deny with NumericLessThan.',
      ),
    );
}

/** Reports a lock that forbids its own completion: it is in force while in progress. */
export function checkLocksOwnKeys(view: LockView): readonly LockWarning[] {
  const { policy, root, vaultArn } = view;
  const deniedBy = (action: (typeof VAULT_ACTIONS)[number]): Statement | undefined => {
    const decision = simulateLock(policy, { principal: root, action, vaultArn });
    return decision.reason === 'explicit-deny' ? decision.statement : undefined;
  };
  return OWN_KEYS.flatMap(({ action, severity, code, message }) => {
    const statement = deniedBy(action);
    return statement === undefined ? [] : [remark(severity, code, statement, message)];
  });
}

const OWN_KEYS = [
  {
    action: 'CompleteVaultLock',
    severity: 'danger',
    code: 'cannot-complete',
    message:
      'denies glacier:CompleteVaultLock to root, so the lock could not be completed and would expire after 24 hours.',
  },
  {
    action: 'AbortVaultLock',
    severity: 'note',
    code: 'cannot-abort',
    message:
      'denies glacier:AbortVaultLock to root. If you find a mistake, you must wait 24 hours until the lock expires.',
  },
  {
    action: 'SetVaultAccessPolicy',
    severity: 'warning',
    code: 'access-policy-frozen',
    message:
      'denies glacier:SetVaultAccessPolicy to root. Nobody could ever change the vault access policy again.',
  },
] as const;
