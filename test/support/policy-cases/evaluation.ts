/** How the results of several policies and of both sides are combined. */
import type { Case } from './cast.ts';
import {
  alice,
  aliceForAnHour,
  allow,
  backup,
  carol,
  deny,
  forbid,
  forbidTo,
  grant,
  grantTo,
  OTHER_ROOT_ARN,
  otherRoot,
  policy,
  ROOT_ARN,
  root,
  VAULT,
} from './cast.ts';

const full = policy(allow('glacier:*'));
const nothing = policy(deny('glacier:*'));
const deleteArchive = { action: 'DeleteArchive', resource: VAULT } as const;
const byAlice = { principal: alice, ...deleteArchive };
const byRoot = { principal: root, ...deleteArchive };

const WITHIN: readonly Case[] = [
  { name: 'no policy at all', request: byAlice, expected: 'implicit-deny' },
  {
    name: 'the second of two policies allows',
    identity: [policy(allow('glacier:ListJobs')), full],
    request: byAlice,
    expected: 'allowed-by-identity',
  },
  {
    name: 'the first of two policies allows',
    identity: [full, policy(allow('glacier:ListJobs'))],
    request: byAlice,
    expected: 'allowed-by-identity',
  },
  {
    name: 'one of two policies denies',
    identity: [full, nothing],
    request: byAlice,
    expected: 'explicit-deny',
  },
  {
    name: 'a Deny before the Allow wins',
    identity: [policy(deny('glacier:DeleteArchive'), allow('*'))],
    request: byAlice,
    expected: 'explicit-deny',
  },
  {
    name: 'a Deny of another action does not matter',
    identity: [policy(allow('*'), deny('glacier:DeleteVault'))],
    request: byAlice,
    expected: 'allowed-by-identity',
  },
  {
    name: 'a Deny on another vault does not matter',
    identity: [policy(allow('*'), deny('*', { Resource: `${VAULT}2` }))],
    request: byAlice,
    expected: 'allowed-by-identity',
  },
  {
    name: 'a Deny alone does not allow anything else',
    identity: [policy(deny('glacier:DeleteVault'))],
    request: byAlice,
    expected: 'implicit-deny',
  },
  {
    name: 'identity and vault policy both allow',
    identity: [full],
    access: policy(grant('glacier:*')),
    request: byAlice,
    expected: 'allowed-by-identity',
  },
  {
    name: 'the identity policy denies what the vault policy allows',
    identity: [nothing],
    access: policy(grant('glacier:*')),
    request: byAlice,
    expected: 'explicit-deny',
  },
  {
    name: 'the vault policy denies what it allows',
    access: policy(grant('glacier:*'), forbid('glacier:Delete*')),
    request: byAlice,
    expected: 'explicit-deny',
  },
  {
    name: 'the vault policy denies another user',
    identity: [full],
    access: policy(forbidTo(OTHER_ROOT_ARN, 'glacier:*')),
    request: byAlice,
    expected: 'allowed-by-identity',
  },
  {
    name: 'a lock policy can allow as well',
    lock: policy(grantTo(alice.arn, 'glacier:DeleteArchive')),
    request: byAlice,
    expected: 'allowed-by-resource',
  },
  {
    name: 'the lock denies what the access policy allows',
    access: policy(grant('glacier:*')),
    lock: policy(forbid('glacier:DeleteArchive')),
    request: byAlice,
    expected: 'explicit-deny',
  },
  {
    name: 'the access policy denies what the lock allows',
    access: policy(forbid('glacier:DeleteArchive')),
    lock: policy(grant('glacier:*')),
    request: byAlice,
    expected: 'explicit-deny',
  },
  {
    name: 'a session token does not change the user',
    identity: [full],
    request: { ...byAlice, principal: aliceForAnHour },
    expected: 'allowed-by-identity',
  },
  {
    name: 'a session token without policies',
    request: { ...byAlice, principal: aliceForAnHour },
    expected: 'implicit-deny',
  },
  {
    name: 'a role session by the role’s policy',
    identity: [full],
    request: { ...byAlice, principal: backup },
    expected: 'allowed-by-identity',
  },
  {
    name: 'a role session without policies',
    request: { ...byAlice, principal: backup },
    expected: 'implicit-deny',
  },
  {
    name: 'the single statement need not be in a list',
    identity: [{ Version: '2012-10-17', Statement: allow('glacier:*') }],
    request: byAlice,
    expected: 'allowed-by-identity',
  },
  {
    name: 'a policy without a version',
    identity: [{ Statement: [allow('glacier:*')] }],
    request: byAlice,
    expected: 'allowed-by-identity',
  },
  {
    name: 'a policy of the older version',
    identity: [{ Version: '2008-10-17', Statement: [allow('glacier:*')] }],
    request: byAlice,
    expected: 'allowed-by-identity',
  },
  {
    name: 'policies for other services allow nothing here',
    identity: [policy(allow(['s3:*', 'ec2:DescribeInstances']))],
    request: byAlice,
    expected: 'implicit-deny',
  },
  {
    name: 'denials for other services deny nothing here',
    identity: [full, policy(deny('s3:*'))],
    request: byAlice,
    expected: 'allowed-by-identity',
  },
];

