/** Lock policies: the three known ones, and other forms that operators write. */
import type { Reason } from '../../../src/domain/policy/authorize.ts';
import type { Caller } from '../../../src/domain/policy/caller.ts';
import type { Case, CaseRequest, Document } from './cast.ts';
import { alice, allow, carol, forbid, grant, policy, root, VAULT } from './cast.ts';

const AGE = 'glacier:ArchiveAgeInDays';
const HOLD = 'glacier:ResourceTag/LegalHold';

/** The caller's own account 999999999999, for the third of the known policies. */
const FAR_VAULT = 'arn:aws:glacier:us-west-2:999999999999:vaults/examplevault';
const farRoot: Caller = { kind: 'root', arn: 'arn:aws:iam::999999999999:root', accountId: '999999999999' };
const farUser: Caller = {
  kind: 'user',
  arn: 'arn:aws:iam::999999999999:user/dora',
  accountId: '999999999999',
  userName: 'dora',
};

/** 1: archives younger than a year cannot be deleted. */
export const LOCK_BY_AGE = policy({
  Sid: 'deny-based-on-archive-age',
  Principal: '*',
  Effect: 'Deny',
  Action: 'glacier:DeleteArchive',
  Resource: [VAULT],
  Condition: { NumericLessThan: { 'glacier:ArchiveAgeInDays': '365' } },
});

/** 2: no archive can be deleted while the vault has a legal hold; the account may delete within the first year. */
export const LOCK_BY_HOLD = policy(
  {
    Sid: 'no-one-can-delete-any-archive-from-vault',
    Principal: '*',
    Effect: 'Deny',
    Action: ['glacier:DeleteArchive'],
    Resource: [VAULT],
    Condition: { StringLike: { 'glacier:ResourceTag/LegalHold': ['true', ''] } },
  },
  {
    Sid: 'you-can-delete-archive-less-than-1-year-old',
    Principal: { AWS: 'arn:aws:iam::111122223333:root' },
    Effect: 'Allow',
    Action: ['glacier:DeleteArchive'],
    Resource: [VAULT],
    Condition: { NumericLessThan: { 'glacier:ArchiveAgeInDays': '365' } },
  },
);

/** 3: the account cannot delete archives up to a year old. The key is deliberately spelled in another case. */
export const LOCK_BY_ACCOUNT = policy({
  Sid: 'deny-based-on-archive-age',
  Principal: { AWS: 'arn:aws:iam::999999999999:root' },
  Effect: 'Deny',
  Action: 'glacier:DeleteArchive',
  Resource: FAR_VAULT,
  Condition: { NumericLessThanEquals: { 'glacier:ArchiveAgeinDays': '365' } },
});

const identity = [policy(allow('glacier:*'))];

/** Caller, the archive's age, the vault's tags, and the decision on DeleteArchive or on the row's action. */
type Row = readonly [
  who: Caller,
  conditionValues: Readonly<Record<string, string>>,
  expected: Reason,
  action?: CaseRequest['action'],
];

function under(name: string, lock: Document, resource: string, rows: readonly Row[]): readonly Case[] {
  return rows.map(([principal, conditionValues, expected, action = 'DeleteArchive']) => ({
    name: `${name}: ${action} by ${principal.arn}, ${JSON.stringify(conditionValues)}`,
    identity: principal.kind === 'root' ? [] : identity,
    lock,
    request: { principal, action, resource, conditionValues },
    expected,
  }));
}

const BY_AGE = under('lock by age', LOCK_BY_AGE, VAULT, [
  [alice, { [AGE]: '0' }, 'explicit-deny'],
  [alice, { [AGE]: '100' }, 'explicit-deny'],
  [alice, { [AGE]: '364.999' }, 'explicit-deny'],
  [alice, { [AGE]: '365' }, 'allowed-by-identity'],
  [alice, { [AGE]: '400' }, 'allowed-by-identity'],
  [root, { [AGE]: '100' }, 'explicit-deny'],
  [root, { [AGE]: '365' }, 'root'],
  [carol, { [AGE]: '100' }, 'explicit-deny'],
  [carol, { [AGE]: '400' }, 'implicit-deny'],
  [alice, { [AGE]: '100' }, 'allowed-by-identity', 'InitiateJob'],
  [alice, {}, 'allowed-by-identity', 'UploadArchive'],
  [root, {}, 'root', 'DeleteVault'],
  [root, {}, 'root', 'DeleteVaultAccessPolicy'],
]);

