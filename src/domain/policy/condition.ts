import { requireConditionKey } from './condition-keys.ts';
import { membersOf, quote } from './elements.ts';
import { type Operator, operatorNamed, type ReadValue } from './operators.ts';
import { PolicyError } from './policy-error.ts';
import { type RequestContext, valuesOf } from './request-context.ts';

/** How several values of one key combine. */
type SetPrefix = 'ForAllValues' | 'ForAnyValue';

/** One key under one operator: `"NumericLessThan": {"glacier:ArchiveAgeInDays": "365"}`. */
export interface Condition {
  /** As the policy has it, with prefix and `IfExists`. */
  readonly operator: string;
  /** The operator's bare name, or `Null`. */
  readonly base: string;
  readonly negated: boolean;
  readonly ifExists: boolean;
  readonly setPrefix: SetPrefix | undefined;
  /** The key as the policy has it: tags are case-sensitive, though condition keys are not. */
  readonly name: string;
  /** The key in lower case. */
  readonly key: string;
  /** What the policy compares with; numbers and booleans as text. */
  readonly values: readonly string[];
  /** Keys of the policy variables in the values, lower case. */
  readonly variables: readonly string[];
  /** Whether the condition holds for a request. */
  holds(context: RequestContext): boolean;
}

/** What determines how conditions may be written. */
interface ConditionRules {
  /** Version 2012-10-17: `${…}` in values is a variable. */
  readonly variables: boolean;
  readonly inVaultPolicy: boolean;
}

/** All keys of all operators must hold; of the values of one key, one must match (IAM guide, "Condition"). */
export function allHold(conditions: readonly Condition[], context: RequestContext): boolean {
  return conditions.every((condition) => condition.holds(context));
}

/**
 * Reads a `Condition` block. An empty block is no condition; an operator without a key is refused, because it would
 * always hold.
 * @throws PolicyError for unknown operators and keys and for values that are not of the operator's type.
 */
export function parseConditions(raw: unknown, rules: ConditionRules): readonly Condition[] {
  const operators = [...membersOf(raw, 'Condition')];
  return Object.freeze(operators.flatMap(([name, keys]) => parseOperator(name, keys, rules)));
}

/** The pieces of an operator's name. */
type OperatorName = Pick<Condition, 'operator' | 'base' | 'negated' | 'ifExists' | 'setPrefix'> & {
  readonly meaning: Operator | undefined;
};

function parseOperator(name: string, raw: unknown, rules: ConditionRules): Condition[] {
  const head = parseHead(name);
  const keys = [...membersOf(raw, `Condition operator ${name}`)];
  if (keys.length === 0) throw new PolicyError(`the condition operator ${name} has no key.`);
  const conditions = keys.map(([key, values]) => parseKey(head, key, values, rules));
  requireDistinct(name, conditions);
  return conditions;
}

function parseHead(operator: string): OperatorName {
  const [, setPrefix, core = ''] = /^(?:(ForAllValues|ForAnyValue):)?(.*)$/s.exec(operator) ?? [];
  const ifExists = core.endsWith('IfExists');
  const base = ifExists ? core.slice(0, -'IfExists'.length) : core;
  const meaning = operatorNamed(base);
  // Null tests whether the key is present, so `IfExists` and the set prefixes make no sense with it.
  const plainNull = base === 'Null' && !ifExists && setPrefix === undefined;
  if (meaning === undefined && !plainNull)
    throw new PolicyError(`unknown condition operator ${quote(operator)}.`);
  const negated = meaning?.negated ?? false;
  return { operator, base, negated, ifExists, setPrefix: setPrefix as SetPrefix | undefined, meaning };
}

function parseKey(
  { meaning, ...head }: OperatorName,
  name: string,
  raw: unknown,
  rules: ConditionRules,
): Condition {
  const key = requireConditionKey(name, rules.inVaultPolicy);
  const values = (Array.isArray(raw) ? raw : [raw]).map((value) => valueText(value, name));
  if (values.length === 0) throw new PolicyError(`the condition key ${name} has no value.`);
  const read = meaning === undefined ? [] : values.map((value) => meaning.read(value, rules.variables));
  return Object.freeze({
    ...head,
    name,
    key,
    values: Object.freeze(values),
    variables: Object.freeze(read.flatMap((value) => value.variables)),
    holds: meaning === undefined ? isAbsent(key, values) : holdsFor({ ...head, key }, read),
  });
}

function valueText(value: unknown, key: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
    return String(value);
  throw new PolicyError(`the value of ${key} must be a string, number or boolean, not ${quote(value)}.`);
}

/** Key names are case-insensitive: two spellings of one key are the same key twice. */
function requireDistinct(operator: string, conditions: readonly Condition[]): void {
  const keys = conditions.map(({ key }) => key);
  const again = keys.find((key, i) => keys.indexOf(key) !== i);
  if (again !== undefined)
    throw new PolicyError(`the condition operator ${operator} has the key ${again} twice.`);
}

/** `Null`: "true" requires the key to be missing, "false" requires it to be present. */
function isAbsent(key: string, values: readonly string[]): Condition['holds'] {
  const wanted = values.map((value) => value.toLowerCase());
  const odd = wanted.findIndex((value) => value !== 'true' && value !== 'false');
  if (odd >= 0) throw new PolicyError(`the value ${quote(values[odd])} is not a boolean (true or false).`);
  return (context) => wanted.includes(String(valuesOf(context, key) === undefined));
}

type Shape = Pick<Condition, 'key' | 'negated' | 'ifExists' | 'setPrefix'>;

function holdsFor(shape: Shape, read: readonly ReadValue[]): Condition['holds'] {
  return (context) => {
    const actual = valuesOf(context, shape.key);
    if (actual === undefined) return holdsWithoutKey(shape);
    return holdsForValues(shape, actual, (value) => read.some(({ test }) => test(value, context)));
  };
}

/**
 * A missing key matches nothing: the result is false, and true for negated operators. `IfExists` and `ForAllValues` hold
 * without the key; `ForAnyValue` requires a value, so it fails even when negated.
 */
function holdsWithoutKey({ negated, ifExists, setPrefix }: Shape): boolean {
  if (ifExists || setPrefix === 'ForAllValues') return true;
  return negated && setPrefix !== 'ForAnyValue';
}

function holdsForValues(
  { negated, setPrefix }: Shape,
  actual: readonly string[],
  matches: (value: string) => boolean,
): boolean {
  // IAM counts an empty text as an empty set under ForAllValues.
  if (setPrefix === 'ForAllValues') {
    return actual.every((value) => value === '') || actual.every((value) => matches(value) !== negated);
  }
  if (setPrefix === 'ForAnyValue') return actual.some((value) => matches(value) !== negated);
  return actual.some(matches) !== negated;
}
