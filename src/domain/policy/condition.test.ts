import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { v } from '../../../test/support/policy-cases/cast.ts';
import { allHold, parseConditions } from './condition.ts';
import { PolicyError } from './policy-error.ts';
import { type ContextValue, contextOf } from './request-context.ts';

const KEY = 'aws:PrincipalTag/x';

/** Whether `{operator: {KEY: value}}` holds when the request has `actual`. */
function holds(operator: string, value: unknown, actual: ContextValue, variables = true): boolean {
  const conditions = parseConditions({ [operator]: { [KEY]: value } }, { variables, inVaultPolicy: false });
  return allHold(
    conditions,
    contextOf({ [KEY]: actual, 'aws:username': 'alice', 'aws:PrincipalTag/two': ['a', 'b'] }),
  );
}

const none = undefined;

describe('operators', () => {
  const rows: readonly (readonly [string, unknown, ContextValue, boolean])[] = [
    ['StringEquals', 'a', 'a', true],
    ['StringEquals', 'a', 'A', false],
    ['StringEquals', 'a*', 'a*', true],
    ['StringEquals', 7, '7', true],
    ['StringEquals', true, 'true', true],
    ['StringEquals', '', '', true],
    ['StringEquals', 'a', none, false],
    ['StringNotEquals', 'a', none, true],
    ['StringNotEquals', ['a', 'b'], 'b', false],
    ['StringNotEquals', ['a', 'b'], 'c', true],
    ['StringEqualsIgnoreCase', 'Straße', 'STRASSE', false],
    ['StringEqualsIgnoreCase', 'ÄÖ', 'äö', true],
    ['StringNotEqualsIgnoreCase', 'A', 'a', false],
    ['StringLike', 'a*c', 'abc', true],
    ['StringLike', `a${v('*')}c`, 'abc', false],
    ['StringLike', `a${v('*')}c`, 'a*c', true],
    ['StringLike', v('aws:username'), 'alice', true],
    ['StringLike', v('aws:PrincipalTag/two'), 'a', false],
    ['StringNotLike', v('aws:PrincipalTag/two'), 'a', true],
    ['StringNotLike', ['a*', 'b*'], 'c', true],
    ['NumericEquals', '1e2', '100', true],
    ['NumericEquals', '-1.5', '-1.50', true],
    ['NumericEquals', '0', '', false],
    ['NumericEquals', '0', 'x', false],
    ['NumericNotEquals', '0', 'x', true],
    ['NumericLessThan', '10', '9', true],
    ['NumericLessThan', ['1', '10'], '9', true],
    ['NumericGreaterThan', '9', '10', true],
    ['NumericGreaterThanEquals', '10', '9.999', false],
    ['DateEquals', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00+01:00', true],
    ['DateLessThan', '2026-01-01T00:00:00.5Z', '2026-01-01T00:00:00.4Z', true],
    ['DateNotEquals', '2026-01-01', 'soon', true],
    ['DateGreaterThan', '2026-01-01', 'soon', false],
    ['Bool', 'TRUE', 'true', true],
    ['Bool', false, 'False', true],
    ['Bool', 'true', '1', false],
    ['BoolIfExists', 'true', none, true],
    ['BinaryEquals', 'aGVsbG8=', 'hello', true],
    ['BinaryEquals', 'aGVsbG8=', 'Hello', false],
    ['IpAddress', '10.0.0.5/8', '10.9.9.9', true],
    ['NotIpAddress', ['10.0.0.0/8', '::1'], '::1', false],
    ['ArnEquals', 'arn:aws:iam::*:user/a*', 'arn:aws:iam::1:user/alice', true],
    ['ArnLike', 'arn:aws:iam::1:user/alice', 'alice', false],
    ['ArnNotEquals', 'arn:aws:iam::1:user/alice', 'alice', true],
    ['ArnLike', `arn:aws:iam::1:user/${v('aws:username')}`, 'arn:aws:iam::1:user/alice', true],
    ['ArnNotLike', 'arn:aws:iam::*:user/*', none, true],
    ['Null', 'TRUE', none, true],
    ['Null', true, 'x', false],
    ['Null', true, [], true],
    ['StringEqualsIfExists', 'a', [], true],
    ['ArnLike', '*', 'alice', false],
    ['ArnLike', '*', 'arn:aws:iam::1:user/alice', true],
    ['ForAllValues:StringLike', ['a*', 'b*'], ['a1', 'b2'], true],
    ['ForAllValues:StringLike', 'a*', ['a1', 'b2'], false],
    ['ForAllValues:StringEquals', 'a', '', true],
    ['ForAllValues:StringEqualsIfExists', 'a', none, true],
    ['ForAllValues:NumericLessThan', 5, ['4', '6'], false],
    ['ForAnyValue:NumericLessThan', 5, ['4', '6'], true],
    ['ForAnyValue:StringEquals', 'a', [], false],
    ['ForAnyValue:StringEqualsIfExists', 'a', none, true],
    ['ForAnyValue:StringNotEquals', 'a', 'a', false],
    ['StringEquals', 'a', ['b', 'a'], true],
    ['StringNotEquals', 'a', ['b', 'a'], false],
  ];
  for (const [operator, value, actual, expected] of rows) {
    test(`${operator} ${JSON.stringify(value)} and ${JSON.stringify(actual)}`, () =>
      assert.equal(holds(operator, value, actual), expected));
  }

  test('braces are literal without variables', () => {
    assert.ok(holds('StringEquals', v('aws:username'), v('aws:username'), false));
    assert.ok(!holds('StringEquals', v('aws:username'), 'alice', false));
  });

  test('every negated operator is the opposite of its positive form, with and without a value', () => {
    const pairs = [
      ['StringEquals', 'StringNotEquals', 'a'],
      ['StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', 'A'],
      ['StringLike', 'StringNotLike', 'a*'],
      ['NumericEquals', 'NumericNotEquals', '1'],
      ['DateEquals', 'DateNotEquals', '2026'],
      ['IpAddress', 'NotIpAddress', '10.0.0.0/8'],
      ['ArnEquals', 'ArnNotEquals', 'arn:a:b:c:d:e'],
      ['ArnLike', 'ArnNotLike', 'arn:a:b:c:d:*'],
    ] as const;
    for (const [positive, negative, value] of pairs) {
      for (const actual of [none, 'a', 'b', '1', '2026', '10.1.1.1', 'arn:a:b:c:d:e', '']) {
        assert.equal(
          holds(positive, value, actual),
          !holds(negative, value, actual),
          `${positive} ${actual}`,
        );
      }
    }
  });
});

describe('refused', () => {
  const rows: readonly (readonly [string, unknown, RegExp])[] = [
    ['an unknown operator', { StringMatches: { [KEY]: 'a' } }, /unknown condition operator "StringMatches"/],
    [
      'an operator in another case',
      { stringEquals: { [KEY]: 'a' } },
      /unknown condition operator "stringEquals"/,
    ],
    ['NullIfExists', { NullIfExists: { [KEY]: 'true' } }, /unknown condition operator "NullIfExists"/],
    ['ForAnyValue:Null', { 'ForAnyValue:Null': { [KEY]: 'true' } }, /unknown condition operator/],
    ['a prefix twice', { 'ForAnyValue:ForAnyValue:Bool': { [KEY]: 'true' } }, /unknown condition operator/],
    ['IfExists alone', { IfExists: { [KEY]: 'true' } }, /unknown condition operator/],
    [
      'an operator named like a built-in object member',
      { toString: { [KEY]: 'a' } },
      /unknown condition operator/,
    ],
    ['an operator without keys', { Bool: {} }, /operator Bool has no key/],
    ['an operator with a string', { Bool: 'true' }, /Condition operator Bool must be an object/],
    ['a key without values', { Bool: { [KEY]: [] } }, /has no value/],
    ['a null', { Bool: { [KEY]: null } }, /must be a string, number or boolean, not null/],
    ['an object', { Bool: { [KEY]: { a: 1 } } }, /must be a string, number or boolean/],
    ['a list in a list', { Bool: { [KEY]: [['true']] } }, /must be a string, number or boolean/],
    ['a key without a service', { Bool: { SecureTransport: 'true' } }, /must be of the form "aws:Name"/],
    ['a key with nothing after the colon', { Bool: { 'aws:': 'true' } }, /must be of the form/],
    [
      'an unknown global key',
      { Bool: { 'aws:SecureTransprt': 'true' } },
      /unknown condition key "aws:SecureTransprt"/,
    ],
    [
      'an unknown key of the service',
      { NumericLessThan: { 'glacier:ArchiveAge': 1 } },
      /unknown condition key "glacier:ArchiveAge"/,
    ],
    ['a tag without its key', { StringEquals: { 'glacier:ResourceTag/': 'a' } }, /unknown condition key/],
    [
      'a key in two spellings',
      { Bool: { 'aws:SecureTransport': 'true', 'AWS:securetransport': 'false' } },
      /has the key aws:securetransport twice/,
    ],
    ['no number', { NumericLessThan: { [KEY]: 'many' } }, /the value "many" is not a number/],
    ['an endless number', { NumericLessThan: { [KEY]: '1e999' } }, /is not a number/],
    ['an empty number', { NumericLessThan: { [KEY]: '' } }, /is not a number/],
    ['a variable as number', { NumericLessThan: { [KEY]: v('aws:EpochTime') } }, /is not a number/],
    ['no date', { DateLessThan: { [KEY]: 'tomorrow' } }, /is not a date/],
    ['a day that does not exist', { DateLessThan: { [KEY]: '2026-02-30' } }, /is not a date/],
    ['a time without a zone', { DateLessThan: { [KEY]: '2026-02-20T10:00:00' } }, /is not a date/],
    ['no boolean', { Bool: { [KEY]: 'yes' } }, /"yes" is not a boolean/],
    [
      'a value for Null that is not a boolean',
      { Null: { [KEY]: ['true', 'maybe'] } },
      /"maybe" is not a boolean/,
    ],
    ['no base64', { BinaryEquals: { [KEY]: 'a' } }, /is not base64 text/],
    ['no address', { IpAddress: { [KEY]: '10.0.0' } }, /is not an IP address/],
    ['a block with too short a prefix', { IpAddress: { [KEY]: '10.0.0.0/33' } }, /is not an IP address/],
    ['no ARN', { ArnLike: { [KEY]: 'arn:aws:iam' } }, /is not an ARN/],
    ['an unclosed variable', { StringEquals: { [KEY]: '${aws:username' } }, /no closing brace/],
  ];
  for (const [name, raw, message] of rows) {
    test(name, () => {
      const parse = (): unknown => parseConditions(raw, { variables: true, inVaultPolicy: false });
      assert.throws(parse, (error) => error instanceof PolicyError && message.test(error.message));
    });
  }
});
