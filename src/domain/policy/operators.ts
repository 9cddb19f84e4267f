/**
 * The condition operators of the policy language (IAM guide, "Condition operators"). Each reads a value of the policy
 * once, and then tests values of requests against it.
 */
import { inRange, parseAddress, parseRange } from './address.ts';
import { compileArn, isArnPattern } from './arn-pattern.ts';
import { quote } from './elements.ts';
import { parseInstant } from './instant.ts';
import { PolicyError } from './policy-error.ts';
import type { RequestContext } from './request-context.ts';
import { parseTemplate, type Template } from './template.ts';
import { compileGlob, type Glob, literalOf, type Matcher } from './wildcard.ts';

/** Tests a value of the request. The context is for policy variables in the policy's value. */
type ValueTest = (actual: string, context: RequestContext) => boolean;

/** A parsed value of the policy. */
export interface ReadValue {
  readonly test: ValueTest;
  /** Keys of the policy variables in it, lower case. */
  readonly variables: readonly string[];
}

/** One operator without `IfExists` and set prefix. */
export interface Operator {
  /** Whether it is negated: the condition holds when no value matches, or the key is missing. */
  readonly negated: boolean;
  /** @throws PolicyError when the value is not of the operator's type. */
  read(value: string, variables: boolean): ReadValue;
}

type Reader = Operator['read'];

const plain = (test: ValueTest): ReadValue => ({ test, variables: [] });

/** Ordering comparisons. A value of the request that cannot be read fails every one. */
function ordered(parse: (text: string) => number | undefined, type: string): (relation: Relation) => Reader {
  return (relation) => (value) => {
    const expected = parse(value);
    if (expected === undefined) throw notA(type, value);
    return plain((actual) => {
      const number = parse(actual);
      return number !== undefined && relation(number, expected);
    });
  };
}

type Relation = (actual: number, expected: number) => boolean;

const equal: Relation = (actual, expected) => actual === expected;
const RELATIONS: readonly (readonly [string, Relation])[] = [
  ['LessThan', (actual, expected) => actual < expected],
  ['LessThanEquals', (actual, expected) => actual <= expected],
  ['GreaterThan', (actual, expected) => actual > expected],
  ['GreaterThanEquals', (actual, expected) => actual >= expected],
];

const numeric = ordered(parseNumber, 'a number');
const date = ordered(parseInstant, 'a date (2026-01-31T00:00:00Z or seconds since 1970)');

/** A decimal number. @returns undefined for anything else, and for a number too large to compare. */
function parseNumber(text: string): number | undefined {
  if (!/^[+-]?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

const bool: Reader = (value) => {
  const expected = value.toLowerCase();
  if (expected !== 'true' && expected !== 'false') throw notA('a boolean (true or false)', value);
  return plain((actual) => actual.toLowerCase() === expected);
};

/** The policy has the value in base64, the request has the value itself. */
const binary: Reader = (value) => {
  const bytes = Buffer.from(value, 'base64');
  if (bytes.toString('base64') !== value) throw notA('base64 text', value);
  return plain((actual) => bytes.equals(Buffer.from(actual, 'utf8')));
};

const ip: Reader = (value) => {
  const range = parseRange(value);
  if (range === undefined) throw notA('an IP address or CIDR block', value);
  return plain((actual) => {
    const address = parseAddress(actual);
    return address !== undefined && inRange(address, range);
  });
};

const arn: Reader = (value, variables) => {
  const template = parseTemplate(value, { wildcards: true, variables });
  // The value of a variable is unknown here; it may be a whole ARN.
  if (template.variables.length === 0 && !isArnPattern(value)) throw notA('an ARN', value);
  return whenResolved(template, compileArn);
};

const like: Reader = (value, variables) =>
  whenResolved(parseTemplate(value, { wildcards: true, variables }), compileGlob);

function text(fold: (text: string) => string): Reader {
  return (value, variables) =>
    whenResolved(parseTemplate(value, { wildcards: false, variables }), (glob) => {
      const expected = fold(literalOf(glob) ?? '');
      return (actual) => fold(actual) === expected;
    });
}

/** Prepares the test once if the value has no variables. A variable without a value matches nothing. */
function whenResolved(template: Template, prepare: (glob: Glob) => Matcher): ReadValue {
  const { variables } = template;
  if (variables.length === 0) return { test: prepare(template.widest), variables };
  const test: ValueTest = (actual, context) => {
    const glob = template.resolve(context);
    return glob !== undefined && prepare(glob)(actual);
  };
  return { test, variables };
}

function notA(type: string, value: string): PolicyError {
  return new PolicyError(`the value ${quote(value)} is not ${type}.`);
}

const foldCase = (value: string): string => value.toLowerCase();
const exact = text((value) => value);

/** A Map, because a policy may name an operator `constructor`. */
const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ...pair('StringEquals', 'StringNotEquals', exact),
  ...pair('StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', text(foldCase)),
  ...pair('StringLike', 'StringNotLike', like),
  ...pair('NumericEquals', 'NumericNotEquals', numeric(equal)),
  ...pair('DateEquals', 'DateNotEquals', date(equal)),
  ...pair('IpAddress', 'NotIpAddress', ip),
  ...pair('ArnEquals', 'ArnNotEquals', arn),
  ...pair('ArnLike', 'ArnNotLike', arn),
  ...RELATIONS.map(([name, relation]) => positive(`Numeric${name}`, numeric(relation))),
  ...RELATIONS.map(([name, relation]) => positive(`Date${name}`, date(relation))),
  positive('Bool', bool),
  positive('BinaryEquals', binary),
]);

function positive(name: string, read: Reader): readonly [string, Operator] {
  return [name, { negated: false, read }];
}

function pair(name: string, opposite: string, read: Reader): (readonly [string, Operator])[] {
  return [positive(name, read), [opposite, { negated: true, read }]];
}

/** The operator of this exact name (AWS refuses other spellings, such as `stringEquals`); undefined if unknown. */
export function operatorNamed(name: string): Operator | undefined {
  return OPERATORS.get(name);
}
