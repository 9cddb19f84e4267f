import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CASES } from '../../../test/support/policy-cases/all.ts';
import type { Case, Document } from '../../../test/support/policy-cases/cast.ts';
import {
  alice,
  allow,
  carol,
  deny,
  forbid,
  grant,
  policy,
  root,
  VAULT,
} from '../../../test/support/policy-cases/cast.ts';
import { EXTENSION_CASES, EXTENSION_NAMES } from '../../../test/support/policy-cases/extensions.ts';
import { GLACIER_ACTIONS } from './actions.ts';
import { type AccessRequest, authorize, type PolicySet } from './authorize.ts';
import { denialText } from './denial-text.ts';
import { ACTIONS, isExtensionAction } from './extension-actions.ts';
import { type Policy, type PolicyKind, parsePolicy } from './policy.ts';
import { contextOf } from './request-context.ts';

const read = (document: Document, kind: PolicyKind): Policy => parsePolicy(JSON.stringify(document), kind);

function requestOf({
  principal,
  action,
  resource,
  conditionValues = {},
  ...many
}: Case['request']): AccessRequest {
  // Provisioned capacity has no ARN; it belongs to the caller's account.
  const resourceAccountId = resource === '*' ? principal.accountId : (resource.split(':')[4] ?? '');
  return { principal, action, resource, resourceAccountId, context: contextOf(conditionValues), ...many };
}

function policiesOf({ identity = [], access, lock }: Case): PolicySet {
  return {
    identity: identity.map((document) => read(document, 'identity')),
    vaultAccess: access && read(access, 'vault-access'),
    vaultLock: lock && read(lock, 'vault-lock'),
  };
}

describe('authorization cases', () => {
  for (const [i, row] of [...CASES, ...EXTENSION_CASES].entries()) {
    test(`${i + 1} ${row.name}`, () => {
      const decision = authorize(requestOf(row.request), policiesOf(row));
      assert.equal(decision.reason, row.expected);
      assert.equal(decision.allowed, !row.expected.endsWith('-deny'));
    });
  }
});

test('the table of extensions has every extension, and rows with different names', () => {
  assert.deepEqual([...EXTENSION_NAMES].sort(), ACTIONS.filter(isExtensionAction).sort());
  assert.equal(new Set(EXTENSION_CASES.map(({ name }) => name)).size, EXTENSION_CASES.length);
});

test('the table has every action, and enough rows with different names', () => {
  const used = new Set(CASES.map(({ request }) => request.action));
  assert.deepEqual([...used].sort(), [...GLACIER_ACTIONS].sort());
  assert.equal(used.size, 33);
  assert.ok(CASES.length >= 320, `${CASES.length} rows`);
  assert.equal(new Set(CASES.map(({ name }) => name)).size, CASES.length);
});

describe('a decision', () => {
  const request = requestOf({ principal: alice, action: 'DeleteArchive', resource: VAULT });
  const decide = (row: Omit<Case, 'name' | 'request' | 'expected'>) =>
    authorize(request, policiesOf({ name: '', request, expected: 'root', ...row }));

  test('names the statement and the policy that allowed', () => {
    const decision = decide({ identity: [policy(deny('glacier:ListJobs'), allow('*', { Sid: 'all' }))] });
    assert.equal(decision.statement?.label, '"all"');
    assert.equal(decision.statement?.index, 2);
    assert.equal(decision.policyKind, 'identity');
  });

  test("names the lock's denial among several", () => {
    const all = { identity: [policy(deny('*'))], access: policy(forbid('*')), lock: policy(forbid('*')) };
    assert.equal(decide(all).policyKind, 'vault-lock');
    assert.equal(decide({ identity: all.identity, access: all.access }).policyKind, 'vault-access');
    assert.equal(decide({ identity: all.identity }).policyKind, 'identity');
  });

  test('names the side without an Allow', () => {
    assert.equal(decide({}).policyKind, 'identity');
    const abroad = { ...request, principal: carol };
    assert.equal(authorize(abroad, { identity: [] }).policyKind, 'identity');
    assert.equal(
      authorize(abroad, { identity: [read(policy(allow('*')), 'identity')] }).policyKind,
      'vault-access',
    );
  });

  test('evaluates conditions only if action and resource match', () => {
    const context = { get: (): never => assert.fail('looked up') };
    const when = { Condition: { Bool: { 'aws:SecureTransport': 'true' } } };
    const identity = [
      read(
        policy(allow('glacier:ListJobs', when), allow('*', { Resource: `${VAULT}2`, ...when })),
        'identity',
      ),
    ];
    assert.equal(authorize({ ...request, context }, { identity }).reason, 'implicit-deny');
  });
});

