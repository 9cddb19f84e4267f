/** Every action of the service in every basic situation. */
import type { GlacierAction } from '../../../src/domain/policy/actions.ts';
import type { Case, CaseRequest } from './cast.ts';
import {
  ALL_VAULTS,
  alice,
  allow,
  carol,
  deny,
  forbid,
  grant,
  grantTo,
  otherRoot,
  policy,
  RETRIEVAL_POLICY,
  root,
  VAULT,
  VAULT_2,
} from './cast.ts';

/** Action, its resource, and another action whose permission must not suffice. */
const ON_VAULTS: readonly (readonly [GlacierAction, string, GlacierAction])[] = [
  ['AbortMultipartUpload', VAULT, 'CompleteMultipartUpload'],
  ['AbortVaultLock', VAULT, 'InitiateVaultLock'],
  ['AddTagsToVault', VAULT, 'RemoveTagsFromVault'],
  ['CompleteMultipartUpload', VAULT, 'InitiateMultipartUpload'],
  ['CompleteVaultLock', VAULT, 'InitiateVaultLock'],
  ['DeleteArchive', VAULT, 'DeleteVault'],
  ['DeleteVault', VAULT, 'DeleteArchive'],
  ['DeleteVaultAccessPolicy', VAULT, 'DeleteVault'],
  ['DeleteVaultNotifications', VAULT, 'DeleteVault'],
  ['DescribeJob', VAULT, 'DescribeVault'],
  ['DescribeVault', VAULT, 'DescribeJob'],
  ['GetJobOutput', VAULT, 'DescribeJob'],
  ['GetVaultAccessPolicy', VAULT, 'GetVaultLock'],
  ['GetVaultLock', VAULT, 'GetVaultAccessPolicy'],
  ['GetVaultNotifications', VAULT, 'SetVaultNotifications'],
  ['InitiateJob', VAULT, 'ListJobs'],
  ['InitiateMultipartUpload', VAULT, 'UploadArchive'],
  ['InitiateVaultLock', VAULT, 'CompleteVaultLock'],
  ['ListJobs', VAULT, 'DescribeJob'],
  ['ListMultipartUploads', VAULT, 'ListParts'],
  ['ListParts', VAULT, 'ListMultipartUploads'],
  ['ListTagsForVault', VAULT, 'AddTagsToVault'],
  ['RemoveTagsFromVault', VAULT, 'AddTagsToVault'],
  ['SetVaultAccessPolicy', VAULT, 'SetVaultNotifications'],
  ['SetVaultNotifications', VAULT, 'SetVaultAccessPolicy'],
  ['UploadArchive', VAULT, 'UploadMultipartPart'],
  ['UploadMultipartPart', VAULT, 'UploadArchive'],
];

const ON_ACCOUNTS: readonly (readonly [GlacierAction, string, GlacierAction])[] = [
  ['CreateVault', VAULT, 'DeleteVault'],
  ['GetDataRetrievalPolicy', RETRIEVAL_POLICY, 'SetDataRetrievalPolicy'],
  ['ListProvisionedCapacity', '*', 'PurchaseProvisionedCapacity'],
  ['ListVaults', ALL_VAULTS, 'DescribeVault'],
  ['PurchaseProvisionedCapacity', '*', 'ListProvisionedCapacity'],
  ['SetDataRetrievalPolicy', RETRIEVAL_POLICY, 'GetDataRetrievalPolicy'],
];

/** Cases that all 33 share. */
const ownAccount = [...ON_VAULTS, ...ON_ACCOUNTS].flatMap(([action, resource, different]): Case[] => {
  const request: CaseRequest = { principal: alice, action, resource };
  const just = policy(allow(`glacier:${action}`, { Resource: resource }));
  return [
    { name: `${action}: a user without policies`, request, expected: 'implicit-deny' },
    {
      name: `${action}: a policy for this action only`,
      identity: [just],
      request,
      expected: 'allowed-by-identity',
    },
    {
      name: `${action}: a policy for ${different} only`,
      identity: [policy(allow(`glacier:${different}`))],
      request,
      expected: 'implicit-deny',
    },
    {
      name: `${action}: allowed and denied in one policy`,
      identity: [policy(allow('*'), deny(`glacier:${action}`))],
      request,
      expected: 'explicit-deny',
    },
    { name: `${action}: root`, request: { ...request, principal: root }, expected: 'root' },
  ];
});

/** The 27 actions that vault policies can allow or deny. */
const byVaultPolicy = ON_VAULTS.flatMap(([action, , different]): Case[] => {
  const request: CaseRequest = { principal: alice, action, resource: VAULT };
  const abroad: CaseRequest = { ...request, principal: carol };
  const granted = policy(grantTo(carol.arn, `glacier:${action}`));
  const wanted = policy(allow(`glacier:${action}`));
  return [
    {
      name: `${action}: a vault policy alone suffices within the account`,
      access: policy(grant(`glacier:${action}`)),
      request,
      expected: 'allowed-by-resource',
    },
    {
      name: `${action}: denied by the vault policy`,
      identity: [wanted],
      access: policy(forbid(`glacier:${action}`)),
      request,
      expected: 'explicit-deny',
    },
    {
      name: `${action}: denied by the lock policy, allowed by all others`,
      identity: [wanted],
      access: policy(grant('glacier:*')),
      lock: policy(forbid(`glacier:${action}`)),
      request: { ...request, principal: root },
      expected: 'explicit-deny',
    },
    {
      name: `${action}: another account, its own policy only`,
      identity: [wanted],
      request: abroad,
      expected: 'implicit-deny',
    },
    {
      name: `${action}: another account, the vault policy only`,
      access: granted,
      request: abroad,
      expected: 'implicit-deny',
    },
    {
      name: `${action}: another account, both`,
      identity: [wanted],
      access: granted,
      request: abroad,
      expected: 'allowed-by-resource',
    },
    {
      name: `${action}: another account, the vault policy for ${different}`,
      identity: [wanted],
      access: policy(grantTo(carol.arn, `glacier:${different}`)),
      request: abroad,
      expected: 'implicit-deny',
    },
    {
      name: `${action}: root of another account, the vault policy`,
      access: policy(grantTo('444455556666', `glacier:${action}`)),
      request: { ...abroad, principal: otherRoot },
      expected: 'allowed-by-resource',
    },
    {
      name: `${action}: the policy of another vault's ARN`,
      identity: [policy(allow(`glacier:${action}`, { Resource: VAULT_2 }))],
      request,
      expected: 'implicit-deny',
    },
  ];
});

/** The six actions that vault policies neither allow nor deny. */
const notByVaultPolicy = ON_ACCOUNTS.flatMap(([action, resource]): Case[] => [
  {
    name: `${action}: a vault policy for glacier:* does not allow it`,
    access: policy(grant('glacier:*', { Resource: '*' })),
    request: { principal: alice, action, resource },
    expected: 'implicit-deny',
  },
  {
    name: `${action}: vault policies against glacier:* do not deny it`,
    identity: [policy(allow(`glacier:${action}`))],
    access: policy(forbid('glacier:*', { Resource: '*' })),
    lock: policy(forbid('glacier:*', { Resource: '*' })),
    request: { principal: alice, action, resource },
    expected: 'allowed-by-identity',
  },
]);

export const ACTION_CASES: readonly Case[] = [...ownAccount, ...byVaultPolicy, ...notByVaultPolicy];
