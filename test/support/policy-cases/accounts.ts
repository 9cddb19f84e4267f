/** Requests from another account, which both sides must allow. */
import type { Case } from './cast.ts';
import {
  allow,
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
  VAULT,
} from './cast.ts';

const full = policy(allow('glacier:*'));
const nothing = policy(deny('glacier:*'));
const deleteArchive = { action: 'DeleteArchive', resource: VAULT } as const;
const byCarol = { principal: carol, ...deleteArchive };
const byOtherRoot = { principal: otherRoot, ...deleteArchive };

export const ACCOUNT_CASES: readonly Case[] = [
  { name: 'another account, neither side', request: byCarol, expected: 'implicit-deny' },
  {
    name: "another account, only the caller's side",
    identity: [full],
    request: byCarol,
    expected: 'implicit-deny',
  },
  {
    name: 'another account, only the vault’s side',
    access: policy(grant('glacier:*')),
    request: byCarol,
    expected: 'implicit-deny',
  },
  {
    name: 'another account, both sides, user named',
    identity: [full],
    access: policy(grantTo(carol.arn, 'glacier:*')),
    request: byCarol,
    expected: 'allowed-by-resource',
  },
  {
    name: 'another account, both sides, account named by id',
    identity: [full],
    access: policy(grantTo('444455556666', 'glacier:*')),
    request: byCarol,
    expected: 'allowed-by-resource',
  },
  {
    name: 'another account, both sides, account named by ARN',
    identity: [full],
    access: policy(grantTo(OTHER_ROOT_ARN, 'glacier:*')),
    request: byCarol,
    expected: 'allowed-by-resource',
  },
  {
    name: 'another account, both sides, everyone',
    identity: [full],
    access: policy(grant('glacier:*')),
    request: byCarol,
    expected: 'allowed-by-resource',
  },
  {
    name: 'another account, the lock policy is the vault’s side',
    identity: [full],
    lock: policy(grantTo(carol.arn, 'glacier:*')),
    request: byCarol,
    expected: 'allowed-by-resource',
  },
  {
    name: 'another account, the lock denies',
    identity: [full],
    access: policy(grant('glacier:*')),
    lock: policy(forbid('glacier:Delete*')),
    request: byCarol,
    expected: 'explicit-deny',
  },
  {
    name: 'another account, its own policy denies',
    identity: [nothing],
    access: policy(grant('glacier:*')),
    request: byCarol,
    expected: 'explicit-deny',
  },
  {
    name: 'another account, the vault policy denies that account',
    identity: [full],
    access: policy(grant('glacier:*'), forbidTo('444455556666', 'glacier:*')),
    request: byCarol,
    expected: 'explicit-deny',
  },
  {
    name: 'another account, a third account is named',
    identity: [full],
    access: policy(grantTo('777788889999', 'glacier:*')),
    request: byCarol,
    expected: 'implicit-deny',
  },
  {
    name: 'another account, its policy names another vault',
    identity: [policy(allow('*', { Resource: `${VAULT}s` }))],
    access: policy(grant('glacier:*')),
    request: byCarol,
    expected: 'implicit-deny',
  },
  {
    name: 'another account, a different action on each side',
    identity: [policy(allow('glacier:DeleteArchive'))],
    access: policy(grant('glacier:ListJobs')),
    request: byCarol,
    expected: 'implicit-deny',
  },
  { name: 'root of another account without a grant', request: byOtherRoot, expected: 'implicit-deny' },
  {
    name: 'root of another account, its account named',
    access: policy(grantTo(OTHER_ROOT_ARN, 'glacier:*')),
    request: byOtherRoot,
    expected: 'allowed-by-resource',
  },
  {
    name: 'root of another account, everyone',
    access: policy(grant('glacier:*')),
    request: byOtherRoot,
    expected: 'allowed-by-resource',
  },
  {
    name: 'root of another account, only its user named',
    access: policy(grantTo(carol.arn, 'glacier:*')),
    request: byOtherRoot,
    expected: 'implicit-deny',
  },
  {
    name: 'root of another account has no root rights here',
    access: policy(grantTo(ROOT_ARN, 'glacier:*')),
    request: byOtherRoot,
    expected: 'implicit-deny',
  },
];