describe('the text of a refusal', () => {
  const request = requestOf({ principal: alice, action: 'DeleteArchive', resource: VAULT });
  const start = `User: ${alice.arn} is not authorized to perform: glacier:DeleteArchive on resource: ${VAULT}`;
  const full = read(policy(allow('*')), 'identity');
  const texts: readonly (readonly [string, AccessRequest, PolicySet, string])[] = [
    [
      'nothing allows',
      request,
      { identity: [] },
      ' because no identity-based policy allows the glacier:DeleteArchive action',
    ],
    [
      'an identity policy denies',
      request,
      { identity: [read(policy(deny('*')), 'identity')] },
      ' with an explicit deny in an identity-based policy',
    ],
    [
      'an access policy denies',
      request,
      { identity: [full], vaultAccess: read(policy(forbid('*')), 'vault-access') },
      ' with an explicit deny in a resource-based policy',
    ],
    [
      'a lock denies',
      request,
      { identity: [full], vaultLock: read(policy(forbid('*')), 'vault-lock') },
      ' with an explicit deny in a resource-based policy',
    ],
  ];
  for (const [name, asked, policies, end] of texts) {
    test(name, () => assert.equal(denialText(asked, authorize(asked, policies)), start + end));
  }

  test('another account without a grant', () => {
    const asked = {
      ...request,
      principal: { ...root, accountId: '999999999999', arn: 'arn:aws:iam::999999999999:root' },
    };
    assert.equal(
      denialText(asked, authorize(asked, { identity: [] })),
      `User: arn:aws:iam::999999999999:root is not authorized to perform: glacier:DeleteArchive on resource: ${VAULT} because no resource-based policy allows the glacier:DeleteArchive action`,
    );
  });
});

describe('for random policies', () => {
  const some = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
  const action = some(...GLACIER_ACTIONS);
  const condition = some<Document>(
    {},
    { Condition: { NumericLessThan: { 'glacier:ArchiveAgeInDays': 365 } } },
    { Condition: { StringNotEquals: { 'glacier:ResourceTag/hold': 'no' } } },
  );
  const pattern = fc.oneof(
    action.map((name) => `glacier:${name}`),
    some('glacier:*', 'glacier:Delete*', '*'),
  );
  const form = some(allow, deny);
  const own = fc.tuple(form, pattern, condition).map(([make, actions, more]) => make(actions, more));
  const vaultForm = some(grant, forbid);
  const who = some<Document>({}, { Principal: { AWS: [alice.arn] } }, { Principal: { AWS: '444455556666' } });
  const ofVault = fc
    .tuple(vaultForm, fc.constantFrom('glacier:*', 'glacier:Delete*', '*'), condition, who)
    .map(([make, actions, more, principal]) => make(actions, { ...more, ...principal }));
  const conditionValues = fc.record({
    'glacier:ArchiveAgeInDays': some('0', '400'),
    'glacier:ResourceTag/hold': some('no', 'yes'),
  });
  const rows = fc.record({
    own: fc.array(own, { maxLength: 3 }),
    access: fc.array(ofVault, { maxLength: 3 }),
    lock: fc.array(ofVault, { maxLength: 2 }),
    principal: some(alice, carol, root),
    action,
    conditionValues,
  });
  const side = fc.constantFrom<'own' | 'access' | 'lock'>('own', 'access', 'lock');
  type Row = typeof rows extends fc.Arbitrary<infer T> ? T : never;

  const decide = ({ own: mine, access, lock, principal, action: name, conditionValues: given }: Row) => {
    const doc = (statements: readonly Document[]): Document | undefined =>
      statements.length === 0 ? undefined : policy(...statements);
    const [identity, vaultAccess, vaultLock] = [doc(mine), doc(access), doc(lock)];
    return authorize(requestOf({ principal, action: name, resource: VAULT, conditionValues: given }), {
      identity: identity === undefined ? [] : [read(identity, 'identity')],
      vaultAccess: vaultAccess && read(vaultAccess, 'vault-access'),
      vaultLock: vaultLock && read(vaultLock, 'vault-lock'),
    });
  };

  test('one Deny more never allows more', () => {
    fc.assert(
      fc.property(rows, own, ofVault, side, (row, mine, theirs, where) => {
        const extra = { ...(where === 'own' ? mine : theirs), Effect: 'Deny' };
        const after = { ...row, [where]: [...row[where], extra] };
        assert.ok(!decide(after).allowed || decide(row).allowed);
      }),
      { numRuns: 1500 },
    );
  });

  test('one Allow more never allows less', () => {
    fc.assert(
      fc.property(rows, own, ofVault, side, (row, mine, theirs, where) => {
        const extra = { ...(where === 'own' ? mine : theirs), Effect: 'Allow' };
        const after = { ...row, [where]: [...row[where], extra] };
        assert.ok(decide(after).allowed || !decide(row).allowed);
      }),
      { numRuns: 1500 },
    );
  });

  test('the order of statements does not matter', () => {
    fc.assert(
      fc.property(rows, (row) => {
        const turned = { ...row, own: row.own.toReversed(), access: row.access.toReversed() };
        assert.equal(decide(turned).reason, decide(row).reason);
      }),
      { numRuns: 500 },
    );
  });

  test('no caller is allowed what a lock denies', () => {
    fc.assert(
      fc.property(rows, (row) => {
        const locked = decide({ ...row, own: [], access: [], principal: root });
        if (locked.reason !== 'explicit-deny' || locked.statement?.principals?.identities[0] !== '*') return;
        assert.equal(decide(row).reason, 'explicit-deny');
      }),
      { numRuns: 1000 },
    );
  });
});
