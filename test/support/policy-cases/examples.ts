/** Examples of the guides, and the condition keys that requests for each action have. */
import type { Reason } from '../../../src/domain/policy/authorize.ts';
import type { Case } from './cast.ts';
import { alice, allow, carol, forbid, policy, root, VAULT } from './cast.ts';

const AGE = 'glacier:ArchiveAgeInDays';
const TAG = 'glacier:ResourceTag/team';
const MFA = 'aws:MultiFactorAuthPresent';

/** Keys that are not defined for an action are missing from its requests, whatever the vault has. */
const CARRIED: readonly Case[] = (
  [
    ['DescribeVault', TAG, 'implicit-deny'],
    ['GetJobOutput', TAG, 'implicit-deny'],
    ['AbortMultipartUpload', TAG, 'implicit-deny'],
    ['UploadArchive', TAG, 'allowed-by-identity'],
    ['InitiateJob', TAG, 'allowed-by-identity'],
    ['SetVaultNotifications', TAG, 'allowed-by-identity'],
    ['InitiateJob', AGE, 'allowed-by-identity'],
    ['DeleteVault', AGE, 'implicit-deny'],
    ['GetJobOutput', AGE, 'implicit-deny'],
  ] as const
).map(([action, key, expected]) => ({
  name: `${action} and the key ${key}`,
  identity: [policy(allow('glacier:*', { Condition: { StringLike: { [key]: '*' } } }))],
  request: { principal: alice, action, resource: VAULT, conditionValues: { [TAG]: 'red', [AGE]: '10' } },
  expected,
}));

/** Examples of the guide, as vault access policies. */
const mfaDelete = policy(forbid('glacier:Delete*', { Condition: { BoolIfExists: { [MFA]: 'false' } } }));
const EXAMPLES: readonly Case[] = (
  [
    ['MFA delete: with a second factor', { [MFA]: 'true' }, 'allowed-by-identity'],
    ['MFA delete: token without a second factor', { [MFA]: 'false' }, 'explicit-deny'],
    ['MFA delete: long-term key', {}, 'explicit-deny'],
  ] as readonly (readonly [string, Record<string, string>, Reason])[]
).map(([name, conditionValues, expected]) => ({
  name,
  identity: [policy(allow('glacier:*'))],
  access: mfaDelete,
  request: { principal: alice, action: 'DeleteArchive', resource: VAULT, conditionValues },
  expected,
}));

const uploaders = policy({
  Sid: 'cross-account-upload',
  Principal: { AWS: ['arn:aws:iam::444455556666:root', 'arn:aws:iam::777788889999:root'] },
  Effect: 'Allow',
  Action: [
    'glacier:UploadArchive',
    'glacier:InitiateMultipartUpload',
    'glacier:AbortMultipartUpload',
    'glacier:CompleteMultipartUpload',
  ],
  Resource: [VAULT],
});

const UPLOADS: readonly Case[] = (
  [
    ['UploadArchive', 'allowed-by-resource'],
    ['InitiateMultipartUpload', 'allowed-by-resource'],
    ['AbortMultipartUpload', 'allowed-by-resource'],
    ['CompleteMultipartUpload', 'allowed-by-resource'],
    ['UploadMultipartPart', 'implicit-deny'],
    ['DeleteArchive', 'implicit-deny'],
  ] as const
).map(([action, expected]) => ({
  name: `cross-account upload of the guide: ${action}`,
  identity: [policy(allow('glacier:*'))],
  access: uploaders,
  request: { principal: carol, action, resource: VAULT },
  expected,
}));

const TRANSPORT: readonly Case[] = [
  {
    name: 'plain HTTP denied, root over plain HTTP',
    access: policy(forbid('glacier:*', { Condition: { Bool: { 'aws:SecureTransport': 'false' } } })),
    request: {
      principal: root,
      action: 'ListJobs',
      resource: VAULT,
      conditionValues: { 'aws:SecureTransport': 'false' },
    },
    expected: 'explicit-deny',
  },
  {
    name: 'plain HTTP denied, HTTPS used',
    access: policy(forbid('glacier:*', { Condition: { Bool: { 'aws:SecureTransport': 'false' } } })),
    request: {
      principal: root,
      action: 'ListJobs',
      resource: VAULT,
      conditionValues: { 'aws:SecureTransport': 'true' },
    },
    expected: 'root',
  },
];

export const EXAMPLE_CASES: readonly Case[] = [...CARRIED, ...EXAMPLES, ...UPLOADS, ...TRANSPORT];
