/** Conditions within whole policies: each row is a Condition block and the condition values of a request. */
import type { Case, CaseRequest, Document } from './cast.ts';
import { alice, aliceForAnHour, allow, backup, bob, policy, VAULT, v } from './cast.ts';

type ConditionValues = CaseRequest['conditionValues'];

/** A policy that allows the user to delete archives under the condition. */
function when(condition: Document, conditionValues: ConditionValues, holds: boolean): Case {
  return {
    name: `Allow if ${JSON.stringify(condition)}; facts ${JSON.stringify(conditionValues ?? {})}`,
    identity: [policy(allow('glacier:DeleteArchive', { Condition: condition }))],
    request: {
      principal: alice,
      action: 'DeleteArchive',
      resource: VAULT,
      conditionValues: conditionValues ?? {},
    },
    expected: holds ? 'allowed-by-identity' : 'implicit-deny',
  };
}

const one = (operator: string, key: string, value: unknown): Document => ({ [operator]: { [key]: value } });

const AGE = 'glacier:ArchiveAgeInDays';
const TAG = 'glacier:ResourceTag/team';
const IP = 'aws:SourceIp';
const NOW = 'aws:CurrentTime';
const MFA = 'aws:MultiFactorAuthPresent';

const STRINGS: readonly Case[] = [
  when(one('StringEquals', TAG, 'red'), { [TAG]: 'red' }, true),
  when(one('StringEquals', TAG, 'red'), { [TAG]: 'Red' }, false),
  when(one('StringEquals', TAG, 'r*'), { [TAG]: 'red' }, false),
  when(one('StringEquals', TAG, ['blue', 'red']), { [TAG]: 'red' }, true),
  when(one('StringEquals', TAG, 'red'), {}, false),
  when(one('StringEqualsIfExists', TAG, 'red'), {}, true),
  when(one('StringEqualsIfExists', TAG, 'red'), { [TAG]: 'blue' }, false),
  when(one('StringNotEquals', TAG, 'red'), { [TAG]: 'blue' }, true),
  when(one('StringNotEquals', TAG, 'red'), { [TAG]: 'red' }, false),
  when(one('StringNotEquals', TAG, 'red'), {}, true),
  when(one('StringNotEquals', TAG, ['red', 'blue']), { [TAG]: 'blue' }, false),
  when(one('StringEqualsIgnoreCase', TAG, 'RED'), { [TAG]: 'red' }, true),
  when(one('StringNotEqualsIgnoreCase', TAG, 'RED'), { [TAG]: 'red' }, false),
  when(one('StringLike', TAG, 'r?d'), { [TAG]: 'red' }, true),
  when(one('StringLike', TAG, 're*'), { [TAG]: 'red' }, true),
  when(one('StringLike', TAG, 'R*'), { [TAG]: 'red' }, false),
  when(one('StringLike', TAG, ''), { [TAG]: '' }, true),
  when(one('StringLike', TAG, ''), {}, false),
  when(one('StringLike', TAG, '*'), {}, false),
  when(one('StringLike', TAG, '*'), { [TAG]: '' }, true),
  when(one('StringNotLike', TAG, 're*'), { [TAG]: 'blue' }, true),
  when(one('StringNotLike', TAG, 're*'), { [TAG]: 'red' }, false),
  when(one('StringNotLike', TAG, 're*'), {}, true),
  when(one('StringEquals', 'GLACIER:resourcetag/TEAM', 'red'), { [TAG]: 'red' }, true),
  when(one('StringEquals', 'aws:RequestedRegion', 'us-east-1'), { 'aws:RequestedRegion': 'us-east-1' }, true),
  when(one('StringLike', 'aws:UserAgent', 'aws-cli/*'), { 'aws:UserAgent': 'aws-cli/2.0 Python/3' }, true),
];

