/** The view of a lock policy that the checks share, and their common questions. */
import { coversAction } from './action-set.ts';
import { AGE_KEY, type GlacierAction, TAG_KEY_PREFIX } from './actions.ts';
import type { Caller } from './caller.ts';
import type { Condition } from './condition.ts';
import { isSupplied } from './condition-keys.ts';
import { parseInstant } from './instant.ts';
import type { Policy } from './policy.ts';
import { reachOf } from './principal-set.ts';
import { contextOf } from './request-context.ts';
import type { Statement } from './statement.ts';

/** A lock policy on the vault that it is for. */
export interface LockView {
  readonly policy: Policy;
  readonly vaultArn: string;
  /** The present, ms since the epoch: a condition that held only earlier can never hold again. */
  readonly nowMs: number;
  /** Root of the account that owns the vault. */
  readonly root: Caller;
  /** A user of that account whom no policy mentions. */
  readonly user: Caller;
}

/** The gravity: a mistake that cannot be undone, a likely mistake, something to know. */
export type Severity = 'danger' | 'warning' | 'note';

/** One remark on a lock policy. */
export interface LockWarning {
  /** Stable name of the check, for scripts. */
  readonly code: string;
  readonly severity: Severity;
  /** The statement as messages name it; undefined when the remark is on the policy as a whole. */
  readonly statement: string | undefined;
  readonly message: string;
}

/** An age that no archive reaches in practice: what is denied then is denied for ever. */
const FAR_AGE_DAYS = 36_525;
/** Latest date that the checks try; dates after the year 9999 have another form. */
const END_OF_TIME = Date.UTC(9999, 0);
const TIME_KEYS: readonly string[] = ['aws:currenttime', 'aws:epochtime'];

/** Condition values of a request in the far future. */
export const FAR_FUTURE = contextOf({
  [AGE_KEY]: String(FAR_AGE_DAYS),
  'aws:CurrentTime': '9000-01-01T00:00:00Z',
  'aws:EpochTime': '221845392000',
});

export const NO_VALUES = contextOf({});

/** Makes the view. @param accountId owner of the vault. @param nowMs the present, ms since the epoch. */
export function viewOf(policy: Policy, accountId: string, vaultArn: string, nowMs: number): LockView {
  return {
    policy,
    vaultArn,
    nowMs,
    root: { kind: 'root', arn: `arn:aws:iam::${accountId}:root`, accountId },
    user: {
      kind: 'user',
      arn: `arn:aws:iam::${accountId}:user/(somebody)`,
      accountId,
      userName: '(somebody)',
    },
  };
}

/** A remark on one statement. */
export function remark(severity: Severity, code: string, statement: Statement, message: string): LockWarning {
  return { code, severity, statement: statement.label, message: `Statement ${statement.label} ${message}` };
}

/** The statements that deny, in order. */
export function denyStatements({ policy }: LockView): readonly Statement[] {
  return policy.statements.filter(({ effect }) => effect === 'Deny');
}

/** The statements that can ever deny a request for the action. */
export function effectiveDenyStatements(view: LockView, action: GlacierAction): readonly Statement[] {
  return denyStatements(view).filter(
    (statement) => coversAction(statement, action) && whyNever(statement, view.nowMs) === undefined,
  );
}

/** Why a statement can never apply from `nowMs` on; undefined when it can. */
export function whyNever({ principals, conditions }: Statement, nowMs: number): string | undefined {
  const nobody = principals?.not ? principals.identities.includes('*') : principals?.identities.length === 0;
  if (nobody) return 'none of its principals can sign a request to this server';
  const never = conditions.find((condition) => !canHold(condition, nowMs));
  if (never === undefined) return undefined;
  const what = `${never.operator} on ${never.name}`;
  return TIME_KEYS.includes(never.key)
    ? `${what} can never be met again, its time is past`
    : `${what} can never be met here`;
}

function canHold(condition: Condition, nowMs: number): boolean {
  const { key, base, values } = condition;
  if (!isSupplied(key)) return condition.holds(NO_VALUES);
  if (key === AGE_KEY)
    return agesAround([condition]).some((age) => condition.holds(contextOf({ [AGE_KEY]: String(age) })));
  if (!TIME_KEYS.includes(key) || !/^(?:Date|Numeric)/.test(base)) return true;
  return (
    timesAround(values, nowMs).some((ms) => condition.holds(contextOf(timeValues(ms)))) ||
    condition.holds(FAR_FUTURE)
  );
}

/** Times from now on at which the result of conditions with these values may change, ms since the epoch. */
function timesAround(values: readonly string[], nowMs: number): readonly number[] {
  const given = values.flatMap((value) => parseInstant(value) ?? []);
  return [
    nowMs,
    ...given.flatMap((ms) => [ms - 1000, ms, ms + 1000]).filter((ms) => ms > nowMs && ms < END_OF_TIME),
  ];
}

function timeValues(ms: number): Record<string, string> {
  return { 'aws:CurrentTime': new Date(ms).toISOString(), 'aws:EpochTime': String(Math.floor(ms / 1000)) };
}

/** Ages at which the result of numeric conditions may change, with zero and a very great one. */
export function agesAround(conditions: readonly Condition[]): readonly number[] {
  const limits = conditions
    .filter(({ key }) => key === AGE_KEY)
    .flatMap(({ values }) => values.map(Number).filter((value) => value >= 0 && value < FAR_AGE_DAYS));
  return [0, ...limits.flatMap((limit) => [Math.max(0, limit - 1), limit, limit + 1]), FAR_AGE_DAYS];
}

/** Whether the statement binds the caller at all. */
export function binds({ principals }: Statement, caller: Caller): boolean {
  return principals !== undefined && reachOf(principals, caller) !== 'none';
}

/** Whether the condition is about the vault's tags. */
export function isOnTag({ key }: Condition): boolean {
  return key.startsWith(TAG_KEY_PREFIX);
}

/** Whether the condition is about time: the archive's age, or the clock. */
export function isOnTime({ key }: Condition): boolean {
  return key === AGE_KEY || TIME_KEYS.includes(key);
}
