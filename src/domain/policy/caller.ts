import type { ContextValue } from './request-context.ts';

/**
 * The signer of a request, as policies see it.
 * - `root`: the account itself, also through a session token issued to it;
 * - `user`: an IAM user with a long-term key;
 * - `temporary`: the same user with a session token; its ARN is still the user's;
 * - `assumed-role`: a session of a role.
 */
export interface Caller {
  readonly kind: 'root' | 'user' | 'temporary' | 'assumed-role';
  /** `arn:aws:iam::{account}:root`, `…:user/{path}{name}` or `arn:aws:sts::{account}:assumed-role/{role}/{session}`. */
  readonly arn: string;
  /** 12 digits. */
  readonly accountId: string;
  /** Name of a user, with or without a session token. */
  readonly userName?: string | undefined;
  /** The unique id (`AIDA…`, or `{role id}:{session}`); for root, the account id. */
  readonly userId?: string | undefined;
  /** The session's role, if it has a path, which the session's ARN does not show. */
  readonly roleArn?: string | undefined;
}

/** Condition keys that identify the caller. Their values never come from the request. */
const CALLER_KEYS: ReadonlySet<string> = new Set([
  'aws:principalaccount',
  'aws:principalarn',
  'aws:principaltype',
  'aws:userid',
  'aws:username',
]);

const TYPES = { root: 'Account', user: 'User', temporary: 'User', 'assumed-role': 'AssumedRole' } as const;

/**
 * All identities of a caller, from the widest: its account, its role, itself (root is its account). Without the
 * partition, which depends on the region of the request and not on the caller.
 */
export function identitiesOf(caller: Caller): readonly string[] {
  const names = [accountIdentity(caller.accountId), roleOf(caller), caller.arn];
  return [...new Set(names.filter((name) => name !== undefined).map(withoutPartition))];
}

/** `arn:aws-cn:iam::1:root` → `arn:iam::1:root`: the same identity in every partition. */
export function withoutPartition(arn: string): string {
  return arn.replace(/^arn:[a-z-]+:(iam|sts):/, 'arn:$1:');
}

/** The identity of an account as a whole. */
export function accountIdentity(accountId: string): string {
  return `arn:iam::${accountId}:root`;
}

/** Whether the key identifies the caller. @param key lower case. */
export function isCallerKey(key: string): boolean {
  return CALLER_KEYS.has(key);
}

/** Value of such a key (IAM guide, "Principal key values"); `aws:PrincipalArn` of a session is its role's ARN. */
export function callerKey(caller: Caller, key: string): ContextValue {
  const isUser = caller.kind === 'user' || caller.kind === 'temporary';
  if (key === 'aws:principalaccount') return caller.accountId;
  if (key === 'aws:principalarn') return roleOf(caller) ?? caller.arn;
  if (key === 'aws:principaltype') return TYPES[caller.kind];
  if (key === 'aws:userid') return caller.kind === 'root' ? caller.accountId : caller.userId;
  return isUser ? caller.userName : undefined;
}

function roleOf(caller: Caller): string | undefined {
  if (caller.kind !== 'assumed-role') return undefined;
  if (caller.roleArn !== undefined) return caller.roleArn;
  const [, partition, account, role] =
    /^arn:([^:]*):sts::([^:]*):assumed-role\/([^/]*)\//.exec(caller.arn) ?? [];
  return role === undefined ? undefined : `arn:${partition}:iam::${account}:role/${role}`;
}
