import { quote, stringList } from './elements.ts';
import { PolicyError } from './policy-error.ts';
import type { RequestContext } from './request-context.ts';
import { parseTemplate, type Template } from './template.ts';
import { compileGlob, type Matcher } from './wildcard.ts';

/** `Resource` or `NotResource` of a statement. */
export interface ResourceSet {
  /** True for `NotResource`. */
  readonly not: boolean;
  readonly patterns: readonly ResourcePattern[];
}

/** One ARN with wildcards and policy variables; case matters. */
interface ResourcePattern {
  readonly source: string;
  /** Keys of its policy variables, lower case. */
  readonly variables: readonly string[];
  /** undefined when a variable has no value: such a pattern matches no resource. */
  matches(arn: string, context: RequestContext): boolean | undefined;
}

/** What determines which resources may be named. */
interface ResourceRules {
  readonly variables: boolean;
  /** The vault that the policy is for; undefined in identity policies and when it is not known. */
  readonly vaultArn: string | undefined;
}

/**
 * Whether the statement applies to the resource. A `NotResource` with a variable that has no value is undecided: it then
 * applies if the statement is a Deny, and does not if it is an Allow.
 */
export function coversResource(
  set: ResourceSet,
  arn: string,
  context: RequestContext,
  effect: 'Allow' | 'Deny',
): boolean {
  const hits = set.patterns.map((pattern) => pattern.matches(arn, context));
  if (!set.not) return hits.includes(true);
  return !hits.includes(true) && (effect === 'Deny' || !hits.includes(undefined));
}

/**
 * Reads `Resource` or `NotResource`.
 * @throws PolicyError for a value that is neither `*` nor an ARN and, in a vault's policy, for one that cannot match that
 *   vault: such a statement would seem to protect and would not.
 */
export function parseResources(raw: unknown, not: boolean, rules: ResourceRules): ResourceSet {
  const what = not ? 'NotResource' : 'Resource';
  const patterns = stringList(raw, what).map((source) => {
    const template = parseTemplate(source, { wildcards: true, variables: rules.variables });
    requireArn(template, what);
    if (rules.vaultArn !== undefined) requireOfVault(template, not, rules.vaultArn);
    return patternOf(template);
  });
  return Object.freeze({ not, patterns: Object.freeze(patterns) });
}

/** `*`, or six components of which only the last may have variables (IAM guide, "Variables and tags"). */
function requireArn({ source, variables }: Template, what: string): void {
  if (/^\*+$/.test(source) || /^arn:(?:[^:$]*:){4}/.test(source)) return;
  throw new PolicyError(
    variables.length > 0
      ? `${what} ${quote(source)} may have policy variables only after its fifth colon.`
      : `${what} ${quote(source)} must be "*" or an ARN such as "arn:aws:glacier:us-east-1:111122223333:vaults/name".`,
  );
}

function requireOfVault({ source, variables, widest }: Template, not: boolean, vaultArn: string): void {
  const possible = compileGlob(widest)(vaultArn);
  if (!not && !possible) {
    throw new PolicyError(`Resource ${quote(source)} does not match this vault, ${vaultArn}.`);
  }
  if (not && possible && variables.length === 0) {
    throw new PolicyError(
      `NotResource ${quote(source)} excludes this vault, so the statement would never apply.`,
    );
  }
}

function patternOf(template: Template): ResourcePattern {
  const { source, variables } = template;
  if (variables.length === 0)
    return Object.freeze({ source, variables, matches: compileGlob(template.widest) });
  const matches = (arn: string, context: RequestContext): boolean | undefined =>
    matcherFor(template, context)?.(arn);
  return Object.freeze({ source, variables, matches });
}

function matcherFor(template: Template, context: RequestContext): Matcher | undefined {
  const glob = template.resolve(context);
  return glob === undefined ? undefined : compileGlob(glob);
}
