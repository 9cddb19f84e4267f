import { accountIdentity, type Caller, identitiesOf, withoutPartition } from './caller.ts';
import { membersOf, quote, requireKnown, stringList } from './elements.ts';
import { PolicyError } from './policy-error.ts';

/** `Principal` or `NotPrincipal` of a statement. */
export interface PrincipalSet {
  /** True for `NotPrincipal`. */
  readonly not: boolean;
  /** `*`, or identities without their partition: `arn:iam::111122223333:user/alice`. */
  readonly identities: readonly string[];
}

/**
 * How a statement matches a caller: by its identity (or its role's, or `*`), only by its account, or not at all.
 */
export type Reach = 'direct' | 'account' | 'none';

/** Kinds of principals other than `AWS` are valid, but no caller here is one of them. */
const KINDS = ['AWS', 'Service', 'Federated', 'CanonicalUser'];

/** How the statement's principals match the caller. */
export function reachOf(set: PrincipalSet, caller: Caller): Reach {
  if (set.not) return isExempt(set, caller) ? 'none' : 'direct';
  const { identities } = set;
  const [account = '', ...narrower] = identitiesOf(caller);
  if (identities.includes('*') || narrower.some((name) => identities.includes(name))) return 'direct';
  if (!identities.includes(account)) return 'none';
  return caller.kind === 'root' ? 'direct' : 'account';
}

/**
 * `NotPrincipal` exempts a caller only if all its identities are listed: AWS checks the account, the role and the session
 * in turn, so that naming only the user "might deny access to the entire
 * account" (IAM guide, "NotPrincipal").
 */
function isExempt({ identities }: PrincipalSet, caller: Caller): boolean {
  return identities.includes('*') || identitiesOf(caller).every((name) => identities.includes(name));
}

/**
 * Reads `Principal` or `NotPrincipal`: `"*"`, or an object such as `{"AWS": [account id or ARN, …]}`.
 * @throws PolicyError for anything else, and for wildcards within an ARN, which IAM does not have here.
 */
export function parsePrincipals(raw: unknown, not: boolean): PrincipalSet {
  const what = not ? 'NotPrincipal' : 'Principal';
  if (raw === '*') return Object.freeze({ not, identities: Object.freeze(['*']) });
  if (typeof raw === 'string') {
    throw new PolicyError(`${what} ${quote(raw)} must be "*" or an object such as {"AWS": "111122223333"}.`);
  }
  const kinds = membersOf(raw, what);
  requireKnown(kinds, KINDS);
  if (kinds.size === 0) throw new PolicyError(`${what} is empty.`);
  const identities = [...kinds].flatMap(([kind, names]) => {
    const list = stringList(names, `${what} ${kind}`);
    return kind === 'AWS' ? list.map(identityOf) : [];
  });
  return Object.freeze({ not, identities: Object.freeze(identities) });
}

function identityOf(name: string): string {
  if (name === '*') return name;
  if (/^\d{12}$/.test(name)) return accountIdentity(name);
  if (isPrincipalArn(name)) return withoutPartition(name);
  throw new PolicyError(
    `principal ${quote(name)} must be "*", an account id of 12 digits, or the ARN of an account, user, role or session without wildcards.`,
  );
}

function isPrincipalArn(name: string): boolean {
  const [, service, resource = ''] = /^arn:aws[a-z-]*:(iam|sts)::\d{12}:([!-~]+)$/.exec(name) ?? [];
  if (/[*?]/.test(resource) || resource.endsWith('/')) return false;
  if (service === 'iam') return resource === 'root' || /^(?:user|role)\/./.test(resource);
  return /^(?:assumed-role\/[^/]+\/[^/]+|federated-user\/[^/]+)$/.test(resource);
}
