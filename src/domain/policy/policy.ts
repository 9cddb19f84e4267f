import { membersOf, optionalText, quote, requireKnown } from './elements.ts';
import { PolicyError } from './policy-error.ts';
import { parseStatement, type Statement, type StatementRules } from './statement.ts';
import { parseStrictJson } from './strict-json.ts';

/** What a policy is attached to: a user, a vault (replaceable), or a vault (for ever, once locked). */
export type PolicyKind = 'identity' | 'vault-access' | 'vault-lock';

/** A checked policy document. Frozen, so that requests may share it. */
export interface Policy {
  readonly kind: PolicyKind;
  /** A policy without one is in the older version of the language. */
  readonly version: '2012-10-17' | '2008-10-17';
  readonly id: string | undefined;
  readonly statements: readonly Statement[];
  /**
   * Every condition key in it, lower case, including those of policy variables. Others need not be looked up for a
   * decision.
   */
  readonly contextKeys: readonly string[];
}

/**
 * Reads and checks a policy document of at most 20,480 bytes (IAM guide, "Grammar of the IAM JSON policy
 * language"; Glacier developer guide, "Vault access policies" and "Vault lock policies").
 * @param context `vaultArn`: the vault that a vault policy is for, so that its resources can be checked.
 * @throws PolicyError naming the statement and the fault; never anything else.
 */
export function parsePolicy(text: string, kind: PolicyKind, context: { vaultArn?: string } = {}): Policy {
  const members = membersOf(parseStrictJson(text), 'A policy');
  requireKnown(members, ['Version', 'Id', 'Statement']);
  const version = parseVersion(members.get('Version'), members.has('Version'));
  const id = optionalText(members.get('Id'), 'Id');
  const statements = parseStatements(members.get('Statement'), {
    variables: version === '2012-10-17',
    inVaultPolicy: kind !== 'identity',
    vaultArn: kind === 'identity' ? undefined : context.vaultArn,
  });
  return Object.freeze({ kind, version, id, statements, contextKeys: Object.freeze(keysOf(statements)) });
}

function parseVersion(raw: unknown, given: boolean): Policy['version'] {
  if (!given) return '2008-10-17';
  if (raw === '2012-10-17' || raw === '2008-10-17') return raw;
  throw new PolicyError(`Version ${quote(raw)} must be "2012-10-17" or "2008-10-17".`);
}

function parseStatements(raw: unknown, rules: StatementRules): readonly Statement[] {
  if (raw === undefined) throw new PolicyError('Statement is missing.');
  const list: readonly unknown[] = Array.isArray(raw) ? raw : [raw];
  if (list.length === 0) throw new PolicyError('Statement is an empty list.');
  const statements = list.map((statement, i) => parseStatement(statement, i + 1, rules));
  requireDistinctSids(statements);
  return Object.freeze(statements);
}

/** A denial names the Sid of its statement, so two statements must not share one. */
function requireDistinctSids(statements: readonly Statement[]): void {
  const seen = new Map<string, number>();
  for (const { sid, index } of statements) {
    if (sid === undefined) continue;
    const first = seen.get(sid);
    if (first !== undefined) throw new PolicyError(`its Sid is also that of statement ${first}.`, quote(sid));
    seen.set(sid, index);
  }
}

function keysOf(statements: readonly Statement[]): readonly string[] {
  const keys = statements.flatMap(({ conditions, resources }) => [
    ...conditions.flatMap(({ key, variables }) => [key, ...variables]),
    ...resources.patterns.flatMap(({ variables }) => variables),
  ]);
  return [...new Set(keys)];
}
