import { coversAction } from './action-set.ts';
import { AGE_KEY, carriesKey, isAccountAction } from './actions.ts';
import { type Caller, callerKey, isCallerKey } from './caller.ts';
import { allHold, type Condition } from './condition.ts';
import { type Action, extensionNamed } from './extension-actions.ts';
import type { Policy, PolicyKind } from './policy.ts';
import { type Reach, reachOf } from './principal-set.ts';
import type { RequestContext } from './request-context.ts';
import { coversResource } from './resource-set.ts';
import type { Statement } from './statement.ts';

/** A request to decide on: the caller, the action, the resource and the condition values. */
export interface AccessRequest {
  readonly principal: Caller;
  readonly action: Action;
  /** ARN; `*` for actions on provisioned capacity, which has none. */
  readonly resource: string;
  /** The account that owns the resource. */
  readonly resourceAccountId: string;
  /** Condition values of the request and the vault; those of the caller come from `principal`. */
  readonly context: RequestContext;
  /**
   * For a request about many archives: what a Deny with a condition on the archive does to the request as a whole. It
   * applies (`applies`), or not, because each archive is decided by itself (`waits`). Undefined for a decision on one
   * archive or none.
   */
  readonly denyOnArchive?: 'applies' | 'waits' | undefined;
}

/** The policies in force. A lock policy is in force from the moment it is initiated. */
export interface PolicySet {
  /** The caller's; root has none. */
  readonly identity: readonly Policy[];
  readonly vaultAccess?: Policy | undefined;
  readonly vaultLock?: Policy | undefined;
}

export type Reason =
  | 'explicit-deny'
  | 'implicit-deny'
  | 'allowed-by-identity'
  | 'allowed-by-resource'
  | 'root';

/** The decision and its reason. */
export interface Decision {
  readonly allowed: boolean;
  readonly reason: Reason;
  /** The statement that allowed or denied; undefined for `implicit-deny` and `root`. */
  readonly statement?: Statement;
  /** The kind of the statement's policy; for `implicit-deny`, the kind that lacks an Allow. */
  readonly policyKind?: PolicyKind;
}

/** The owner's root may always do these; otherwise a bad access policy could make a vault permanently inaccessible. */
const ACCESS_POLICY_ACTIONS: readonly Action[] = [
  'DeleteVaultAccessPolicy',
  'GetVaultAccessPolicy',
  'SetVaultAccessPolicy',
];

/** A statement that applies to the request, with its policy. */
interface Ruling {
  readonly statement: Statement;
  readonly policyKind: PolicyKind;
  readonly reach: Reach;
}

/**
 * Decides as IAM does (IAM guide, "Policy evaluation logic"): an explicit Deny of any policy wins; within one
 * account an Allow of either side suffices, and root needs none; across accounts both sides must allow. An extension is
 * also denied by a Deny of what it amounts to, which is evaluated as if that had been requested.
 */
export function authorize(request: AccessRequest, policies: PolicySet): Decision {
  const rulings = rulingsOn(request, policies);
  const deny = rulings.find((ruling) => ruling.statement.effect === 'Deny' && !isForgiven(ruling, request));
  if (deny !== undefined) return decision(false, 'explicit-deny', deny);
  const allows = rulings.filter(({ statement }) => statement.effect === 'Allow');
  const own = allows.find(({ policyKind }) => policyKind === 'identity');
  const granted = allows.filter(({ policyKind }) => policyKind !== 'identity');
  return isOwnersRequest(request)
    ? withinAccount(request, own, granted)
    : acrossAccounts(request, own, granted);
}

function isOwnersRequest({ principal, resourceAccountId }: AccessRequest): boolean {
  return principal.accountId === resourceAccountId;
}

/**
 * A grant to an account as a whole leaves the decision to that account's own policies (IAM guide, "Principal"), so it
 * does not help a user of the account whom no identity policy allows.
 */
