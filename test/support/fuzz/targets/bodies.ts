/** JSON bodies and policies. */
import assert from 'node:assert/strict';
import { Refusal } from '../../../../src/domain/errors.ts';
import { checkLockPolicy, simulateLock } from '../../../../src/domain/policy/lock-check.ts';
import { type PolicyKind, parsePolicy } from '../../../../src/domain/policy/policy.ts';
import { PolicyError } from '../../../../src/domain/policy/policy-error.ts';
import { compileGlob, globOf } from '../../../../src/domain/policy/wildcard.ts';
import { mergeTags } from '../../../../src/domain/tags.ts';
import { parseRetrievalPolicy } from '../../../../src/operations/account/retrieval-policy-member.ts';
import { parseJobRequest } from '../../../../src/operations/jobs/job-request.ts';
import { parseEvents, parseTopic } from '../../../../src/operations/notifications/notification-members.ts';
import { parseTagKeys, parseTags } from '../../../../src/operations/vaults/tag-members.ts';
import { parseJsonObject } from '../../../../src/protocol/json-body.ts';
import { ApiError } from '../../../../src/protocol/wire-error.ts';
import { CASES } from '../../policy-cases/all.ts';
import { alice, otherRoot, VAULT } from '../../policy-cases/cast.ts';
import { LOCK_BY_ACCOUNT, LOCK_BY_AGE, LOCK_BY_HOLD } from '../../policy-cases/locks.ts';
import { type FuzzTarget, outcomeOf } from '../target.ts';

const JSON_WORDS = [
  ...['{', '}', '[', ']', '"', ':', ',', '\\', '\\u', '\\ud800', 'null', 'true', 'false', '""', '{}', '[]'],
  ...['"__proto__":', '"constructor":', '1e400', '-0', '9007199254740993', '\ufeff', '\u2028', 'é'],
];

const bodies = (...values: readonly unknown[]): Buffer[] =>
  values.map((value) => Buffer.from(JSON.stringify(value)));

/** The body's JSON, and the members of every operation. */
export const jsonBody: FuzzTarget = {
  name: 'json-body',
  seeds: [
    ...bodies(
      { Tags: { key: 'value', '2': '' }, TagKeys: ['key'], Policy: { Rules: [{ Strategy: 'None' }] } },
      {
        Policy: { Rules: [{ Strategy: 'BytesPerHour', BytesPerHour: 5 }] },
        Events: ['ArchiveRetrievalCompleted'],
      },
      {
        Type: 'archive-retrieval',
        ArchiveId: 'a',
        RetrievalByteRange: '0-1',
        Tier: 'Bulk',
        Description: 'd',
      },
      { Type: 'inventory-retrieval', Format: 'JSON', SNSTopic: 'arn:aws:sns:us-east-1:111122223333:t' },
    ),
    ...bodies({
      Type: 'inventory-retrieval',
      InventoryRetrievalParameters: {
        Limit: '5',
        StartDate: '2013-03-20T17:03:43Z',
        EndDate: '2014-03-20T17:03:43+01',
      },
    }),
    Buffer.from('{"a":18446744073709551616,"b":[[[{"c":"\\u0041"}]]]}'),
    Buffer.from(`{"a":${'['.repeat(31)}${']'.repeat(31)}}`),
  ],
  dictionary: [
    ...JSON_WORDS,
    '"Tags":',
    '"TagKeys":',
    '"Rules":',
    '"BytesPerHour":',
    '"Events":',
    '"Marker":',
  ],
  run(input) {
    const members = outcomeOf(() => parseJsonObject(input), ApiError);
    if (members === undefined) return;
    const text = JSON.stringify(Object.fromEntries(members), exactNumbers);
    assert.deepEqual(parseJsonObject(Buffer.from(text)), members, 'the members change when they are written');
    for (const raw of [undefined, ...members.values()]) checkMembers(raw);
    outcomeOf(() => parseJobRequest(members, 'us-east-1'), Refusal);
  },
};

/** Of ES2026; Node.js has it. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** Writes numbers that JSON.stringify refuses, or writes as another number. */
function exactNumbers(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return rawJSON(String(value));
  if (typeof value !== 'number') return value;
  if (Object.is(value, -0)) return rawJSON('-0');
  if (!Number.isFinite(value)) return rawJSON(value > 0 ? '1e400' : '-1e400');
  // With its digits alone, a large number would be read as a bigint.
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? rawJSON(value.toExponential()) : value;
}

