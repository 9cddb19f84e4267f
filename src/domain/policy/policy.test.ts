import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allow, deny, forbid, grant, policy, VAULT, v } from '../../../test/support/policy-cases/cast.ts';
import { LOCK_BY_AGE, LOCK_BY_HOLD } from '../../../test/support/policy-cases/locks.ts';
import { refusal } from '../../../test/support/policy-refusal.ts';
import { type Policy, parsePolicy } from './policy.ts';

const here = { vaultArn: VAULT };

const identity = (document: unknown): Policy => parsePolicy(JSON.stringify(document), 'identity');
const ofVault = (document: unknown): Policy => parsePolicy(JSON.stringify(document), 'vault-lock', here);

const allowOne = allow('glacier:ListJobs');
const { Effect: _effect, ...noEffect } = allowOne;
const { Action: _action, ...noAction } = allowOne;
const { Resource: _resource, ...noResource } = allowOne;

describe('refused in every policy', () => {
  const rows: readonly (readonly [string, unknown, RegExp])[] = [
    ['a list', [], /^A policy must be an object, not \[\]\.$/],
    ['a text', 'x', /^A policy must be an object/],
    ['null', null, /^A policy must be an object, not null\.$/],
    ['another element', { ...policy(allowOne), Statements: [] }, /^unknown element "Statements"\.$/],
    [
      'an element in another case',
      { statement: [allowOne] },
      /unknown element "statement"\. Did you mean "Statement"\?/,
    ],
    ['an element __proto__', JSON.parse('{"__proto__": {"Statement": []}}'), /unknown element "__proto__"/],
    [
      'another version',
      { ...policy(allowOne), Version: '2012-10-18' },
      /^Version "2012-10-18" must be "2012-10-17" or/,
    ],
    ['a version that is a number', { ...policy(allowOne), Version: 2012 }, /^Version 2012 must be/],
    ['a version that is null', { ...policy(allowOne), Version: null }, /^Version null must be/],
    ['an Id that is a number', { ...policy(allowOne), Id: 7 }, /^Id must be a non-empty string, not 7\.$/],
    ['no statement', { Version: '2012-10-17' }, /^Statement is missing\.$/],
    ['an empty list of statements', policy(), /^Statement is an empty list\.$/],
    [
      'a statement that is a string',
      policy('x' as never),
      /^Statement 1: A statement must be an object, not "x"\.$/,
    ],
    [
      'a statement that is null',
      policy(allowOne, null as never),
      /^Statement 2: A statement must be an object/,
    ],
    ['a list of lists', policy([allowOne] as never), /^Statement 1: A statement must be an object/],
    ['a Sid that is a number', policy({ ...allowOne, Sid: 1 }), /^Statement 1: Sid must be/],
    [
      'a Sid used twice',
      policy({ ...allowOne, Sid: 'a' }, allowOne, { ...allowOne, Sid: 'a' }),
      /^Statement "a": its Sid is also that of statement 1\.$/,
    ],
    [
      'another element in a statement',
      policy({ ...allowOne, Sid: 's', When: 1 }),
      /^Statement "s": unknown element "When"\.$/,
    ],
    ['no Effect', policy(noEffect), /^Statement 1: Effect is missing\.$/],
    [
      'an Effect in another case',
      policy({ ...allowOne, Effect: 'allow' }),
      /^Statement 1: Effect "allow" must be "Allow" or "Deny"\.$/,
    ],
    ['no Action', policy(noAction), /Action or NotAction is missing/],
    ['Action and NotAction', policy({ ...allowOne, NotAction: '*' }), /both Action and NotAction/],
    ['an empty list of actions', policy(allow([])), /Action is an empty list/],
    ['an action that is a number', policy(allow([7 as never])), /Action must be a non-empty string, not 7/],
    ['an action without service', policy(allow('ListJobs')), /action "ListJobs" must be "\*" or of the form/],
    ['an empty action', policy(allow('')), /Action must be a non-empty string/],
    ['an action with a space', policy(allow('glacier: ListJobs')), /must be "\*" or of the form/],
    ['a wildcard within the service name', policy(allow('gl*:ListJobs')), /must be "\*" or of the form/],
    ['an unknown action', policy(allow('glacier:ListJob')), /^Statement 1: unknown action "glacier:ListJob"/],
    [
      'a pattern that matches no action',
      policy(allowOne, allow('glacier:Destroy*')),
      /^Statement 2: unknown action "glacier:Destroy\*"/,
    ],
    [
      'an unknown NotAction',
      policy({ ...noAction, NotAction: 'glacier:Destroy' }),
      /unknown action "glacier:Destroy"/,
    ],
    ['no Resource', policy(noResource), /Resource or NotResource is missing/],
    ['Resource and NotResource', policy({ ...allowOne, NotResource: '*' }), /both Resource and NotResource/],
    [
      'a resource that is not an ARN',
      policy(allow('*', { Resource: 'examplevault' })),
      /Resource "examplevault" must be "\*" or an ARN/,
    ],
    [
      'an ARN with too few parts',
      policy(allow('*', { Resource: 'arn:aws:glacier:*' })),
      /must be "\*" or an ARN/,
    ],
    [
      'a variable for the account',
      policy(allow('*', { Resource: `arn:aws:glacier:us-east-1:${v('aws:PrincipalAccount')}:vaults/x` })),
      /only after its fifth colon/,
    ],
    [
      'an unclosed variable',
      policy(allow('*', { Resource: `${VAULT}\${aws:username` })),
      /has no closing brace/,
    ],
    [
      'a variable without a colon',
      policy(allow('*', { Resource: `${VAULT}${v('username')}` })),
      /is not a policy variable/,
    ],
    ['an empty variable', policy(allow('*', { Resource: `${VAULT}${v('')}` })), /is not a policy variable/],
    [
      'a variable with an unquoted default',
      policy(allow('*', { Resource: `${VAULT}${v('aws:username, x')}` })),
      /is not a policy variable/,
    ],
    ['a condition that is a list', policy(allow('*', { Condition: [] })), /Condition must be an object/],
    [
      'a condition that is null',
      policy(allow('*', { Condition: null })),
      /Condition must be an object, not null/,
    ],
  ];
  for (const [name, document, message] of rows) {
    test(name, () =>
      assert.match(
        refusal(() => identity(document)),
        message,
      ),
    );
  }
});

