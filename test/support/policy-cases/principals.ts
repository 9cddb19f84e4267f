/** Matching callers: the forms of Principal and NotPrincipal. */

import type { Reason } from '../../../src/domain/policy/authorize.ts';
import type { Caller } from '../../../src/domain/policy/caller.ts';
import type { Case, Document } from './cast.ts';
import {
  ALICE_ARN,
  alice,
  aliceForAnHour,
  allow,
  BOB_ARN,
  backup,
  bob,
  carol,
  forbid,
  grant,
  OTHER_ROOT_ARN,
  otherRoot,
  policy,
  ROLE_ARN,
  ROOT_ARN,
  root,
  SESSION_ARN,
  VAULT,
} from './cast.ts';

const everything = policy(allow('*'));

/** A vault policy allows the principal; the caller has no policy of its own. */
function granted(name: string, principal: unknown, caller: Caller, expected: Reason): Case {
  return {
    name: `grant to ${name}`,
    access: policy(grant('glacier:ListJobs', { Principal: principal })),
    request: { principal: caller, action: 'ListJobs', resource: VAULT },
    expected,
  };
}

/**
 * A vault policy denies the principal; the caller's own policy allows everything, and so does the vault for another
 * account.
 */
function denied(name: string, element: Document, caller: Caller, expected: Reason): Case {
  const { Principal: _everyone, ...statement } = forbid('glacier:ListJobs');
  return {
    name: `denial to ${name}`,
    identity: [everything],
    access: policy({ ...statement, ...element }),
    lock: policy(grant('glacier:*')),
    request: { principal: caller, action: 'ListJobs', resource: VAULT },
    expected,
  };
}

const GRANTS: readonly Case[] = [
  granted('everyone, to a user', '*', alice, 'allowed-by-resource'),
  granted('everyone as AWS, to a user', { AWS: '*' }, alice, 'allowed-by-resource'),
  granted('everyone in a list, to a user', { AWS: ['*'] }, alice, 'allowed-by-resource'),
  granted('a user by ARN', { AWS: ALICE_ARN }, alice, 'allowed-by-resource'),
  granted(
    'a user by ARN, used with a session token',
    { AWS: ALICE_ARN },
    aliceForAnHour,
    'allowed-by-resource',
  ),
  granted('a user by ARN, another user', { AWS: ALICE_ARN }, bob, 'implicit-deny'),
  granted('two users, the second', { AWS: [ALICE_ARN, BOB_ARN] }, bob, 'allowed-by-resource'),
  granted('a user with a path', { AWS: BOB_ARN }, bob, 'allowed-by-resource'),
  granted('a user without the path', { AWS: 'arn:aws:iam::111122223333:user/bob' }, bob, 'implicit-deny'),
  granted('a user in another case', { AWS: 'arn:aws:iam::111122223333:user/Alice' }, alice, 'implicit-deny'),
  granted(
    'a user of the same name elsewhere',
    { AWS: 'arn:aws:iam::444455556666:user/alice' },
    alice,
    'implicit-deny',
  ),
  granted('a role, to its session', { AWS: ROLE_ARN }, backup, 'allowed-by-resource'),
  granted('a session by its ARN', { AWS: SESSION_ARN }, backup, 'allowed-by-resource'),
  granted('another session of the role', { AWS: `${SESSION_ARN}2` }, backup, 'implicit-deny'),
  granted('another role', { AWS: 'arn:aws:iam::111122223333:role/Restore' }, backup, 'implicit-deny'),
  granted(
    'a role with a path, to its session',
    { AWS: 'arn:aws:iam::111122223333:role/ops/Backup' },
    { ...backup, roleArn: 'arn:aws:iam::111122223333:role/ops/Backup' },
    'allowed-by-resource',
  ),
  granted(
    'a user named as the role',
    { AWS: 'arn:aws:iam::111122223333:user/Backup' },
    backup,
    'implicit-deny',
  ),
  granted(
    'the own account by id is left to identity policies',
    { AWS: '111122223333' },
    alice,
    'implicit-deny',
  ),
  granted('the own account by ARN is left to identity policies', { AWS: ROOT_ARN }, alice, 'implicit-deny'),
  granted('the own account and the user', { AWS: [ROOT_ARN, ALICE_ARN] }, alice, 'allowed-by-resource'),
  granted('the own account, to root', { AWS: ROOT_ARN }, root, 'root'),
  granted('another account, to a user here', { AWS: OTHER_ROOT_ARN }, alice, 'implicit-deny'),
  granted('a service', { Service: 'backup.amazonaws.com' }, alice, 'implicit-deny'),
  granted('a federated provider', { Federated: 'cognito-identity.amazonaws.com' }, alice, 'implicit-deny'),
  granted('a canonical user', { CanonicalUser: '79a59df900b949e5' }, alice, 'implicit-deny'),
  granted(
    'a service and the user',
    { Service: 'backup.amazonaws.com', AWS: ALICE_ARN },
    alice,
    'allowed-by-resource',
  ),
  granted(
    'a user in the partition of China',
    { AWS: 'arn:aws-cn:iam::111122223333:user/alice' },
    alice,
    'allowed-by-resource',
  ),
  granted(
    'a user, who signs in the partition of China',
    { AWS: ALICE_ARN },
    { ...alice, arn: 'arn:aws-cn:iam::111122223333:user/alice' },
    'allowed-by-resource',
  ),
];