function checkMembers(raw: unknown): void {
  const tags = outcomeOf(() => parseTags(raw), Refusal);
  if (tags !== undefined) {
    const merged = mergeTags({}, tags);
    assert.deepEqual(Object.entries(merged), Object.entries(tags), 'a tag is lost');
    const keys = Object.keys(merged);
    assert.deepEqual(parseTagKeys(keys), keys, 'a tag that was added cannot be removed');
    assert.deepEqual(parseTags(JSON.parse(JSON.stringify(merged))), merged);
  }
  outcomeOf(() => parseTagKeys(raw), Refusal);
  outcomeOf(() => parseEvents(raw), Refusal);
  outcomeOf(() => parseTopic(raw, 'us-east-1'), Refusal);
  const policy = outcomeOf(() => parseRetrievalPolicy(raw), Refusal);
  if (policy?.strategy === 'BytesPerHour') assert.ok(policy.bytesPerHour >= 1n);
}

const KINDS: readonly PolicyKind[] = ['identity', 'vault-access', 'vault-lock'];
const NOW_MS = Date.UTC(2026, 2, 4);
const OWNER = '111122223333';

/** Policy documents: parsing, the warnings for locks, and decisions. */
export const policies: FuzzTarget = {
  name: 'policies',
  // The check of a lock simulates every action on many ages.
  blocksPerByte: 20_000,
  seeds: bodies(LOCK_BY_AGE, LOCK_BY_HOLD, LOCK_BY_ACCOUNT, ...documentsOfCases()),
  dictionary: [
    ...JSON_WORDS,
    ...[
      '${',
      '}',
      '*',
      '?',
      'glacier:*',
      'aws:username',
      VAULT,
      'ForAnyValue:',
      'ForAllValues:',
      'IfExists',
      '/32',
    ],
    ...[
      '"Statement":',
      '"Condition":',
      '"NotAction":',
      '"NotPrincipal":',
      '"NotResource":',
      '"Effect":"Deny"',
      '"Sid":"a"',
    ],
    ...[
      '"Version":"2012-10-17"',
      '"Principal":{"AWS":"*"}',
      '"glacier:ArchiveAgeInDays":',
      '"glacier:ResourceTag/a":',
    ],
    ...[
      '"NumericLessThan":',
      '"Bool":',
      '"Null":',
      '"DateLessThan":',
      '"IpAddress":',
      '"ArnLike":',
      '"StringLike":',
    ],
  ],
  run(input) {
    const text = input.toString('utf8');
    for (const kind of KINDS) {
      const policy = outcomeOf(() => parsePolicy(text, kind, { vaultArn: VAULT }), PolicyError);
      if (policy === undefined) continue;
      assert.ok(policy.statements.length > 0);
      const compact = JSON.stringify(JSON.parse(text));
      assert.deepEqual(
        JSON.stringify(parsePolicy(compact, kind, { vaultArn: VAULT })),
        JSON.stringify(policy),
        'white space changes the policy',
      );
      if (kind !== 'vault-lock') continue;
      checkLockPolicy(policy, OWNER, VAULT, NOW_MS);
      for (const principal of [alice, otherRoot])
        simulateLock(policy, {
          principal,
          action: 'DeleteArchive',
          vaultArn: VAULT,
          ageInDays: 3,
          tags: { a: 'b' },
        });
    }
  },
};

/** One small document of each kind that the tests of policies use. */
function documentsOfCases(): unknown[] {
  const documents = CASES.flatMap(({ identity = [], access, lock }) => [...identity, access ?? lock ?? {}]);
  const shapes = new Map(documents.map((one) => [JSON.stringify(one).replace(/"[^"]{20,}"/g, '""'), one]));
  return [...shapes.values()].filter((_, i) => i % 12 === 0);
}

/** Patterns with wildcards: pattern, line feed, text. */
export const wildcards: FuzzTarget = {
  name: 'wildcards',
  maxBytes: 400,
  // A search costs length × length / word size; blocks count the passes over the bits.
  blocksPerByte: 400,
  seeds: ['a*b?c\naxxbyc', '*\n', '??\nab', 'abc*\nabcd', '*a*a*a*b\naaaaaaaaaaaaaa'].map((text) =>
    Buffer.from(text),
  ),
  dictionary: ['*', '?', '\n', '**', 'a', '\u{1f600}'],
  run(input) {
    const [pattern = '', ...rest] = input.toString('utf8').split('\n');
    const text = rest.join('\n');
    assert.equal(compileGlob(globOf(pattern))(text), matchesPlainly([...pattern], [...text]));
  },
};

/** The textbook table: row by row, whether the pattern so far matches the first i characters. */
function matchesPlainly(pattern: readonly string[], text: readonly string[]): boolean {
  let row = [true, ...text.map(() => false)];
  for (const element of pattern) {
    const next = [element === '*' && row[0] === true];
    for (const [i, char] of text.entries()) {
      const one = (element === '?' || element === char) && row[i] === true;
      next.push(element === '*' ? next[i] === true || row[i + 1] === true : one);
    }
    row = next;
  }
  return row.at(-1) === true;
}