const NUMBERS: readonly Case[] = [
  when(one('NumericLessThan', AGE, '365'), { [AGE]: '364' }, true),
  when(one('NumericLessThan', AGE, '365'), { [AGE]: '364.99' }, true),
  when(one('NumericLessThan', AGE, '365'), { [AGE]: '365' }, false),
  when(one('NumericLessThan', AGE, 365), { [AGE]: '36' }, true),
  when(one('NumericLessThan', 'glacier:ArchiveAgeinDays', '365'), { [AGE]: '36' }, true),
  when(one('NumericLessThanEquals', AGE, '365'), { [AGE]: '365' }, true),
  when(one('NumericLessThanEquals', AGE, '365'), { [AGE]: '365.5' }, false),
  when(one('NumericGreaterThan', AGE, '365'), { [AGE]: '365' }, false),
  when(one('NumericGreaterThan', AGE, '365'), { [AGE]: '1000' }, true),
  when(one('NumericGreaterThanEquals', AGE, '365'), { [AGE]: '365' }, true),
  when(one('NumericEquals', AGE, '7'), { [AGE]: '7.0' }, true),
  when(one('NumericEquals', AGE, ['7', '8']), { [AGE]: '8' }, true),
  when(one('NumericNotEquals', AGE, '7'), { [AGE]: '8' }, true),
  when(one('NumericNotEquals', AGE, '7'), { [AGE]: '7' }, false),
  when(one('NumericNotEquals', AGE, '7'), {}, true),
  when(one('NumericLessThan', AGE, '365'), {}, false),
  when(one('NumericLessThanIfExists', AGE, '365'), {}, true),
  when(one('NumericLessThan', AGE, '365'), { [AGE]: 'young' }, false),
  when(one('NumericLessThan', 'aws:MultiFactorAuthAge', '3600'), { 'aws:MultiFactorAuthAge': '60' }, true),
  when(one('NumericLessThan', 'aws:EpochTime', '1800000000'), { 'aws:EpochTime': '1700000000' }, true),
];

const DATES: readonly Case[] = [
  when(one('DateGreaterThan', NOW, '2026-01-01T00:00:00Z'), { [NOW]: '2026-01-01T00:00:01Z' }, true),
  when(one('DateGreaterThan', NOW, '2026-01-01T00:00:00Z'), { [NOW]: '2026-01-01T00:00:00Z' }, false),
  when(one('DateGreaterThanEquals', NOW, '2026-01-01'), { [NOW]: '2026-01-01T00:00:00Z' }, true),
  when(one('DateLessThan', NOW, '2026-01-01T01:00:00+02:00'), { [NOW]: '2025-12-31T22:59:59Z' }, true),
  when(one('DateLessThan', NOW, '2026-01-01T01:00:00+02:00'), { [NOW]: '2025-12-31T23:00:00Z' }, false),
  when(one('DateLessThanEquals', NOW, '2026'), { [NOW]: '2026-01-01T00:00:00Z' }, true),
  when(one('DateEquals', NOW, 1767225600), { [NOW]: '2026-01-01T00:00:00Z' }, true),
  when(one('DateNotEquals', NOW, 1767225600), { [NOW]: '2026-01-01T00:00:00Z' }, false),
  when(
    one('DateGreaterThan', 'aws:EpochTime', '2026-01-01T00:00:00Z'),
    { 'aws:EpochTime': '1767225601' },
    true,
  ),
  when(one('DateGreaterThan', 'aws:TokenIssueTime', '2026-01-01T00:00:00Z'), {}, false),
  {
    ...when(
      { DateGreaterThan: { [NOW]: '2026-01-01T00:00:00Z' }, DateLessThan: { [NOW]: '2026-02-01T00:00:00Z' } },
      { [NOW]: '2026-01-15T12:00:00Z' },
      true,
    ),
    name: 'a time-bound delete, within the time',
  },
  {
    ...when(
      { DateGreaterThan: { [NOW]: '2026-01-01T00:00:00Z' }, DateLessThan: { [NOW]: '2026-02-01T00:00:00Z' } },
      { [NOW]: '2026-02-15T12:00:00Z' },
      false,
    ),
    name: 'a time-bound delete, after the time',
  },
];

