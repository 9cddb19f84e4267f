import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Document } from '../../../test/support/policy-cases/cast.ts';
import {
  ALICE_ARN,
  alice,
  carol,
  forbid,
  forbidTo,
  grant,
  OTHER_ROOT_ARN,
  policy,
  ROLE_ARN,
  ROOT_ARN,
  root,
  VAULT,
} from '../../../test/support/policy-cases/cast.ts';
import { LOCK_BY_ACCOUNT, LOCK_BY_AGE, LOCK_BY_HOLD } from '../../../test/support/policy-cases/locks.ts';
import { checkLockPolicy, type LockWarning, simulateLock } from './lock-check.ts';
import { parsePolicy } from './policy.ts';

const NOW = Date.UTC(2026, 5, 15);
const AGE = 'glacier:ArchiveAgeInDays';
const HOLD = 'glacier:ResourceTag/LegalHold';
const FAR_VAULT = 'arn:aws:glacier:us-west-2:999999999999:vaults/examplevault';

function check(document: Document, accountId = '111122223333', vaultArn = VAULT): readonly LockWarning[] {
  return checkLockPolicy(
    parsePolicy(JSON.stringify(document), 'vault-lock', { vaultArn }),
    accountId,
    vaultArn,
    NOW,
  );
}

const condition = (operator: string, key: string, value: unknown): Document => ({
  Condition: { [operator]: { [key]: value } },
});
const young = condition('NumericLessThan', AGE, '365');
const old = condition('NumericGreaterThan', AGE, '365');
const del = 'glacier:DeleteArchive';