const DENIALS: readonly Case[] = [
  denied('everyone, a user', { Principal: '*' }, alice, 'explicit-deny'),
  denied('everyone, root', { Principal: { AWS: '*' } }, root, 'explicit-deny'),
  denied('the account by id, a user', { Principal: { AWS: '111122223333' } }, alice, 'explicit-deny'),
  denied('the account by ARN, a user', { Principal: { AWS: ROOT_ARN } }, alice, 'explicit-deny'),
  denied('the account by ARN, a session', { Principal: { AWS: ROOT_ARN } }, backup, 'explicit-deny'),
  denied('the account by ARN, root', { Principal: { AWS: ROOT_ARN } }, root, 'explicit-deny'),
  denied(
    'another account, a user here',
    { Principal: { AWS: OTHER_ROOT_ARN } },
    alice,
    'allowed-by-identity',
  ),
  denied('a user, that user', { Principal: { AWS: ALICE_ARN } }, alice, 'explicit-deny'),
  denied(
    'a user, the same with a session token',
    { Principal: { AWS: ALICE_ARN } },
    aliceForAnHour,
    'explicit-deny',
  ),
  denied('a user, another', { Principal: { AWS: ALICE_ARN } }, bob, 'allowed-by-identity'),
  denied('a user, root', { Principal: { AWS: ALICE_ARN } }, root, 'root'),
  denied('a role, its session', { Principal: { AWS: ROLE_ARN } }, backup, 'explicit-deny'),
  denied(
    'a service, a user',
    { Principal: { Service: 'backup.amazonaws.com' } },
    alice,
    'allowed-by-identity',
  ),
  denied('everyone, a user of another account', { Principal: '*' }, carol, 'explicit-deny'),
  denied('all but the account, a user of it', { NotPrincipal: { AWS: ROOT_ARN } }, alice, 'explicit-deny'),
  denied('all but the account, its root', { NotPrincipal: { AWS: ROOT_ARN } }, root, 'root'),
  denied(
    'all but the account, a user of another account',
    { NotPrincipal: { AWS: ROOT_ARN } },
    carol,
    'explicit-deny',
  ),
  denied(
    'all but a user and the account, that user',
    { NotPrincipal: { AWS: [ALICE_ARN, ROOT_ARN] } },
    alice,
    'allowed-by-identity',
  ),
  denied(
    'all but a user and the account, another user',
    { NotPrincipal: { AWS: [ALICE_ARN, ROOT_ARN] } },
    bob,
    'explicit-deny',
  ),
  denied(
    'all but a user, whose account is not listed',
    { NotPrincipal: { AWS: ALICE_ARN } },
    alice,
    'explicit-deny',
  ),
  denied(
    'all but role, session and account, the session',
    { NotPrincipal: { AWS: [ROLE_ARN, SESSION_ARN, ROOT_ARN] } },
    backup,
    'allowed-by-identity',
  ),
  denied(
    'all but role and account, the session',
    { NotPrincipal: { AWS: [ROLE_ARN, ROOT_ARN] } },
    backup,
    'explicit-deny',
  ),
  denied('all but everyone, a user', { NotPrincipal: '*' }, alice, 'allowed-by-identity'),
  denied(
    'all but another account, its root',
    { NotPrincipal: { AWS: '444455556666' } },
    otherRoot,
    'allowed-by-resource',
  ),
];

export const PRINCIPAL_CASES: readonly Case[] = [...GRANTS, ...DENIALS];
