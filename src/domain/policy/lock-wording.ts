/** Checks of single statements for wordings that do not mean what they seem to. */
import { coversAction, withoutEffectOnVaults } from './action-set.ts';
import { AGE_KEY, carriesKey, VAULT_ACTIONS } from './actions.ts';
import { accountIdentity } from './caller.ts';
import type { Condition } from './condition.ts';
import {
  binds,
  denyStatements,
  effectiveDenyStatements,
  isOnTag,
  type LockView,
  type LockWarning,
  NO_VALUES,
  remark,
} from './lock-view.ts';
import type { Statement } from './statement.ts';

/** Reports `NotAction`, `NotPrincipal` and `NotResource` in a Deny, which cover more, or less, than they seem to. */
export function checkNotElements(view: LockView): readonly LockWarning[] {
  return denyStatements(view).flatMap((statement) => [
    ...warnOfNotAction(statement),
    ...warnOfNotPrincipal(statement),
  ]);
}

function warnOfNotAction(statement: Statement): readonly LockWarning[] {
  if (!statement.actions.not) return [];
  const hit = VAULT_ACTIONS.filter((action) => coversAction(statement, action));
  const message = `uses NotAction, so it denies every action except those it names: ${hit.length} actions (${someOf(hit)}).`;
  return [remark('warning', 'not-action', statement, message)];
}

function warnOfNotPrincipal(statement: Statement): readonly LockWarning[] {
  if (!statement.principals?.not) return [];
  const { identities } = statement.principals;
  const incomplete = identities.filter((name) => {
    const account = /^arn:(?:iam|sts)::(\d{12}):/.exec(name)?.[1];
    return account !== undefined && !identities.includes(accountIdentity(account));
  });
  const spared = `exempts ${someOf(identities)} by NotPrincipal, so it denies nothing to them.`;
  const missing = `names ${someOf(incomplete)} in NotPrincipal without the ARN of the account, so it denies the actions to them too.`;
  return incomplete.length > 0
    ? [remark('warning', 'not-principal-without-account', statement, missing)]
    : [remark('warning', 'not-principal', statement, spared)];
}

/** Reports actions on the account, which the service accepts in a vault policy but never evaluates there. */
export function checkAccountActions({ policy }: LockView): readonly LockWarning[] {
  return policy.statements.flatMap((statement) => {
    const patterns = withoutEffectOnVaults(statement.actions);
    if (patterns.length === 0) return [];
    const message = `names ${someOf(patterns)}: only identity policies decide actions on the account, so this has no effect here.`;
    return [remark('note', 'account-action', statement, message)];
  });
}

/** Reports conditions on the age or a tag for actions whose requests carry neither. */
export function checkKeysNotCarried(view: LockView): readonly LockWarning[] {
  return denyStatements(view).flatMap((statement) =>
    statement.conditions.flatMap((condition) => {
      const without = VAULT_ACTIONS.filter(
        (action) => coversAction(statement, action) && !carriesKey(action, condition.key),
      );
      if (without.length === 0 || condition.base === 'Null') return [];
      const effect = condition.holds(NO_VALUES) ? 'so it always denies them' : 'so it never denies them';
      const message = `has a condition on ${condition.name}, which requests for ${someOf(without)} do not carry, ${effect}.`;
      return [remark('warning', 'key-not-carried', statement, message)];
    }),
  );
}

/** Reports denials that depend on a vault's tag: what a missing tag means, and who may change it. */
export function checkTags(view: LockView): readonly LockWarning[] {
  const onTags = denyStatements(view).flatMap((statement) =>
    statement.conditions.filter(isOnTag).map((condition) => ({ statement, condition })),
  );
  const [first] = onTags;
  if (first === undefined) return [];
  const missing = onTags.flatMap(({ statement, condition }) => warnOfMissingTag(statement, condition));
  return [...missing, warnOfTagWriters(view, first.statement)];
}

function warnOfMissingTag(statement: Statement, condition: Condition): readonly LockWarning[] {
  if (condition.base === 'Null') return [];
  if (condition.holds(NO_VALUES)) {
    const message = `also applies while the vault has no tag ${tagOf(condition)}, because ${condition.operator} matches a missing key.`;
    return [remark('warning', 'missing-tag-denied', statement, message)];
  }
  const empty = condition.values.includes('')
    ? ' The empty value means a tag with an empty value, not a missing tag.'
    : '';
  const message = `does not apply while the vault has no tag ${tagOf(condition)}.${empty}`;
  return [remark('note', 'missing-tag-not-denied', statement, message)];
}

function tagOf({ name }: Condition): string {
  return name.slice(name.indexOf('/') + 1);
}

function warnOfTagWriters(view: LockView, statement: Statement): LockWarning {
  const guards = [
    ...effectiveDenyStatements(view, 'AddTagsToVault'),
    ...effectiveDenyStatements(view, 'RemoveTagsFromVault'),
  ].filter((guard) => binds(guard, view.root));
  if (guards.some(({ conditions }) => conditions.length === 0)) {
    const message =
      'depends on a tag that no caller may change under this policy. Its value at the time of locking is permanent.';
    return remark('warning', 'tag-frozen', statement, message);
  }
  const message =
    'depends on a tag that everyone with permission to tag the vault can change. Deny AddTagsToVault and RemoveTagsFromVault to prevent that.';
  return remark('note', 'tag-can-change', statement, message);
}

/** Reports an age compared as text: "1000" comes before "365". */
export function checkAgeAsText(view: LockView): readonly LockWarning[] {
  return view.policy.statements
    .filter(({ conditions }) =>
      conditions.some(({ key, base }) => key === AGE_KEY && !/^Numeric|^Null$/.test(base)),
    )
    .map((statement) =>
      remark(
        'warning',
        'age-not-numeric',
        statement,
        'does not compare the age as a number. Use a Numeric operator.',
      ),
    );
}

/** Reports conditions on a second factor that requests signed with a long-term key do not carry. */
export function checkSecondFactor(view: LockView): readonly LockWarning[] {
  const isPlain = ({ key, base, values, ifExists }: Condition): boolean =>
    key === 'aws:multifactorauthpresent' &&
    base === 'Bool' &&
    !ifExists &&
    values.some((v) => /^false$/i.test(v));
  return denyStatements(view)
    .filter(({ conditions }) => conditions.some(isPlain))
    .map((statement) =>
      remark(
        'warning',
        'second-factor-missing',
        statement,
        'does not apply to long-term keys, whose requests have no aws:MultiFactorAuthPresent. Use BoolIfExists.',
      ),
    );
}

function someOf(names: readonly string[]): string {
  const some = names.slice(0, 4).join(', ');
  return names.length > 4 ? `${some}, …` : some;
}