describe('the check results, by code', () => {
  const rows: readonly (readonly [string, Document, readonly string[]])[] = [
    ['the known lock by age', LOCK_BY_AGE, []],
    ['the known legal hold', LOCK_BY_HOLD, ['missing-tag-not-denied', 'no-time-limit', 'tag-can-change']],
    ['no Deny at all', policy(grant('glacier:ListJobs')), ['locks-nothing']],
    ['an Allow after a year', policy(grant(del, old)), ['allow-instead-of-deny', 'locks-nothing']],
    ['an Allow after a year together with a Deny before it', policy(grant(del, old), forbid(del, young)), []],
    [
      'a Deny for services only',
      policy(forbid(del, { Principal: { Service: 'x.amazonaws.com' } })),
      ['locks-nothing', 'never-applies'],
    ],
    [
      'a Deny that matches no caller',
      policy(forbid(del, { Principal: undefined, NotPrincipal: '*' })),
      ['locks-nothing', 'never-applies', 'not-principal'],
    ],
    [
      'a Deny under a negative age',
      policy(forbid(del, condition('NumericLessThan', AGE, 0))),
      ['locks-nothing', 'never-applies'],
    ],
    [
      'a Deny on a key that is always missing',
      policy(forbid(del, condition('StringEquals', 'aws:SourceVpc', 'vpc-1'))),
      ['locks-nothing', 'never-applies'],
    ],
    [
      'a Deny that never matches and one that does',
      policy(forbid(del, condition('StringEquals', 'aws:SourceVpc', 'v')), forbid(del, young)),
      ['never-applies'],
    ],
    ['other actions only', policy(forbid('glacier:DeleteVault')), ['deletion-not-denied']],
    ['deletion denied without a condition', policy(forbid(del)), ['denies-for-ever']],
    ['deletion denied to the account', policy(forbidTo(ROOT_ARN, del)), ['denies-for-ever']],
    [
      'deletion denied for three hundred years',
      policy(forbid(del, condition('NumericLessThan', AGE, 109_500))),
      ['denies-for-ever'],
    ],
    [
      'deletion denied from a date on',
      policy(forbid(del, condition('DateGreaterThan', 'aws:CurrentTime', '2030-01-01'))),
      ['denies-for-ever'],
    ],
    [
      'deletion denied until a date',
      policy(forbid(del, condition('DateLessThan', 'aws:CurrentTime', '2030-01-01'))),
      [],
    ],
    [
      'deletion denied until a past date',
      policy(forbid(del, condition('DateLessThan', 'aws:CurrentTime', '2026-06-14'))),
      ['locks-nothing', 'never-applies'],
    ],
    [
      'deletion denied until a past second',
      policy(forbid(del, condition('NumericLessThan', 'aws:EpochTime', String(NOW / 1000 - 1)))),
      ['locks-nothing', 'never-applies'],
    ],
    [
      'deletion denied on one future day',
      policy(forbid(del, condition('DateEquals', 'aws:CurrentTime', '2026-06-16'))),
      [],
    ],
    [
      'actions on the account named',
      policy(forbid([del, 'glacier:ListVaults', 'glacier:createvault'], young)),
      ['account-action'],
    ],
    [
      'everything denied',
      policy(forbid('glacier:*')),
      ['access-policy-frozen', 'cannot-abort', 'cannot-complete', 'denies-everything'],
    ],
    ['old archives denied', policy(forbid(del, old)), ['denies-old-archives']],
    ['only users bound', policy(forbidTo(ALICE_ARN, del)), ['root-not-bound', 'users-not-bound']],
    [
      'another account bound',
      policy(forbid(del, { ...young, Principal: { AWS: OTHER_ROOT_ARN } })),
      ['root-not-bound', 'users-not-bound'],
    ],
    [
      'completion denied',
      policy(forbid(del, young), forbid('glacier:CompleteVaultLock')),
      ['cannot-complete'],
    ],
    ['abortion denied', policy(forbid(del, young), forbid('glacier:AbortVaultLock')), ['cannot-abort']],
    [
      'the access policy frozen',
      policy(forbid(del, young), forbid('glacier:SetVaultAccessPolicy')),
      ['access-policy-frozen'],
    ],
    [
      'an Allow that a Deny overrides',
      policy(grant(del, old), forbid(del)),
      ['allow-in-vain', 'denies-for-ever'],
    ],
    [
      'an Allow to a role that a Deny overrides',
      policy(grant(del, { Principal: { AWS: ROLE_ARN } }), forbid(del)),
      ['allow-in-vain', 'denies-for-ever'],
    ],
    [
      'an Allow for a tag that a Deny does not cover',
      policy(grant(del, condition('StringEquals', 'glacier:ResourceTag/Release', 'yes')), forbid(del, young)),
      [],
    ],
    [
      'a Deny with NotAction',
      policy({
        Effect: 'Deny',
        Principal: '*',
        NotAction: ['glacier:*Lock', 'glacier:*AccessPolicy', 'glacier:List*', 'glacier:Describe*'],
        Resource: VAULT,
        ...young,
      }),
      ['key-not-carried', 'not-action'],
    ],
    [
      'a Deny with NotPrincipal that excludes one',
      policy(forbid(del, { ...young, Principal: undefined, NotPrincipal: { AWS: [ALICE_ARN, ROOT_ARN] } })),
      ['not-principal', 'root-not-bound'],
    ],
    [
      'a Deny with NotPrincipal and no account',
      policy(forbid(del, { ...young, Principal: undefined, NotPrincipal: { AWS: ALICE_ARN } })),
      ['not-principal-without-account'],
    ],
    [
      'a permanent Deny that excludes another account',
      policy(forbid(del, { Principal: undefined, NotPrincipal: { AWS: OTHER_ROOT_ARN } })),
      ['not-principal'],
    ],
    ['an age on other actions', policy(forbid([del, 'glacier:DeleteVault'], young)), ['key-not-carried']],
    [
      'a tag on an action without tags',
      policy(forbid([del, 'glacier:GetJobOutput'], { Condition: { NumericLessThan: { [AGE]: 5 } } })),
      ['key-not-carried'],
    ],
    [
      'a release tag',
      policy(forbid(del, condition('StringNotEquals', 'glacier:ResourceTag/Release', 'yes'))),
      ['missing-tag-denied', 'no-time-limit', 'tag-can-change'],
    ],
    [
      'a hold that cannot be changed',
      policy(
        forbid(del, condition('StringEquals', HOLD, 'true')),
        forbid(['glacier:AddTagsToVault', 'glacier:RemoveTagsFromVault']),
      ),
      ['missing-tag-not-denied', 'no-time-limit', 'tag-frozen'],
    ],
    [
      'an age compared as a string',
      policy(forbid(del, condition('StringEquals', AGE, '1'))),
      ['age-not-numeric'],
    ],
    [
      'MFA without IfExists',
      policy(forbid(del, condition('Bool', 'aws:MultiFactorAuthPresent', 'false'))),
      ['no-time-limit', 'second-factor-missing'],
    ],
    [
      'MFA with IfExists',
      policy(forbid(del, condition('BoolIfExists', 'aws:MultiFactorAuthPresent', 'false'))),
      ['no-time-limit'],
    ],
  ];
  for (const [name, document, codes] of rows) {
    test(name, () =>
      assert.deepEqual(
        check(document)
          .map(({ code }) => code)
          .sort(),
        codes,
      ),
    );
  }

  test('the known lock by account, on the vault of that account', () => {
    assert.deepEqual(check(LOCK_BY_ACCOUNT, '999999999999', FAR_VAULT), []);
  });

  test('the most serious result comes first and names its statement', () => {
    const [first, ...rest] = check(policy(forbid('glacier:*', { Sid: 'all' })));
    assert.equal(first?.severity, 'danger');
    assert.equal(first?.statement, '"all"');
    assert.match(first?.message ?? '', /^Statement "all" denies /);
    assert.equal(rest.at(-1)?.severity, 'note');
  });

  test('statements without effect and conditions that will never match are named', () => {
    const [account] = check(policy(forbid([del, 'glacier:ListVaults'], { Sid: 'list', ...young })));
    assert.equal(
      account?.message,
      'Statement "list" names glacier:ListVaults: only identity policies decide actions on the account, so this has no effect here.',
    );
    const past = check(policy(forbid(del, condition('DateLessThan', 'aws:CurrentTime', '2026-06-14'))));
    assert.match(
      past.map(({ message }) => message).join(),
      /Statement 1 never applies: DateLessThan on aws:CurrentTime can never be met again, its time is past\./,
    );
  });

  test('a lock without a Principal is refused when parsed', () => {
    const { Principal: _everyone, ...statement } = forbid(del, young);
    assert.throws(() => check(policy(statement)), /Statement 1: Principal is missing/);
  });
});

