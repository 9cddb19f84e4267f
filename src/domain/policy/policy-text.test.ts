import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allow, policy } from '../../../test/support/policy-cases/cast.ts';
import { refusal } from '../../../test/support/policy-refusal.ts';
import { parsePolicy } from './policy.ts';

const allowOne = allow('glacier:ListJobs');

describe('the document as text', () => {
  test('may have at most 20,480 bytes', () => {
    const text = JSON.stringify(policy(allowOne));
    assert.ok(parsePolicy(text.padEnd(20_480), 'identity'));
    assert.match(
      refusal(() => parsePolicy(text.padEnd(20_481), 'identity')),
      /has 20481 bytes; it may have 20480/,
    );
  });

  test('is measured in bytes, not characters', () => {
    const text = JSON.stringify({ ...policy(allowOne), Id: 'é'.repeat(11_000) });
    assert.match(
      refusal(() => parsePolicy(text, 'identity')),
      /bytes; it may have/,
    );
  });

  test('nesting', () => {
    const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    assert.match(
      refusal(() => parsePolicy(nested(33), 'identity')),
      /deeper than 32 levels/,
    );
    assert.match(
      refusal(() => parsePolicy(nested(32), 'identity')),
      /must be an object/,
    );
    assert.match(
      refusal(() => parsePolicy('['.repeat(20_000), 'identity')),
      /not valid JSON/,
    );
  });

  const doubled: readonly (readonly [string, string, RegExp])[] = [
    ['at the top', '{"Statement":[],"Statement":[]}', /^the key "Statement" is given twice\.$/],
    [
      'in the single statement',
      '{"Statement":{"Effect":"Deny","Effect":"Allow"}}',
      /^Statement 1: the key "Effect" is given twice/,
    ],
    [
      'in the second statement',
      '{"Statement":[{"Sid":"a,{"},{"Effect":"Deny", "Effect":"Allow"}]}',
      /^Statement 2: the key "Effect"/,
    ],
    [
      'written differently',
      '{"Statement":[{"Effect":"Deny","\\u0045ffect":"Allow"}]}',
      /^Statement 1: the key "Effect"/,
    ],
    [
      'in a condition',
      '{"Statement":[{"Condition":{"Bool":{"a:b":"1","a:b":"2"}}}]}',
      /^Statement 1: the key "a:b"/,
    ],
    ['the prototype', '{"__proto__":1,"__proto__":2}', /the key "__proto__" is given twice/],
  ];
  for (const [name, text, message] of doubled) {
    test(`a duplicate key ${name}`, () =>
      assert.match(
        refusal(() => parsePolicy(text, 'identity')),
        message,
      ));
  }

  test('equal keys in different objects, and values that look like keys', () => {
    const text =
      '{"Version":"2012-10-17","Statement":[{"Sid":"Sid","Effect":"Allow","Action":["*","*"],"Resource":"*"},{"Sid":"Effect","Effect":"Allow","Action":"*","Resource":"*"}]}';
    assert.equal(parsePolicy(text, 'identity').statements.length, 2);
  });

  for (const text of [
    '',
    ' ',
    '{',
    '{"Statement":}',
    'undefined',
    '\ufeff{}',
    '{}{}',
    "{'a':1}",
    '{"a":1,}',
  ]) {
    test(`not JSON: ${JSON.stringify(text)}`, () =>
      assert.match(
        refusal(() => parsePolicy(text, 'identity')),
        /^The policy is not valid JSON: [^\n]*$/,
      ));
  }
});