const ROOT: readonly Case[] = [
  { name: 'root without any policy', request: byRoot, expected: 'root' },
  {
    name: 'root where the access policy denies everyone',
    access: policy(forbid('glacier:*')),
    request: byRoot,
    expected: 'explicit-deny',
  },
  {
    name: 'root where the lock denies everyone',
    lock: policy(forbid('glacier:DeleteArchive')),
    request: byRoot,
    expected: 'explicit-deny',
  },
  {
    name: 'root where the access policy denies the account',
    access: policy(forbidTo('111122223333', 'glacier:*')),
    request: byRoot,
    expected: 'explicit-deny',
  },
  {
    name: 'root where the lock denies the account by ARN',
    lock: policy(forbidTo(ROOT_ARN, 'glacier:*')),
    request: byRoot,
    expected: 'explicit-deny',
  },
  {
    name: 'root where a user is denied',
    access: policy(forbidTo(alice.arn, 'glacier:*')),
    request: byRoot,
    expected: 'root',
  },
  {
    name: 'root where another account is denied',
    access: policy(forbidTo(OTHER_ROOT_ARN, 'glacier:*')),
    request: byRoot,
    expected: 'root',
  },
  {
    name: 'root where a vault policy allows only another user',
    access: policy(grantTo(carol.arn, 'glacier:*')),
    request: byRoot,
    expected: 'root',
  },
];

const RESCUE_ACTIONS = ['SetVaultAccessPolicy', 'GetVaultAccessPolicy', 'DeleteVaultAccessPolicy'] as const;

/** The owner's root can always replace a bad access policy, unless the lock denies that. */
const RESCUE: readonly Case[] = RESCUE_ACTIONS.flatMap((action): Case[] => [
  {
    name: `root, ${action}: the access policy cannot deny it`,
    access: policy(forbid('glacier:*')),
    request: { principal: root, action, resource: VAULT },
    expected: 'root',
  },
  {
    name: `root, ${action}: the lock can deny it`,
    lock: policy(forbid('glacier:*')),
    request: { principal: root, action, resource: VAULT },
    expected: 'explicit-deny',
  },
  {
    name: `root, ${action}: both deny it`,
    access: policy(forbid('glacier:*')),
    lock: policy(forbid(`glacier:${action}`)),
    request: { principal: root, action, resource: VAULT },
    expected: 'explicit-deny',
  },
  {
    name: `a user, ${action}: the access policy can deny it`,
    identity: [full],
    access: policy(forbid('glacier:*')),
    request: { principal: alice, action, resource: VAULT },
    expected: 'explicit-deny',
  },
  {
    name: `root of another account, ${action}: the access policy can deny it`,
    access: policy(grant('glacier:*'), forbid('glacier:*VaultAccessPolicy')),
    request: { principal: otherRoot, action, resource: VAULT },
    expected: 'explicit-deny',
  },
]);

export const EVALUATION_CASES: readonly Case[] = [...WITHIN, ...ROOT, ...RESCUE];
