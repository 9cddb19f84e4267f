import { GLACIER_ACTIONS, type GlacierAction, isAccountAction } from './actions.ts';
import { quote, stringList } from './elements.ts';
import { PolicyError } from './policy-error.ts';
import { compileGlob, globOf } from './wildcard.ts';

/** `Action` or `NotAction` of a statement, resolved to actions when the policy is read. */
export interface ActionSet {
  /** True for `NotAction`. */
  readonly not: boolean;
  /** As the policy has them. */
  readonly patterns: readonly string[];
  /** The actions that the patterns match; those of other services are left out, since no request is for them. */
  readonly named: readonly GlacierAction[];
}

/** The patterns that name actions on the account alone: in a vault policy they have no effect. */
export function withoutEffectOnVaults({ patterns }: ActionSet): readonly string[] {
  return patterns.filter((pattern) => {
    const found = pattern === '*' ? GLACIER_ACTIONS : actionsOf(pattern);
    return found.length > 0 && found.every(isAccountAction);
  });
}

/** Whether the statement applies to the action. */
export function coversAction(set: ActionSet, action: string): boolean {
  return (set.named as readonly string[]).includes(action) !== set.not;
}

/**
 * Reads `Action` or `NotAction`: `*`, `service:Name` or `service:Na*`; names are case-insensitive.
 * @param inVaultPolicy patterns of a vault policy must name actions of glacier. These may be actions on the account: the
 *   service accepts them, though only identity policies decide on them.
 * @throws PolicyError for a pattern that names no action: a typing error in a Deny would protect nothing.
 */
export function parseActions(raw: unknown, not: boolean, inVaultPolicy: boolean): ActionSet {
  const patterns = stringList(raw, not ? 'NotAction' : 'Action');
  const named = patterns.flatMap((pattern) => matchesOf(pattern, inVaultPolicy));
  return Object.freeze({ not, patterns, named: Object.freeze([...new Set(named)]) });
}

const PATTERN = /^(\*|[A-Za-z0-9-]+):([A-Za-z0-9*?]+)$/;

function matchesOf(pattern: string, inVaultPolicy: boolean): readonly GlacierAction[] {
  if (pattern === '*') return GLACIER_ACTIONS;
  const [, service, name] = PATTERN.exec(pattern) ?? [];
  if (service === undefined || name === undefined) {
    throw new PolicyError(`action ${quote(pattern)} must be "*" or of the form "glacier:DeleteArchive".`);
  }
  const found = actionsOf(pattern);
  const mustBeKnown = inVaultPolicy || service.toLowerCase() === 'glacier';
  if (found.length === 0 && mustBeKnown) {
    throw new PolicyError(`unknown action ${quote(pattern)}: it matches none of the actions of glacier.`);
  }
  return found;
}

/** The actions of glacier that a pattern of the form `service:Name` matches. */
function actionsOf(pattern: string): readonly GlacierAction[] {
  const [, service = '', name = ''] = PATTERN.exec(pattern) ?? [];
  if (service !== '*' && service.toLowerCase() !== 'glacier') return [];
  const matches = compileGlob(globOf(name.toLowerCase()));
  return GLACIER_ACTIONS.filter((action) => matches(action.toLowerCase()));
}