const ADDRESSES: readonly Case[] = [
  when(one('IpAddress', IP, '203.0.113.0/24'), { [IP]: '203.0.113.9' }, true),
  when(one('IpAddress', IP, '203.0.113.0/24'), { [IP]: '203.0.114.9' }, false),
  when(one('IpAddress', IP, '203.0.113.9'), { [IP]: '203.0.113.9' }, true),
  when(one('IpAddress', IP, ['10.0.0.0/8', '192.168.0.0/16']), { [IP]: '192.168.7.7' }, true),
  when(one('IpAddress', IP, '203.0.113.0/24'), { [IP]: '::ffff:203.0.113.9' }, true),
  when(one('IpAddress', IP, '::ffff:203.0.113.0/120'), { [IP]: '203.0.113.9' }, true),
  when(one('IpAddress', IP, '2001:db8::/32'), { [IP]: '2001:db8:1::5' }, true),
  when(one('IpAddress', IP, '2001:db8::/32'), { [IP]: '2001:db9::5' }, false),
  when(one('IpAddress', IP, '0.0.0.0/0'), { [IP]: '2001:db8::1' }, false),
  when(one('IpAddress', IP, '::/0'), { [IP]: '203.0.113.9' }, false),
  when(one('IpAddress', IP, '0.0.0.0/0'), {}, false),
  when(one('NotIpAddress', IP, '203.0.113.0/24'), { [IP]: '198.51.100.1' }, true),
  when(one('NotIpAddress', IP, '203.0.113.0/24'), { [IP]: '203.0.113.1' }, false),
  when(one('NotIpAddress', IP, '203.0.113.0/24'), {}, true),
  when(one('IpAddress', IP, '10.0.0.0/8'), { [IP]: 'unknown' }, false),
];

const FLAGS: readonly Case[] = [
  when(one('Bool', 'aws:SecureTransport', 'true'), { 'aws:SecureTransport': 'true' }, true),
  when(one('Bool', 'aws:SecureTransport', true), { 'aws:SecureTransport': 'true' }, true),
  when(one('Bool', 'aws:SecureTransport', 'true'), { 'aws:SecureTransport': 'false' }, false),
  when(one('Bool', MFA, 'true'), {}, false),
  when(one('Bool', MFA, 'false'), {}, false),
  when(one('BoolIfExists', MFA, 'false'), {}, true),
  when(one('BoolIfExists', MFA, 'true'), { [MFA]: 'false' }, false),
  when(one('Null', MFA, 'true'), {}, true),
  when(one('Null', MFA, 'true'), { [MFA]: 'false' }, false),
  when(one('Null', MFA, 'false'), { [MFA]: 'true' }, true),
  when(one('Null', TAG, false), { [TAG]: '' }, true),
  when(one('Null', MFA, ['true', 'false']), {}, true),
];

const SETS: readonly Case[] = [
  when(one('ForAllValues:StringEquals', TAG, ['a', 'b']), { [TAG]: ['a', 'b'] }, true),
  when(one('ForAllValues:StringEquals', TAG, ['a', 'b']), { [TAG]: ['a', 'c'] }, false),
  when(one('ForAllValues:StringEquals', TAG, ['a', 'b']), {}, true),
  when(one('ForAllValues:StringEquals', TAG, ['a']), { [TAG]: [] }, true),
  when(one('ForAnyValue:StringEquals', TAG, ['a', 'b']), { [TAG]: ['c', 'b'] }, true),
  when(one('ForAnyValue:StringEquals', TAG, ['a', 'b']), { [TAG]: ['c', 'd'] }, false),
  when(one('ForAnyValue:StringEquals', TAG, ['a']), {}, false),
  when(one('ForAllValues:StringNotLike', TAG, 'x*'), { [TAG]: ['a', 'xa'] }, false),
  when(one('ForAnyValue:StringNotLike', TAG, 'x*'), { [TAG]: ['a', 'xa'] }, true),
  when(one('ForAnyValue:StringNotEquals', TAG, 'a'), {}, false),
];

/** Conditions on the caller, which condition values of the request cannot override. */
function whenCaller(
  principal: CaseRequest['principal'],
  condition: Document,
  holds: boolean,
  conditionValues: Record<string, string> = {},
): Case {
  return {
    ...when(condition, conditionValues, holds),
    name: `Allow ${principal.arn} (${principal.kind}) if ${JSON.stringify(condition)}`,
    request: { principal, action: 'DeleteArchive', resource: VAULT, conditionValues },
  };
}

