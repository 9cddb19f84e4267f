/** Policy variables in resources. */
import type { Reason } from '../../../src/domain/policy/authorize.ts';
import type { Case } from './cast.ts';
import { alice, allow, backup, forbid, policy, root, VAULT, v } from './cast.ts';

const YES = 'allowed-by-identity';
const NO = 'implicit-deny';
const PREFIX = 'arn:aws:glacier:us-east-1:111122223333:vaults';

/** A policy for vaults that are named after the user. */
function variables(pattern: string, name: string, expected: Reason, version = '2012-10-17'): Case {
  return {
    name: `Resource ${pattern} of version ${version}: vault ${name}`,
    identity: [{ Version: version, Statement: allow('glacier:*', { Resource: `${PREFIX}/${pattern}` }) }],
    request: {
      principal: alice,
      action: 'ListJobs',
      resource: `${PREFIX}/${name}`,
      conditionValues: {
        'aws:PrincipalTag/team': 'red',
        'aws:PrincipalTag/many': ['a', 'b'],
        'aws:PrincipalTag/wild': '*',
      },
    },
    expected,
  };
}

export const VARIABLE_CASES: readonly Case[] = [
  variables(v('aws:username'), 'alice', YES),
  variables(v('aws:username'), 'bob', NO),
  variables(v('AWS:UserName'), 'alice', YES),
  variables(`${v('aws:username')}-*`, 'alice-photos', YES),
  variables(`${v('aws:username')}-*`, 'alicephotos', NO),
  variables(v('aws:userid'), 'AIDAALICE', YES),
  variables(`${v('aws:PrincipalTag/team')}-${v('aws:username')}`, 'red-alice', YES),
  variables(v('aws:PrincipalTag/unit'), 'red', NO),
  variables(v("aws:PrincipalTag/unit, 'common'"), 'common', YES),
  variables(v("aws:PrincipalTag/team, 'common'"), 'common', NO),
  variables(v("aws:PrincipalTag/team, 'common'"), 'red', YES),
  variables(v('aws:PrincipalTag/many'), 'a', NO),
  variables(v('aws:PrincipalTag/wild'), 'anything', NO),
  variables(v('aws:PrincipalTag/wild'), '*', YES),
  variables(`a${v('*')}`, 'alice', NO),
  variables(`a${v('*')}`, 'a*', YES),
  variables(`alic${v('?')}`, 'alice', NO),
  variables(`a${v('$')}b`, 'a$b', YES),
  variables(v('aws:username'), 'alice', NO, '2008-10-17'),
  variables(v('aws:username'), v('aws:username'), YES, '2008-10-17'),
  {
    name: 'a role session has no user name',
    identity: [policy(allow('glacier:*', { Resource: `${PREFIX}/${v('aws:username')}` }))],
    request: { principal: backup, action: 'ListJobs', resource: `${PREFIX}/Backup` },
    expected: NO,
  },
  {
    name: 'an Allow with NotResource and an unknown variable allows nothing',
    identity: [
      policy({ Effect: 'Allow', Action: 'glacier:*', NotResource: `${PREFIX}/${v('aws:username')}` }),
    ],
    request: { principal: backup, action: 'ListJobs', resource: VAULT },
    expected: NO,
  },
  {
    name: 'a Deny with NotResource and an unknown variable denies',
    identity: [
      policy(allow('*'), {
        Effect: 'Deny',
        Action: 'glacier:*',
        NotResource: `${PREFIX}/${v('aws:username')}`,
      }),
    ],
    request: { principal: backup, action: 'ListJobs', resource: VAULT },
    expected: 'explicit-deny',
  },
  {
    name: 'a Deny on the vaults of others, by variable',
    identity: [
      policy(allow('*'), {
        Effect: 'Deny',
        Action: 'glacier:*',
        NotResource: `${PREFIX}/${v('aws:username')}-*`,
      }),
    ],
    request: { principal: alice, action: 'ListJobs', resource: `${PREFIX}/bob-photos` },
    expected: 'explicit-deny',
  },
  {
    name: 'a vault policy with a wildcard resource',
    access: policy(forbid('glacier:ListJobs', { Resource: `${PREFIX}/example*` })),
    request: { principal: root, action: 'ListJobs', resource: VAULT },
    expected: 'explicit-deny',
  },
];
