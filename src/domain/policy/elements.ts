import { PolicyError } from './policy-error.ts';

const SHOWN_CHARS = 120;

/** A value as messages quote it: JSON, cut to a length that fits a log line. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= SHOWN_CHARS ? text : `${text.slice(0, SHOWN_CHARS)}…`;
}

/**
 * The members of a JSON object as a Map, in which `__proto__` and `constructor` are ordinary keys.
 * @param what its name in messages, with article: "A statement".
 * @throws PolicyError when it is not an object.
 */
export function membersOf(raw: unknown, what: string): ReadonlyMap<string, unknown> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw new PolicyError(`${what} must be an object, not ${quote(raw)}.`);
  }
  return new Map(Object.entries(raw));
}

/**
 * Refuses members that the policy language does not have: ignoring one would give the policy another meaning than its
 * author intended (IAM guide, "Grammar of the IAM JSON policy language").
 */
export function requireKnown(members: ReadonlyMap<string, unknown>, known: readonly string[]): void {
  for (const name of members.keys()) {
    if (known.includes(name)) continue;
    const meant = known.find((candidate) => candidate.toLowerCase() === name.toLowerCase());
    const hint = meant === undefined ? '' : ` Did you mean "${meant}"?`;
    throw new PolicyError(`unknown element ${quote(name)}.${hint}`);
  }
}

/**
 * An element that is one string or a list of strings.
 * @throws PolicyError when it is anything else, or an empty list or string.
 */
export function stringList(raw: unknown, what: string): readonly string[] {
  const list = Array.isArray(raw) ? raw : [raw];
  if (list.length === 0) throw new PolicyError(`${what} is an empty list.`);
  return Object.freeze(list.map((entry) => requireText(entry, what)));
}

function requireText(raw: unknown, what: string): string {
  if (typeof raw === 'string' && raw !== '') return raw;
  throw new PolicyError(`${what} must be a non-empty string, not ${quote(raw)}.`);
}

/**
 * An optional element. Some policy generators write an empty string in place of omitting it.
 * @throws PolicyError when it is not a string.
 */
export function optionalText(raw: unknown, what: string): string | undefined {
  if (raw === undefined || raw === '') return undefined;
  return requireText(raw, what);
}

/**
 * Which of two mutually exclusive elements a statement has: `Action` or `NotAction` and so on.
 * @returns the value and whether it is the `Not…` form; undefined when there is neither.
 * @throws PolicyError when there are both.
 */
export function eitherOf(
  members: ReadonlyMap<string, unknown>,
  name: string,
): { readonly not: boolean; readonly raw: unknown; readonly what: string } | undefined {
  const negated = `Not${name}`;
  if (members.has(name) && members.has(negated)) throw new PolicyError(`it has both ${name} and ${negated}.`);
  if (members.has(name)) return { not: false, raw: members.get(name), what: name };
  return members.has(negated) ? { not: true, raw: members.get(negated), what: negated } : undefined;
}
