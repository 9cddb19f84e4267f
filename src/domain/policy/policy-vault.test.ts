import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allow, grant, policy, ROOT_ARN, VAULT } from '../../../test/support/policy-cases/cast.ts';
import { refusal } from '../../../test/support/policy-refusal.ts';
import { type Policy, parsePolicy } from './policy.ts';

const identity = (document: unknown): Policy => parsePolicy(JSON.stringify(document), 'identity');
const ofVault = (document: unknown): Policy =>
  parsePolicy(JSON.stringify(document), 'vault-lock', { vaultArn: VAULT });

const allowOne = allow('glacier:ListJobs');
const grantOne = grant('glacier:ListJobs');
const { Principal: _principal, ...noPrincipal } = grantOne;

describe('refused in identity policies', () => {
  test('Principal', () =>
    assert.match(
      refusal(() => identity(policy(grantOne))),
      /^Statement 1: Principal is not allowed/,
    ));
  test('NotPrincipal', () =>
    assert.match(
      refusal(() => identity(policy({ ...allowOne, NotPrincipal: '*' }))),
      /NotPrincipal is not allowed/,
    ));
});

describe('refused in vault policies', () => {
  const other = `${VAULT}2`;
  const rows: readonly (readonly [string, unknown, RegExp])[] = [
    [
      'no Principal',
      policy(noPrincipal),
      /^Statement 1: Principal is missing. A vault policy must name its principals/,
    ],
    ['both forms', policy({ ...grantOne, NotPrincipal: '*' }), /both Principal and NotPrincipal/],
    [
      'NotPrincipal with Allow',
      policy({ ...noPrincipal, NotPrincipal: { AWS: ROOT_ARN } }),
      /only with "Effect": "Deny"/,
    ],
    ['a bare ARN', policy({ ...grantOne, Principal: ROOT_ARN }), /must be "\*" or an object/],
    ['an empty Principal', policy({ ...grantOne, Principal: {} }), /Principal is empty/],
    ['a list of principals', policy({ ...grantOne, Principal: ['*'] }), /Principal must be an object/],
    [
      'an unknown kind',
      policy({ ...grantOne, Principal: { aws: '*' } }),
      /unknown element "aws"\. Did you mean "AWS"\?/,
    ],
    ['an empty list', policy({ ...grantOne, Principal: { AWS: [] } }), /Principal AWS is an empty list/],
    [
      'an account id of 11 digits',
      policy({ ...grantOne, Principal: { AWS: '11112222333' } }),
      /principal "11112222333" must be/,
    ],
    [
      'an account id with hyphens',
      policy({ ...grantOne, Principal: { AWS: '1111-2222-3333' } }),
      /must be "\*", an account id/,
    ],
    [
      'a wildcard in an ARN',
      policy({ ...grantOne, Principal: { AWS: 'arn:aws:iam::111122223333:user/*' } }),
      /without wildcards/,
    ],
    ['a group', policy({ ...grantOne, Principal: { AWS: 'arn:aws:iam::111122223333:group/g' } }), /must be/],
    [
      'a user without a name',
      policy({ ...grantOne, Principal: { AWS: 'arn:aws:iam::111122223333:user/' } }),
      /must be/,
    ],
    [
      'a session without a name',
      policy({ ...grantOne, Principal: { AWS: 'arn:aws:sts::111122223333:assumed-role/R' } }),
      /must be/,
    ],
    ['another vault', policy({ ...grantOne, Resource: other }), /Resource ".*2" does not match this vault/],
    [
      'another vault in addition to this one',
      policy({ ...grantOne, Resource: [VAULT, other] }),
      /does not match this vault/,
    ],
    [
      'this vault as NotResource',
      policy({ Effect: 'Deny', Principal: '*', Action: '*', NotResource: VAULT }),
      /would never apply/,
    ],
    ['actions of another service', policy(grant('s3:GetObject')), /unknown action "s3:GetObject"/],
    [
      'keys of another service',
      policy(grant('*', { Condition: { StringEquals: { 's3:prefix': 'x' } } })),
      /unknown condition key "s3:prefix"/,
    ],
  ];
  for (const [name, document, message] of rows) {
    test(name, () =>
      assert.match(
        refusal(() => ofVault(document)),
        message,
      ),
    );
  }
});