describe('accepted', () => {
  const rows: readonly (readonly [string, () => Policy])[] = [
    ['the known lock by age', () => ofVault(LOCK_BY_AGE)],
    ['the known lock by legal hold', () => ofVault(LOCK_BY_HOLD)],
    [
      'the managed policy for full access',
      () =>
        identity({
          Version: '2012-10-17',
          Statement: [{ Action: 'glacier:*', Effect: 'Allow', Resource: '*' }],
        }),
    ],
    [
      'the managed policy for reading',
      () => identity(policy(allow(['glacier:Describe*', 'glacier:Get*', 'glacier:List*']))),
    ],
    [
      'a wildcard that includes account actions',
      () => ofVault(policy(grant(['glacier:*', 'glacier:List*', '*']))),
    ],
    [
      'a pattern for the vault',
      () => ofVault(policy(forbid('*', { Resource: 'arn:aws:glacier:*:*:vaults/example*' }))),
    ],
    [
      'a variable that may be the vault',
      () =>
        ofVault(
          policy(
            forbid('*', { Resource: `arn:aws:glacier:us-east-1:111122223333:vaults/${v('aws:username')}` }),
          ),
        ),
    ],
    ['an empty Sid and Id', () => identity({ Id: '', Statement: { ...allowOne, Sid: '' } })],
    ['two empty Sids', () => identity(policy({ ...allowOne, Sid: '' }, { ...allowOne, Sid: '' }))],
    [
      'other services in identity policies',
      () =>
        identity(
          policy(allow(['s3:Get*', 'sts:AssumeRole'], { Condition: { StringEquals: { 's3:prefix': 'x' } } })),
        ),
    ],
    ['an empty Condition', () => identity(policy(allow('*', { Condition: {} })))],
    ['the same action twice', () => identity(policy(allow(['glacier:ListJobs', 'glacier:List*'])))],
  ];
  for (const [name, read] of rows) test(name, () => assert.ok(read().statements.length > 0));

  test('a vault policy for an unknown vault', () => {
    assert.ok(parsePolicy(JSON.stringify(policy(grant('*', { Resource: `${VAULT}2` }))), 'vault-lock'));
  });
});

describe('a parsed policy', () => {
  test('is deeply frozen', () => {
    const seen: unknown[] = [];
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null || seen.includes(value)) return;
      seen.push(value);
      assert.ok(Object.isFrozen(value), JSON.stringify(value));
      for (const inner of Object.values(value)) visit(inner);
    };
    visit(ofVault(LOCK_BY_HOLD));
    visit(
      identity(
        policy(
          allow('*', {
            Resource: `${VAULT}${v('aws:username')}`,
            Condition: { Null: { 'aws:SourceIp': true } },
          }),
        ),
      ),
    );
    assert.ok(seen.length > 20);
  });

  test('lists the condition keys that it uses, variables included', () => {
    const keys = identity(
      policy(
        allow('*', { Resource: `${VAULT}-${v('aws:username')}` }),
        deny('*', {
          Condition: { StringEquals: { 'glacier:ResourceTag/Team': v('aws:PrincipalTag/Team') } },
        }),
        deny('*', { Condition: { NumericLessThan: { 'glacier:ArchiveAgeinDays': 1 } } }),
      ),
    ).contextKeys;
    assert.deepEqual([...keys].sort(), [
      'aws:principaltag/team',
      'aws:username',
      'glacier:archiveageindays',
      'glacier:resourcetag/team',
    ]);
  });

  test('has the version, the statements and their names', () => {
    const read = identity({ Statement: [allowOne, { ...allowOne, Sid: 'b' }] });
    assert.equal(read.version, '2008-10-17');
    assert.deepEqual(
      read.statements.map(({ label, index }) => [label, index]),
      [
        ['1', 1],
        ['"b"', 2],
      ],
    );
  });

  test('does not change prototypes', () => {
    const text =
      '{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"__proto__":"true"}}}]}';
    refusal(() => parsePolicy(text, 'identity'));
    refusal(() => parsePolicy(text.replace('"Bool"', '"constructor"'), 'identity'));
    refusal(() => parsePolicy(text.replace('"Effect":"Deny"', '"__proto__":{"Effect":"Deny"}'), 'identity'));
    assert.deepEqual(Object.keys(Object.prototype), []);
  });
});
