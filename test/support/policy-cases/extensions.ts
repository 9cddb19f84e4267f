/** Authorization of Moraine's own operations: the table of the page on extensions, row by row. */
import type { Action, ExtensionAction } from '../../../src/domain/policy/extension-actions.ts';
import type { Case, CaseRequest, Document } from './cast.ts';
import {
  ALICE_ARN,
  alice,
  allow,
  carol,
  deny,
  forbid,
  grant,
  grantTo,
  otherRoot,
  policy,
  root,
  VAULT,
} from './cast.ts';

const ALL = policy(allow('*'));
const AGE = 'glacier:ArchiveAgeInDays';
const TAG = 'glacier:ResourceTag/Hold';
const young: Document = { Condition: { NumericLessThan: { [AGE]: '365' } } };
const held: Document = { Condition: { StringEquals: { [TAG]: 'yes' } } };

/** An extension, what it amounts to beside itself, and an action that it has nothing to do with. */
const ROWS: readonly (readonly [ExtensionAction, readonly Action[], Action])[] = [
  ['moraine:ListArchives', ['InitiateJob'], 'GetJobOutput'],
  ['moraine:DescribeArchive', ['InitiateJob'], 'GetJobOutput'],
  ['moraine:GetArchive', ['InitiateJob', 'GetJobOutput'], 'DescribeJob'],
  ['moraine:EmptyVault', ['DeleteArchive'], 'DeleteVault'],
  ['moraine:ListTasks', [], 'DeleteArchive'],
  ['moraine:DescribeTask', [], 'DeleteArchive'],
  ['moraine:GetTaskReport', [], 'InitiateJob'],
  ['moraine:CancelTask', [], 'moraine:EmptyVault'],
  ['moraine:DeleteVault', ['DeleteArchive', 'DeleteVault', 'moraine:EmptyVault'], 'InitiateJob'],
  [
    'moraine:ImportArchive',
    ['UploadArchive', 'InitiateMultipartUpload', 'CompleteMultipartUpload'],
    'UploadMultipartPart',
  ],
];

export const EXTENSION_NAMES = ROWS.map(([name]) => name);

const full = (action: Action): string => (action.includes(':') ? action : `glacier:${action}`);

function ofEach([action, amountsTo, other]: (typeof ROWS)[number]): readonly Case[] {
  const by = (principal: CaseRequest['principal']): CaseRequest => ({ principal, action, resource: VAULT });
  const name = action.slice('moraine:'.length);
  const denials = [action, ...amountsTo].flatMap((denied): Case[] => [
    {
      name: `${action}: a Deny of ${denied} in an identity policy`,
      identity: [ALL, policy(deny(full(denied)))],
      request: by(alice),
      expected: 'explicit-deny',
    },
    {
      name: `${action}: a Deny of ${denied} in a vault access policy binds root`,
      access: policy(forbid(full(denied))),
      request: by(root),
      expected: 'explicit-deny',
    },
    {
      name: `${action}: a Deny of ${denied} in a vault lock policy binds root`,
      lock: policy(forbid(full(denied))),
      request: by(root),
      expected: 'explicit-deny',
    },
  ]);
  const allows = [action, `moraine:${name.slice(0, 4)}*`, 'moraine:*', '*', action.toUpperCase(), '*:*'];
  return [
    { name: `${action}: root needs no Allow`, request: by(root), expected: 'root' },
    { name: `${action}: a user needs one`, request: by(alice), expected: 'implicit-deny' },
    ...allows.map(
      (pattern): Case => ({
        name: `${action}: allowed by ${pattern}`,
        identity: [policy(allow(pattern))],
        request: by(alice),
        expected: 'allowed-by-identity',
      }),
    ),
    {
      name: `${action}: glacier:* does not allow it`,
      identity: [policy(allow('glacier:*'))],
      request: by(alice),
      expected: 'implicit-deny',
    },
    {
      name: `${action}: NotAction never allows it`,
      identity: [policy({ Effect: 'Allow', NotAction: 'glacier:ListJobs', Resource: '*' })],
      request: by(alice),
      expected: 'implicit-deny',
    },
    {
      name: `${action}: a Deny with NotAction covers it`,
      identity: [ALL, policy({ Effect: 'Deny', NotAction: 'glacier:*', Resource: '*' })],
      request: by(alice),
      expected: 'explicit-deny',
    },
    {
      name: `${action}: allowed to a user by the vault access policy`,
      access: policy(grantTo(ALICE_ARN, action)),
      request: by(alice),
      expected: 'allowed-by-resource',
    },
    {
      name: `${action}: another account needs both sides`,
      identity: [ALL],
      request: by(carol),
      expected: 'implicit-deny',
    },
    {
      name: `${action}: another account has both sides`,
      access: policy(grant('moraine:*')),
      request: by(otherRoot),
      expected: 'allowed-by-resource',
    },
    ...denials,
    {
      name: `${action}: a Deny of ${other} leaves it alone`,
      identity: [ALL],
      lock: policy(forbid(full(other))),
      request: by(alice),
      expected: 'allowed-by-identity',
    },
    {
      name: `${action}: a Deny of it under a tag that the vault has`,
      lock: policy(forbid(action, held)),
      request: { ...by(root), conditionValues: { [TAG]: 'yes' } },
      expected: 'explicit-deny',
    },
    {
      name: `${action}: a Deny of it under a tag that the vault has not`,
      lock: policy(forbid(action, held)),
      request: by(root),
      expected: 'root',
    },
  ];
}

