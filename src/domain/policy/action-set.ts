import { GLACIER_ACTIONS, type GlacierAction, isAccountAction } from './actions.ts';
import { shown, stringList } from './elements.ts';
import { PolicyError } from './policy-error.ts';
import { compileGlob, globOf } from './wildcard.ts';

/** `Action` or `NotAction` of a statement, resolved to the actions that it names when the policy is read. */
export interface ActionSet {
  /** True for `NotAction`. */
  readonly not: boolean;
  /** As the policy has them. */
  readonly patterns: readonly string[];
  /** What the patterns match; actions of other services are left out, since they are never asked for. */
  readonly named: readonly GlacierAction[];
}

/** Whether the statement speaks about the action. */
export function coversAction(set: ActionSet, action: string): boolean {
  return (set.named as readonly string[]).includes(action) !== set.not;
}

/**
 * Reads `Action` or `NotAction`: `*`, `service:Name` or `service:Na*`; names are case-insensitive.
 * @param inVaultPolicy vault policies speak about actions on their vault only.
 * @throws PolicyError for a pattern that names no action: a typing error in a Deny would protect nothing.
 */
export function parseActions(raw: unknown, not: boolean, inVaultPolicy: boolean): ActionSet {
  const patterns = stringList(raw, not ? 'NotAction' : 'Action');
  const named = patterns.flatMap((pattern) => matchesOf(pattern, inVaultPolicy));
  return Object.freeze({ not, patterns, named: Object.freeze([...new Set(named)]) });
}

function matchesOf(pattern: string, inVaultPolicy: boolean): readonly GlacierAction[] {
  if (pattern === '*') return GLACIER_ACTIONS;
  const [, service, name] = /^(\*|[A-Za-z0-9-]+):([A-Za-z0-9*?]+)$/.exec(pattern) ?? [];
  if (service === undefined || name === undefined) {
    throw new PolicyError(`action ${shown(pattern)} must be "*" or of the form "glacier:DeleteArchive".`);
  }
  const ours = service === '*' || service.toLowerCase() === 'glacier';
  const found = ours ? actionsLike(name) : [];
  if (inVaultPolicy) requireOfVault(pattern, found);
  else if (found.length === 0 && ours && service !== '*') throw unknownAction(pattern);
  return found;
}

function actionsLike(name: string): readonly GlacierAction[] {
  const matches = compileGlob(globOf(name.toLowerCase()));
  return GLACIER_ACTIONS.filter((action) => matches(action.toLowerCase()));
}

/** A wildcard may take in actions on the account; to name one is a mistake, for it would have no effect. */
function requireOfVault(pattern: string, found: readonly GlacierAction[]): void {
  if (found.length === 0) throw unknownAction(pattern);
  const [only] = found;
  if (/[*?]/.test(pattern) || only === undefined || !isAccountAction(only)) return;
  throw new PolicyError(
    `action ${shown(pattern)} is about the account, not about a vault: only identity policies decide it.`,
  );
}

function unknownAction(pattern: string): PolicyError {
  return new PolicyError(`unknown action ${shown(pattern)}: it matches none of the actions of glacier.`);
}
