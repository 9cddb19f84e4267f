import { GLACIER_ACTIONS, isAccountAction } from './actions.ts';
import { quote, stringList } from './elements.ts';
import { ACTIONS, type Action, isExtensionAction, qualifiedAction } from './extension-actions.ts';
import { PolicyError } from './policy-error.ts';
import { compileGlob, globOf } from './wildcard.ts';

/** `Action` or `NotAction` of a statement, resolved to actions when the policy is read. */
export interface ActionSet {
  /** True for `NotAction`. */
  readonly not: boolean;
  /** As the policy has them. */
  readonly patterns: readonly string[];
  /** The actions that the patterns match; those of other services are left out, since no request is for them. */
  readonly named: readonly Action[];
}

/** The patterns that name actions on the account alone: in a vault policy they have no effect. */
export function withoutEffectOnVaults({ patterns }: ActionSet): readonly string[] {
  return patterns.filter((pattern) => {
    const found = pattern === '*' ? GLACIER_ACTIONS : actionsOf(pattern);
    return found.length > 0 && found.every(isAccountAction);
  });
}

/**
 * Whether the statement applies to the action. An Allow must name an extension: with `NotAction` it would allow what its
 * author did not know of.
 */
export function coversAction(
  { effect, actions }: { readonly effect: 'Allow' | 'Deny'; readonly actions: ActionSet },
  action: Action,
): boolean {
  if (actions.not && effect === 'Allow' && isExtensionAction(action)) return false;
  return actions.named.includes(action) !== actions.not;
}

/**
 * Reads `Action` or `NotAction`: `*`, `service:Name` or `service:Na*`; names are case-insensitive.
 * @param inVaultPolicy patterns of a vault policy must name actions of glacier or moraine. These may be actions on the account: the
 *   service accepts them, though only identity policies decide on them.
 * @throws PolicyError for a pattern that names no action: a typing error in a Deny would protect nothing.
 */
export function parseActions(raw: unknown, not: boolean, inVaultPolicy: boolean): ActionSet {
  const patterns = stringList(raw, not ? 'NotAction' : 'Action');
  const named = patterns.flatMap((pattern) => matchesOf(pattern, inVaultPolicy));
  return Object.freeze({ not, patterns, named: Object.freeze([...new Set(named)]) });
}

const PATTERN = /^(\*|[A-Za-z0-9-]+):([A-Za-z0-9*?]+)$/;

/** The services that have actions here. */
const SERVICES: readonly string[] = ['glacier', 'moraine'];

function matchesOf(pattern: string, inVaultPolicy: boolean): readonly Action[] {
  if (pattern === '*') return ACTIONS;
  const [, service, name] = PATTERN.exec(pattern) ?? [];
  if (service === undefined || name === undefined) {
    throw new PolicyError(`action ${quote(pattern)} must be "*" or of the form "glacier:DeleteArchive".`);
  }
  const found = actionsOf(pattern);
  const known = SERVICES.find((one) => one === service.toLowerCase());
  if (found.length === 0 && (inVaultPolicy || known !== undefined)) {
    throw new PolicyError(
      `unknown action ${quote(pattern)}: it matches none of the actions of ${known ?? 'glacier'}.`,
    );
  }
  return found;
}

/** The actions that a pattern of the form `service:Name` matches. */
function actionsOf(pattern: string): readonly Action[] {
  const [, service = '', name = ''] = PATTERN.exec(pattern) ?? [];
  const matches = compileGlob(globOf(name.toLowerCase()));
  return ACTIONS.filter((action) => {
    const [ofService, named = ''] = qualifiedAction(action).toLowerCase().split(':');
    return (service === '*' || service.toLowerCase() === ofService) && matches(named);
  });
}