function withinAccount(
  { principal }: AccessRequest,
  own: Ruling | undefined,
  granted: readonly Ruling[],
): Decision {
  if (principal.kind === 'root') return { allowed: true, reason: 'root' };
  if (own !== undefined) return decision(true, 'allowed-by-identity', own);
  const grant = granted.find(({ reach }) => reach === 'direct');
  return grant === undefined ? wanting('identity') : decision(true, 'allowed-by-resource', grant);
}

/** Root of the other account counts as allowed on its own side. */
function acrossAccounts(
  { principal }: AccessRequest,
  own: Ruling | undefined,
  granted: readonly Ruling[],
): Decision {
  if (own === undefined && principal.kind !== 'root') return wanting('identity');
  const [grant] = granted;
  return grant === undefined ? wanting('vault-access') : decision(true, 'allowed-by-resource', grant);
}

function decision(allowed: boolean, reason: Reason, { statement, policyKind }: Ruling): Decision {
  return { allowed, reason, statement, policyKind };
}

function wanting(policyKind: PolicyKind): Decision {
  return { allowed: false, reason: 'implicit-deny', policyKind };
}

function isForgiven({ policyKind }: Ruling, request: AccessRequest): boolean {
  return (
    policyKind === 'vault-access' &&
    request.principal.kind === 'root' &&
    isOwnersRequest(request) &&
    ACCESS_POLICY_ACTIONS.includes(request.action)
  );
}

/** The lock comes first: when several policies deny, it is the one to report. */
function rulingsOn(
  request: AccessRequest,
  { identity, vaultAccess, vaultLock }: PolicySet,
): readonly Ruling[] {
  const onVault = isAccountAction(request.action) ? [] : [vaultLock, vaultAccess];
  const context = contextOfRequest(request);
  const amountsTo = extensionNamed(request.action)?.amountsTo ?? [];
  const further = amountsTo.map((action) => {
    const asked = { ...request, action };
    return { asked, context: contextOfRequest(asked) };
  });
  return [...onVault, ...identity].flatMap((policy) =>
    policy === undefined
      ? []
      : [
          ...rulingsOf(policy, request, context),
          ...further.flatMap((one) => denialsOf(rulingsOf(policy, one.asked, one.context))),
        ],
  );
}

function denialsOf(rulings: readonly Ruling[]): readonly Ruling[] {
  return rulings.filter(({ statement }) => statement.effect === 'Deny');
}

function rulingsOf(policy: Policy, request: AccessRequest, context: RequestContext): readonly Ruling[] {
  return policy.statements.flatMap((statement) => {
    const reach =
      statement.principals === undefined ? 'direct' : reachOf(statement.principals, request.principal);
    return reach !== 'none' && applies(statement, request, context)
      ? [{ statement, policyKind: policy.kind, reach }]
      : [];
  });
}

/** Conditions come last, because only they may need a look-up. */
function applies(statement: Statement, request: AccessRequest, context: RequestContext): boolean {
  const { effect, resources } = statement;
  return (
    coversAction(statement, request.action) &&
    coversResource(resources, request.resource, context, effect) &&
    conditionsHold(statement, request, context)
  );
}

function conditionsHold(
  { effect, conditions }: Statement,
  { denyOnArchive }: AccessRequest,
  context: RequestContext,
): boolean {
  if (denyOnArchive === undefined || effect === 'Allow') return allHold(conditions, context);
  const others = conditions.filter((condition) => !isOnArchive(condition));
  if (others.length < conditions.length && denyOnArchive === 'waits') return false;
  return allHold(others, context);
}

function isOnArchive({ key, variables }: Condition): boolean {
  return key === AGE_KEY || variables.includes(AGE_KEY);
}

/** The request's condition values without those that its action does not carry; the caller's own take precedence. */
function contextOfRequest({ principal, action, resourceAccountId, context }: AccessRequest): RequestContext {
  return {
    get(key) {
      if (!carriesKey(action, key)) return undefined;
      if (isCallerKey(key)) return callerKey(principal, key);
      return key === 'aws:resourceaccount' ? resourceAccountId : context.get(key);
    },
  };
}
