import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { VAULT, v } from '../../../test/support/policy-cases/cast.ts';
import { LOCK_BY_HOLD } from '../../../test/support/policy-cases/locks.ts';
import { refusal } from '../../../test/support/policy-refusal.ts';
import { type PolicyKind, parsePolicy } from './policy.ts';
import { PolicyError } from './policy-error.ts';

const KINDS: readonly PolicyKind[] = ['identity', 'vault-access', 'vault-lock'];
const here = { vaultArn: VAULT };

describe('parsing', () => {
  /** Asserts that parsing returns a policy or throws a PolicyError. */
  const survives = (text: string): void => {
    for (const kind of KINDS) {
      try {
        assert.ok(parsePolicy(text, kind, here).statements.length > 0);
      } catch (error) {
        assert.ok(error instanceof PolicyError, `${String(error)} for ${text}`);
        assert.ok(
          error.message.length > 0 && error.message.length < 1000 && !/[\n\r]/.test(error.message),
          error.message,
        );
      }
    }
  };

  test('any text', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.json()), survives), {
      numRuns: 1500,
    });
  });

  test('any values in the places of a policy', () => {
    const words = fc.constantFrom(
      ...[
        '*',
        'Allow',
        'Deny',
        'glacier:*',
        VAULT,
        '2012-10-17',
        '__proto__',
        'constructor',
        '${',
        v('aws:username'),
        '365',
      ],
    );
    const value = fc.oneof(
      { depthSize: 'small' },
      words,
      fc.jsonValue({ maxDepth: 3 }),
      fc.array(words, { maxLength: 3 }),
    );
    const operator = fc.constantFrom(
      'Bool',
      'Null',
      'StringLike',
      'NumericLessThan',
      'DateEquals',
      'IpAddress',
      'ArnLike',
      'ForAnyValue:StringEquals',
      '__proto__',
      'x',
    );
    const key = fc.constantFrom(
      'aws:SourceIp',
      'glacier:ArchiveAgeInDays',
      'glacier:ResourceTag/a',
      '__proto__',
      'toString',
    );
    const condition = fc.dictionary(operator, fc.dictionary(key, value, { maxKeys: 2 }), { maxKeys: 2 });
    const statement = fc.record(
      {
        Sid: value,
        Effect: value,
        Principal: fc.oneof(value, fc.dictionary(fc.constantFrom('AWS', 'Service'), value)),
        NotPrincipal: value,
        Action: value,
        NotAction: value,
        Resource: value,
        NotResource: value,
        Condition: fc.oneof(condition, value),
      },
      { requiredKeys: [] },
    );
    const document = fc.record(
      {
        Version: value,
        Id: value,
        Statement: fc.oneof(statement, fc.array(statement, { maxLength: 2 }), value),
      },
      { requiredKeys: ['Statement'] },
    );
    fc.assert(
      fc.property(document, (raw) => survives(JSON.stringify(raw))),
      { numRuns: 1500 },
    );
  });

  test('a valid policy with a piece removed, doubled or replaced', () => {
    const good = JSON.stringify(LOCK_BY_HOLD);
    const at = fc.nat(good.length);
    fc.assert(
      fc.property(
        at,
        fc.nat(20),
        fc.oneof(fc.constant(''), fc.constantFrom('{', '"', '\\', '${', ',', ':', '*'), fc.string()),
        (from, length, insert) => {
          survives(good.slice(0, from) + insert + good.slice(from + length));
          survives(good.slice(0, from + length) + good.slice(from));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('finds duplicate keys wherever they are', () => {
    /** An object or list as text, and whether any object in it has a duplicate key. */
    const node = fc.letrec<{ node: { text: string; doubled: boolean } }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'medium', withCrossShrink: true },
        fc.jsonValue({ maxDepth: 0 }).map((leaf) => ({ text: JSON.stringify(leaf), doubled: false })),
        fc.array(tie('node'), { maxLength: 3 }).map((list) => ({
          text: `[${list.map(({ text }) => text).join(' , ')}]`,
          doubled: list.some(({ doubled }) => doubled),
        })),
        fc
          .array(fc.tuple(fc.constantFrom('a', 'b', 'c', '"', ':'), tie('node')), { maxLength: 3 })
          .map((members) => ({
            text: `{${members.map(([key, { text }]) => `${JSON.stringify(key)} : ${text}`).join(',')}}`,
            doubled:
              new Set(members.map(([key]) => key)).size < members.length ||
              members.some(([, inner]) => inner.doubled),
          })),
      ),
    })).node;
    fc.assert(
      fc.property(node, ({ text, doubled }) => {
        assert.equal(/is given twice/.test(refusal(() => parsePolicy(text, 'identity'))), doubled);
      }),
      { numRuns: 1000 },
    );
  });
});
