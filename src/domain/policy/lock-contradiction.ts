/** Finds an Allow that a Deny of the same policy always overrides: the policy denies what it means to allow. */
import { coversAction } from './action-set.ts';
import { AGE_KEY, carriesKey, type GlacierAction, TAG_KEY_PREFIX, VAULT_ACTIONS } from './actions.ts';
import type { Caller } from './caller.ts';
import { allHold } from './condition.ts';
import { agesAround, isOnTag, type LockView, type LockWarning, remark } from './lock-view.ts';
import { contextOf } from './request-context.ts';
import { conditionValuesOf, type LockQuestion, simulateLock } from './simulate-lock.ts';
import type { Statement } from './statement.ts';

/** Reports Allow statements of which every request built from the policy's own values is denied. */
export function checkVainAllows(view: LockView): readonly LockWarning[] {
  return view.policy.statements
    .filter((statement) => statement.effect === 'Allow' && isDefeated(view, statement))
    .map((statement) =>
      remark(
        'warning',
        'allow-in-vain',
        statement,
        'allows only actions that another statement of this policy denies.',
      ),
    );
}

function isDefeated(view: LockView, allow: Statement): boolean {
  const meant = questionsFor(view, allow).filter((question) =>
    allHold(allow.conditions, contextOf(conditionValuesOf(question))),
  );
  return (
    meant.length > 0 &&
    meant.every((question) => simulateLock(view.policy, question).reason === 'explicit-deny')
  );
}

function questionsFor(view: LockView, allow: Statement): readonly LockQuestion[] {
  const callers = (allow.principals?.identities ?? []).map((name) => callerNamed(name, view));
  const actions = VAULT_ACTIONS.filter((action) => coversAction(allow, action));
  const circumstances = circumstancesOf(view, allow);
  return callers.flatMap((principal) =>
    actions.flatMap((action) => circumstances.map((given) => ask(view, principal, action, given))),
  );
}

type Circumstances = Required<Pick<LockQuestion, 'ageInDays' | 'tags'>>;

function circumstancesOf({ policy }: LockView, allow: Statement): readonly Circumstances[] {
  const ages = agesAround(policy.statements.flatMap(({ conditions }) => conditions));
  return ages.flatMap((ageInDays) => [{}, tagsWantedBy(allow)].map((tags) => ({ ageInDays, tags })));
}

function ask(
  { vaultArn }: LockView,
  principal: Caller,
  action: GlacierAction,
  { ageInDays, tags }: Circumstances,
): LockQuestion {
  return {
    principal,
    action,
    vaultArn,
    ageInDays: carriesKey(action, AGE_KEY) ? ageInDays : undefined,
    tags: carriesKey(action, `${TAG_KEY_PREFIX}any`) ? tags : undefined,
  };
}

/** Tags that satisfy the Allow, as far as its values show. */
function tagsWantedBy({ conditions }: Statement): Record<string, string> {
  const wanted = conditions.filter((condition) => isOnTag(condition) && !condition.negated);
  return Object.fromEntries(
    wanted.map(({ key, values }) => [key.slice(TAG_KEY_PREFIX.length), values[0] ?? '']),
  );
}

/** A caller that the principal matches. @param name an identity without its partition, or `*`. */
function callerNamed(name: string, { user }: LockView): Caller {
  const [, accountId = '', resource = ''] = /^arn:(?:iam|sts)::(\d{12}):(.*)$/s.exec(name) ?? [];
  if (name === '*') return user;
  const arn = name.replace(/^arn:/, 'arn:aws:');
  if (resource === 'root') return { kind: 'root', arn, accountId };
  const isRole = resource.startsWith('role/');
  return isRole ? { kind: 'assumed-role', arn, accountId, roleArn: arn } : { kind: 'user', arn, accountId };
}