const BY_HOLD = under('legal hold', LOCK_BY_HOLD, VAULT, [
  [alice, { [AGE]: '100', [HOLD]: 'true' }, 'explicit-deny'],
  [alice, { [AGE]: '1000', [HOLD]: 'true' }, 'explicit-deny'],
  [alice, { [AGE]: '100', [HOLD]: '' }, 'explicit-deny'],
  [alice, { [AGE]: '100' }, 'allowed-by-identity'],
  [alice, { [AGE]: '100', [HOLD]: 'false' }, 'allowed-by-identity'],
  [alice, { [AGE]: '100', [HOLD]: 'True' }, 'allowed-by-identity'],
  [root, { [AGE]: '100', [HOLD]: 'true' }, 'explicit-deny'],
  [root, { [AGE]: '1000', [HOLD]: '' }, 'explicit-deny'],
  [root, { [AGE]: '1000' }, 'root'],
  [alice, { [HOLD]: 'true' }, 'allowed-by-identity', 'RemoveTagsFromVault'],
  [alice, { [HOLD]: 'true' }, 'allowed-by-identity', 'UploadArchive'],
]);

const BY_ACCOUNT = under('lock by account', LOCK_BY_ACCOUNT, FAR_VAULT, [
  [farUser, { [AGE]: '365' }, 'explicit-deny'],
  [farUser, { [AGE]: '10' }, 'explicit-deny'],
  [farUser, { [AGE]: '366' }, 'allowed-by-identity'],
  [farRoot, { [AGE]: '365' }, 'explicit-deny'],
  [farRoot, { [AGE]: '366' }, 'root'],
  [alice, { [AGE]: '10' }, 'implicit-deny'],
]);

const olderThanAYear = { Condition: { NumericGreaterThan: { [AGE]: '365' } } };

/** An Allow after a year does not imply a Deny before it. */
const ALLOW_ONLY = under(
  'Allow after a year, no Deny',
  policy(grant('glacier:DeleteArchive', olderThanAYear)),
  VAULT,
  [
    [alice, { [AGE]: '10' }, 'allowed-by-identity'],
    [root, { [AGE]: '10' }, 'root'],
  ],
);

const TAGS_TOO = under(
  'hold that cannot be lifted',
  policy(
    forbid('glacier:DeleteArchive', { Condition: { StringEquals: { [HOLD]: 'true' } } }),
    forbid(['glacier:AddTagsToVault', 'glacier:RemoveTagsFromVault']),
  ),
  VAULT,
  [
    [root, { [HOLD]: 'true' }, 'explicit-deny', 'RemoveTagsFromVault'],
    [alice, {}, 'explicit-deny', 'AddTagsToVault'],
    [root, { [HOLD]: 'true', [AGE]: '9999' }, 'explicit-deny'],
    [root, { [AGE]: '9999' }, 'root'],
  ],
);

const NEGATED = under(
  'release tag needed',
  policy(
    forbid('glacier:DeleteArchive', {
      Condition: { StringNotEquals: { 'glacier:ResourceTag/Release': 'yes' } },
    }),
  ),
  VAULT,
  [
    [root, {}, 'explicit-deny'],
    [root, { 'glacier:ResourceTag/Release': 'no' }, 'explicit-deny'],
    [root, { 'glacier:ResourceTag/Release': 'yes' }, 'root'],
    [alice, { 'glacier:ResourceTag/Release': 'yes' }, 'allowed-by-identity'],
  ],
);

export const LOCK_CASES: readonly Case[] = [
  ...BY_AGE,
  ...BY_HOLD,
  ...BY_ACCOUNT,
  ...ALLOW_ONLY,
  ...TAGS_TOO,
  ...NEGATED,
];
