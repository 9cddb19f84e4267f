/** Checks of single statements: wordings that mean something else than they seem to. */
import { coversAction } from './action-set.ts';
import { AGE_KEY, carriesKey, VAULT_ACTIONS } from './actions.ts';
import { accountIdentity } from './caller.ts';
import type { Condition } from './condition.ts';
import {
  binds,
  denies,
  effectiveDenies,
  isOnTag,
  type LockView,
  type LockWarning,
  NO_FACTS,
  remark,
} from './lock-view.ts';
import type { Statement } from './statement.ts';

/** `NotAction`, `NotPrincipal` and `NotResource` in a Deny reach further, or less far, than they read. */
export function notForms(view: LockView): readonly LockWarning[] {
  return denies(view).flatMap((statement) => [...notAction(statement), ...notPrincipal(statement)]);
}

function notAction(statement: Statement): readonly LockWarning[] {
  if (!statement.actions.not) return [];
  const hit = VAULT_ACTIONS.filter((action) => coversAction(statement.actions, action));
  const message = `denies with NotAction: that is every action but those it names, ${hit.length} of them (${someOf(hit)}).`;
  return [remark('warning', 'not-action', statement, message)];
}

function notPrincipal(statement: Statement): readonly LockWarning[] {
  if (!statement.principals?.not) return [];
  const { identities } = statement.principals;
  const incomplete = identities.filter((name) => {
    const account = /^arn:(?:iam|sts)::(\d{12}):/.exec(name)?.[1];
    return account !== undefined && !identities.includes(accountIdentity(account));
  });
  const spared = `spares ${someOf(identities)} by NotPrincipal: for them it locks nothing.`;
  const missing = `names ${someOf(incomplete)} in NotPrincipal without the ARN of the account, so they are denied too.`;
  return incomplete.length > 0
    ? [remark('warning', 'not-principal-without-account', statement, missing)]
    : [remark('warning', 'not-principal', statement, spared)];
}

/** Conditions on the age or a tag, for actions whose requests carry neither. */
export function keysNotCarried(view: LockView): readonly LockWarning[] {
  return denies(view).flatMap((statement) =>
    statement.conditions.flatMap((condition) => {
      const without = VAULT_ACTIONS.filter(
        (action) => coversAction(statement.actions, action) && !carriesKey(action, condition.key),
      );
      if (without.length === 0 || condition.base === 'Null') return [];
      const effect = condition.holds(NO_FACTS)
        ? 'so that they are always denied'
        : 'so that they are never denied';
      const message = `has a condition on ${condition.key}, which requests for ${someOf(without)} do not carry, ${effect} by it.`;
      return [remark('warning', 'key-not-carried', statement, message)];
    }),
  );
}

/** Denials that hang on a tag of the vault: what a missing tag means, and who can change it. */
export function tags(view: LockView): readonly LockWarning[] {
  const onTags = denies(view).flatMap((statement) =>
    statement.conditions.filter(isOnTag).map((condition) => ({ statement, condition })),
  );
  const [first] = onTags;
  if (first === undefined) return [];
  const missing = onTags.flatMap(({ statement, condition }) => missingTag(statement, condition));
  return [...missing, whoChangesTags(view, first.statement)];
}

function missingTag(statement: Statement, condition: Condition): readonly LockWarning[] {
  if (condition.base === 'Null') return [];
  if (condition.holds(NO_FACTS)) {
    const message = `also applies while the vault has no tag ${tagOf(condition)}: ${condition.operator} holds for a missing key.`;
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

function whoChangesTags(view: LockView, statement: Statement): LockWarning {
  const guards = [
    ...effectiveDenies(view, 'AddTagsToVault'),
    ...effectiveDenies(view, 'RemoveTagsFromVault'),
  ].filter((guard) => binds(guard, view.root));
  if (guards.some(({ conditions }) => conditions.length === 0)) {
    const message =
      'hangs on a tag that the policy lets nobody change: what holds when it is locked holds for ever.';
    return remark('warning', 'tag-frozen', statement, message);
  }
  const message =
    'hangs on a tag that whoever may tag the vault can change, unless the policy denies AddTagsToVault and RemoveTagsFromVault.';
  return remark('note', 'tag-can-change', statement, message);
}

/** An age compared as text: "1000" comes before "365". */
export function ageAsText(view: LockView): readonly LockWarning[] {
  return view.policy.statements
    .filter(({ conditions }) =>
      conditions.some(({ key, base }) => key === AGE_KEY && !/^Numeric|^Null$/.test(base)),
    )
    .map((statement) =>
      remark(
        'warning',
        'age-not-numeric',
        statement,
        'compares the age otherwise than as a number: use a Numeric operator.',
      ),
    );
}

/** Requests signed with a long-term key do not say whether there was a second factor. */
export function secondFactor(view: LockView): readonly LockWarning[] {
  const isPlain = ({ key, base, values, ifExists }: Condition): boolean =>
    key === 'aws:multifactorauthpresent' &&
    base === 'Bool' &&
    !ifExists &&
    values.some((v) => /^false$/i.test(v));
  return denies(view)
    .filter(({ conditions }) => conditions.some(isPlain))
    .map((statement) =>
      remark(
        'warning',
        'second-factor-missing',
        statement,
        'does not apply to long-term keys, whose requests have no aws:MultiFactorAuthPresent: use BoolIfExists.',
      ),
    );
}

function someOf(names: readonly string[]): string {
  const some = names.slice(0, 4).join(', ');
  return names.length > 4 ? `${some}, …` : some;
}