type OnAge = readonly [
  what: string,
  action: ExtensionAction,
  denied: string,
  more: Document,
  request: Pick<CaseRequest, 'conditionValues' | 'denyOnArchive'>,
  expected: Case['expected'],
];

const aged = (days: string) => ({ conditionValues: { [AGE]: days } });
const OLD = aged('400');
const YOUNG = aged('3');

/** Conditions on the archive, for root, in a lock policy. */
const ON_AGE: readonly OnAge[] = [
  ['young', 'moraine:DescribeArchive', 'glacier:InitiateJob', young, YOUNG, 'explicit-deny'],
  ['old', 'moraine:DescribeArchive', 'glacier:InitiateJob', young, OLD, 'root'],
  ['young', 'moraine:DescribeArchive', 'moraine:DescribeArchive', young, YOUNG, 'explicit-deny'],
  ['old', 'moraine:DescribeArchive', 'moraine:DescribeArchive', young, OLD, 'root'],
  ['young', 'moraine:GetArchive', 'glacier:InitiateJob', young, YOUNG, 'explicit-deny'],
  ['old', 'moraine:GetArchive', 'glacier:InitiateJob', young, OLD, 'root'],
  ['young', 'moraine:GetArchive', 'moraine:GetArchive', young, YOUNG, 'explicit-deny'],
  // GetJobOutput carries no age, so such a Deny denies neither it nor what amounts to it.
  ['no age', 'moraine:GetArchive', 'glacier:GetJobOutput', young, YOUNG, 'root'],
  ['young, one of many', 'moraine:EmptyVault', 'glacier:DeleteArchive', young, YOUNG, 'explicit-deny'],
  ['old, one of many', 'moraine:EmptyVault', 'glacier:DeleteArchive', young, OLD, 'root'],
  ['young, one of many', 'moraine:DeleteVault', 'glacier:DeleteArchive', young, YOUNG, 'explicit-deny'],
  ['young, one of many', 'moraine:DeleteVault', 'moraine:EmptyVault', young, YOUNG, 'explicit-deny'],
  [
    'a listing, as if met',
    'moraine:ListArchives',
    'glacier:InitiateJob',
    young,
    { denyOnArchive: 'applies' },
    'explicit-deny',
  ],
  [
    'a listing, as if met',
    'moraine:ListArchives',
    'moraine:ListArchives',
    young,
    { denyOnArchive: 'applies' },
    'explicit-deny',
  ],
  [
    'a listing, another condition not met',
    'moraine:ListArchives',
    'glacier:InitiateJob',
    { Condition: { ...(young['Condition'] as object), StringEquals: { [TAG]: 'yes' } } },
    { denyOnArchive: 'applies' },
    'root',
  ],
  [
    'the request as a whole',
    'moraine:EmptyVault',
    'glacier:DeleteArchive',
    young,
    { denyOnArchive: 'waits' },
    'root',
  ],
  [
    'the request as a whole, a condition that holds without an age',
    'moraine:EmptyVault',
    'glacier:DeleteArchive',
    { Condition: { NumericNotEquals: { [AGE]: '1' } } },
    { denyOnArchive: 'waits' },
    'root',
  ],
  [
    'the request as a whole, no condition',
    'moraine:EmptyVault',
    'glacier:DeleteArchive',
    {},
    { denyOnArchive: 'waits' },
    'explicit-deny',
  ],
  [
    'the request as a whole, a condition on the vault',
    'moraine:EmptyVault',
    'glacier:DeleteArchive',
    held,
    { denyOnArchive: 'waits', conditionValues: { [TAG]: 'yes' } },
    'explicit-deny',
  ],
  [
    'the request as a whole, no condition',
    'moraine:DeleteVault',
    'glacier:DeleteVault',
    {},
    { denyOnArchive: 'waits' },
    'explicit-deny',
  ],
];

export const EXTENSION_CASES: readonly Case[] = [
  ...ROWS.flatMap(ofEach),
  ...ON_AGE.map(
    ([what, action, denied, more, request, expected]): Case => ({
      name: `${action}: a Deny of ${denied} with ${JSON.stringify(more)}: ${what}`,
      lock: policy(forbid(denied, more)),
      request: { principal: root, action, resource: VAULT, ...request },
      expected,
    }),
  ),
];
