import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compileArn, isArn } from './arn-pattern.ts';
import { compileGlob, globOf } from './wildcard.ts';

const matches = (pattern: string, text: string): boolean => compileGlob(globOf(pattern))(text);

describe('wildcards', () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'anything', true],
    ['?', '', false],
    ['?', '😀', true],
    ['a*', 'a', true],
    ['a*', 'ba', false],
    ['*a', 'aba', true],
    ['a*a', 'a', false],
    ['**', '', true],
    ['*?*', 'x', true],
    ['a?c', 'abc', true],
    ['a.c', 'abc', false],
    ['a\nb*', 'a\nbc', true],
    ['[ab]', 'a', false],
  ];
  for (const [pattern, text, expected] of rows) {
    test(`${JSON.stringify(pattern)} and ${JSON.stringify(text)}`, () =>
      assert.equal(matches(pattern, text), expected));
  }

  test('match like the equivalent regular expression', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.', '😀'), maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '😀'), maxLength: 10 });
    fc.assert(
      fc.property(pattern, text, (glob, subject) => {
        const source = glob.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.');
        assert.equal(matches(glob, subject), new RegExp(`^${source}$`, 'su').test(subject));
      }),
      { numRuns: 5000 },
    );
  });

  test('match every pattern fast', () => {
    const text = 'a'.repeat(16_000);
    const patterns = [
      `${'*a'.repeat(9_000)}b`,
      `*${'a'.repeat(8_000)}b*c`,
      `*${'?a'.repeat(5_000)}b*`,
      `${'*?'.repeat(8_000)}b`,
    ];
    // CPU time of this process, independent of the machine's load.
    const start = process.cpuUsage();
    for (const pattern of patterns) assert.equal(matches(pattern, text), false);
    assert.ok(process.cpuUsage(start).user < 5_000_000, 'backtracking would take days');
  });
});

describe('ARN patterns', () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['*', 'arn:aws:iam::1:user/a', true],
    ['*', 'alice', false],
    ['arn:aws:iam::1:user/*', 'arn:aws:iam::1:user/a/b', true],
    ['arn:aws:iam::*:user/a', 'arn:aws:iam::1:user/a', true],
    ['arn:aws:iam::*', 'arn:aws:iam::1:user/a', false],
    ['arn:aws:*:user/a', 'arn:aws:iam::1:user/a', false],
    ['arn:*:iam::1:*', 'arn:aws-cn:iam::1:role/r', true],
    ['arn:aws:sns:us-east-1:1:a:b', 'arn:aws:sns:us-east-1:1:a:b', true],
    ['arn:aws:sns:us-east-1:1:a*', 'arn:aws:sns:us-east-1:1:a:b', true],
    ['arn:aws:sns:*:b', 'arn:aws:sns:us-east-1:1:a:b', false],
  ];
  for (const [pattern, arn, expected] of rows) {
    test(`${pattern} and ${arn}`, () => assert.equal(compileArn(globOf(pattern))(arn), expected));
  }

  test('what an ARN is', () => {
    assert.ok(isArn('arn:aws:iam::1:root'));
    assert.ok(!isArn('arn:aws:iam::1'));
    assert.ok(!isArn('urn:aws:iam::1:root'));
  });
});