describe('simulation', () => {
  const lock = parsePolicy(JSON.stringify(LOCK_BY_AGE), 'vault-lock', { vaultArn: VAULT });
  const asked = { action: 'DeleteArchive', vaultArn: VAULT } as const;

  test('age decides for root and users alike', () => {
    for (const principal of [root, alice]) {
      const answers = [0, 364, 365, 366].map(
        (ageInDays) => simulateLock(lock, { ...asked, principal, ageInDays }).allowed,
      );
      assert.deepEqual(answers, [false, false, true, true]);
    }
  });

  test('the denying statement is named', () => {
    const answer = simulateLock(lock, { ...asked, principal: root, ageInDays: 1 });
    assert.equal(answer.reason, 'explicit-deny');
    assert.equal(answer.statement?.sid, 'deny-based-on-archive-age');
  });

  test('another account needs a vault policy', () => {
    const abroad = { ...asked, principal: carol, ageInDays: 400 };
    assert.equal(simulateLock(lock, abroad).reason, 'implicit-deny');
    const vaultAccess = parsePolicy(JSON.stringify(policy(grant('glacier:*'))), 'vault-access');
    assert.equal(simulateLock(lock, { ...abroad, vaultAccess }).reason, 'allowed-by-resource');
    assert.equal(simulateLock(lock, { ...abroad, vaultAccess, ageInDays: 3 }).policyKind, 'vault-lock');
  });

  test('tags and other condition values', () => {
    const hold = parsePolicy(JSON.stringify(LOCK_BY_HOLD), 'vault-lock');
    const byRoot = { ...asked, principal: root, ageInDays: 9_999 };
    assert.equal(simulateLock(hold, { ...byRoot, tags: { LegalHold: 'true' } }).allowed, false);
    assert.equal(simulateLock(hold, { ...byRoot, tags: { legalhold: '' } }).allowed, false);
    assert.equal(simulateLock(hold, byRoot).allowed, true);
    const late = parsePolicy(
      JSON.stringify(policy(forbid(del, condition('DateLessThan', 'aws:CurrentTime', '2030')))),
      'vault-lock',
    );
    const at = (now: string) =>
      simulateLock(late, { ...byRoot, conditionValues: { 'aws:CurrentTime': now } }).allowed;
    assert.deepEqual([at('2029-12-31T23:59:59Z'), at('2030-01-01T00:00:00Z')], [false, true]);
  });
});
