import { type ActionSet, parseActions } from './action-set.ts';
import { type Condition, parseConditions } from './condition.ts';
import { eitherOf, membersOf, optionalText, quote, requireKnown } from './elements.ts';
import { inStatement, PolicyError } from './policy-error.ts';
import { type PrincipalSet, parsePrincipals } from './principal-set.ts';
import { parseResources, type ResourceSet } from './resource-set.ts';

/** One parsed statement of a policy. */
export interface Statement {
  /** 1-based place in the policy. */
  readonly index: number;
  readonly sid: string | undefined;
  /** Its name in messages: its Sid in quotes, or its place. */
  readonly label: string;
  readonly effect: 'Allow' | 'Deny';
  /** Undefined in identity policies, which apply to the user that they are attached to. */
  readonly principals: PrincipalSet | undefined;
  readonly actions: ActionSet;
  readonly resources: ResourceSet;
  readonly conditions: readonly Condition[];
}

/** What determines how a statement may be written. */
export interface StatementRules {
  /** Version 2012-10-17: `${…}` is a variable. */
  readonly variables: boolean;
  readonly inVaultPolicy: boolean;
  readonly vaultArn: string | undefined;
}

const ELEMENTS = [
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
];

type Members = ReadonlyMap<string, unknown>;

/**
 * Reads one statement.
 * @param index 1-based.
 * @throws PolicyError that names the statement by its Sid, or by its place if it has none.
 */
export function parseStatement(raw: unknown, index: number, rules: StatementRules): Statement {
  return inStatement(labelOf(raw, index), () => {
    const members = membersOf(raw, 'A statement');
    requireKnown(members, ELEMENTS);
    const sid = optionalText(members.get('Sid'), 'Sid');
    const effect = parseEffect(members);
    return Object.freeze({
      index,
      sid,
      label: labelOf(raw, index),
      effect,
      principals: rules.inVaultPolicy ? requirePrincipals(members, effect) : refusePrincipals(members),
      actions: parseActionElement(members, rules.inVaultPolicy),
      resources: parseResourceElement(members, rules),
      conditions: members.has('Condition')
        ? parseConditions(members.get('Condition'), rules)
        : Object.freeze([]),
    });
  });
}

function labelOf(raw: unknown, index: number): string {
  const sid = typeof raw === 'object' && raw !== null && 'Sid' in raw ? raw.Sid : undefined;
  return typeof sid === 'string' && sid !== '' ? quote(sid) : String(index);
}

function parseEffect(members: Members): 'Allow' | 'Deny' {
  const effect = members.get('Effect');
  if (effect === 'Allow' || effect === 'Deny') return effect;
  throw new PolicyError(
    effect === undefined ? 'Effect is missing.' : `Effect ${quote(effect)} must be "Allow" or "Deny".`,
  );
}

function requirePrincipals(members: Members, effect: 'Allow' | 'Deny'): PrincipalSet {
  const element = eitherOf(members, 'Principal');
  if (element === undefined) {
    throw new PolicyError(
      'Principal is missing. A vault policy must name its principals, for example "Principal": "*".',
    );
  }
  // AWS does not support it: it would admit everyone but a few.
  if (element.not && effect === 'Allow')
    throw new PolicyError('NotPrincipal is allowed only with "Effect": "Deny".');
  return parsePrincipals(element.raw, element.not);
}

function refusePrincipals(members: Members): undefined {
  const element = eitherOf(members, 'Principal');
  if (element === undefined) return undefined;
  throw new PolicyError(
    `${element.what} is not allowed in an identity policy, which applies to the user that it is attached to.`,
  );
}

function parseActionElement(members: Members, inVaultPolicy: boolean): ActionSet {
  const element = eitherOf(members, 'Action');
  if (element === undefined) throw new PolicyError('Action or NotAction is missing.');
  return parseActions(element.raw, element.not, inVaultPolicy);
}

function parseResourceElement(members: Members, rules: StatementRules): ResourceSet {
  const element = eitherOf(members, 'Resource');
  if (element === undefined) throw new PolicyError('Resource or NotResource is missing.');
  return parseResources(element.raw, element.not, rules);
}