const CALLERS: readonly Case[] = [
  whenCaller(alice, one('StringEquals', 'aws:username', 'alice'), true),
  whenCaller(bob, one('StringEquals', 'aws:username', 'alice'), false, { 'aws:username': 'alice' }),
  whenCaller(aliceForAnHour, one('StringEquals', 'aws:username', 'alice'), true),
  whenCaller(backup, one('StringLike', 'aws:username', '*'), false, { 'aws:username': 'alice' }),
  whenCaller(alice, one('StringEquals', 'aws:userid', 'AIDAALICE'), true),
  whenCaller(backup, one('StringLike', 'aws:userid', 'AROABACKUP:*'), true),
  whenCaller(alice, one('StringEquals', 'aws:PrincipalAccount', '111122223333'), true),
  whenCaller(alice, one('StringEquals', 'aws:PrincipalType', 'User'), true),
  whenCaller(backup, one('StringEquals', 'aws:PrincipalType', 'AssumedRole'), true),
  whenCaller(alice, one('StringEquals', 'aws:ResourceAccount', '111122223333'), true),
  whenCaller(alice, one('ArnEquals', 'aws:PrincipalArn', alice.arn), true),
  whenCaller(bob, one('ArnEquals', 'aws:PrincipalArn', alice.arn), false),
  whenCaller(bob, one('ArnLike', 'aws:PrincipalArn', 'arn:aws:iam::*:user/staff/*'), true),
  whenCaller(bob, one('ArnEquals', 'aws:PrincipalArn', 'arn:aws:iam::*:user/staff/*'), true),
  whenCaller(backup, one('ArnEquals', 'aws:PrincipalArn', 'arn:aws:iam::111122223333:role/Backup'), true),
  whenCaller(backup, one('ArnLike', 'aws:PrincipalArn', 'arn:aws:sts::*:assumed-role/*'), false),
  whenCaller(alice, one('ArnNotLike', 'aws:PrincipalArn', 'arn:aws:iam::*:role/*'), true),
  whenCaller(alice, one('StringLike', 'aws:PrincipalArn', 'arn:aws:iam::1111*alice'), true),
];

const SEVERAL: readonly Case[] = [
  when({ StringEquals: { [TAG]: 'red' }, NumericLessThan: { [AGE]: 9 } }, { [TAG]: 'red', [AGE]: '8' }, true),
  when(
    { StringEquals: { [TAG]: 'red' }, NumericLessThan: { [AGE]: 9 } },
    { [TAG]: 'red', [AGE]: '9' },
    false,
  ),
  when(
    { StringEquals: { [TAG]: 'red', 'aws:RequestedRegion': 'x' } },
    { [TAG]: 'red', 'aws:RequestedRegion': 'x' },
    true,
  ),
  when({ StringEquals: { [TAG]: 'red', 'aws:RequestedRegion': 'x' } }, { [TAG]: 'red' }, false),
  when({ NumericGreaterThan: { [AGE]: 5 }, NumericLessThan: { [AGE]: 9 } }, { [AGE]: '7' }, true),
  when({ NumericGreaterThan: { [AGE]: 5 }, NumericLessThan: { [AGE]: 9 } }, { [AGE]: '10' }, false),
  when({}, {}, true),
  when(one('StringEquals', TAG, v('aws:username')), { [TAG]: 'alice' }, true),
  when(one('StringEquals', TAG, v('aws:username')), { [TAG]: 'bob' }, false),
  when(one('StringLike', TAG, `${v('aws:username')}-*`), { [TAG]: 'alice-1' }, true),
  when(
    one('StringEquals', TAG, v('aws:PrincipalTag/team')),
    { [TAG]: 'red', 'aws:PrincipalTag/team': 'red' },
    true,
  ),
  when(one('StringEquals', TAG, v('aws:PrincipalTag/team')), { [TAG]: 'red' }, false),
  when(one('StringNotEquals', TAG, v('aws:PrincipalTag/team')), { [TAG]: 'red' }, true),
  when(one('StringEquals', TAG, v("aws:PrincipalTag/team, 'none'")), { [TAG]: 'none' }, true),
];

export const CONDITION_CASES: readonly Case[] = [
  ...STRINGS,
  ...NUMBERS,
  ...DATES,
  ...ADDRESSES,
  ...FLAGS,
  ...SETS,
  ...CALLERS,
  ...SEVERAL,
];
