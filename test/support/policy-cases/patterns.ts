/** Matching: wildcards in actions and resources, NotAction, NotResource. */
import type { GlacierAction } from '../../../src/domain/policy/actions.ts';
import type { Reason } from '../../../src/domain/policy/authorize.ts';
import type { Case } from './cast.ts';
import { ALL_VAULTS, alice, allow, policy, RETRIEVAL_POLICY, root, VAULT, VAULT_2 } from './cast.ts';

function actions(pattern: string | readonly string[], action: GlacierAction, expected: Reason): Case {
  return {
    name: `Action ${JSON.stringify(pattern)}: ${action}`,
    identity: [policy(allow(pattern))],
    request: { principal: alice, action, resource: VAULT },
    expected,
  };
}

const YES = 'allowed-by-identity';
const NO = 'implicit-deny';

const ACTIONS: readonly Case[] = [
  actions('*', 'DeleteArchive', YES),
  actions('*:*', 'DeleteArchive', YES),
  actions('glacier:*', 'DeleteArchive', YES),
  actions('glacier:Delete*', 'DeleteArchive', YES),
  actions('glacier:Delete*', 'DeleteVaultAccessPolicy', YES),
  actions('glacier:Delete*', 'DescribeJob', NO),
  actions('glacier:*Vault', 'DeleteVault', YES),
  actions('glacier:*Vault', 'AddTagsToVault', YES),
  actions('glacier:*Vault', 'DeleteArchive', NO),
  actions('glacier:*Vault', 'ListVaults', NO),
  actions('glacier:*Vault*', 'ListVaults', YES),
  actions('glacier:List*s', 'ListJobs', YES),
  actions('glacier:List*s', 'ListTagsForVault', NO),
  actions('glacier:D*t*', 'DeleteVault', YES),
  actions('glacier:ListPart?', 'ListParts', YES),
  actions('glacier:?escribe???', 'DescribeJob', YES),
  actions('glacier:Describe???', 'DescribeVault', NO),
  actions('glacier:deletearchive', 'DeleteArchive', YES),
  actions('GLACIER:DELETEARCHIVE', 'DeleteArchive', YES),
  actions('Glacier:delete*', 'DeleteVault', YES),
  actions(['glacier:ListJobs', 'glacier:DeleteArchive'], 'DeleteArchive', YES),
  actions(['glacier:ListJobs', 'glacier:ListParts'], 'DeleteArchive', NO),
  actions('glacier:UploadArchive', 'UploadMultipartPart', NO),
  actions('s3:*', 'DeleteArchive', NO),
  actions('s3:DeleteArchive', 'DeleteArchive', NO),
];

function notActions(pattern: string | readonly string[], action: GlacierAction, expected: Reason): Case {
  return {
    name: `NotAction ${JSON.stringify(pattern)}: ${action}`,
    identity: [policy({ Effect: 'Allow', NotAction: pattern, Resource: '*' })],
    request: { principal: alice, action, resource: VAULT },
    expected,
  };
}

const NOT_ACTIONS: readonly Case[] = [
  notActions('glacier:Delete*', 'DeleteArchive', NO),
  notActions('glacier:Delete*', 'UploadArchive', YES),
  notActions('glacier:delete*', 'DeleteVault', NO),
  notActions(['glacier:Delete*', 'glacier:Set*'], 'SetVaultAccessPolicy', NO),
  notActions('s3:*', 'DeleteArchive', YES),
  notActions('*', 'DeleteArchive', NO),
  {
    name: 'a Deny with NotAction denies the rest',
    identity: [policy(allow('*'))],
    lock: policy({ Effect: 'Deny', Principal: '*', NotAction: 'glacier:List*', Resource: VAULT }),
    request: { principal: root, action: 'UploadArchive', resource: VAULT },
    expected: 'explicit-deny',
  },
  {
    name: 'a Deny with NotAction excludes the actions that it names',
    lock: policy({ Effect: 'Deny', Principal: '*', NotAction: 'glacier:List*', Resource: VAULT }),
    request: { principal: root, action: 'ListJobs', resource: VAULT },
    expected: 'root',
  },
];

function resources(
  pattern: string | readonly string[],
  resource: string,
  expected: Reason,
  action: GlacierAction = 'ListJobs',
): Case {
  return {
    name: `Resource ${JSON.stringify(pattern)}: ${action} on ${resource}`,
    identity: [policy(allow('glacier:*', { Resource: pattern }))],
    request: { principal: alice, action, resource },
    expected,
  };
}

const PREFIX = 'arn:aws:glacier:us-east-1:111122223333:vaults';

const RESOURCES: readonly Case[] = [
  resources('*', VAULT, YES),
  resources(VAULT, VAULT, YES),
  resources(VAULT, VAULT_2, NO),
  resources(VAULT_2, VAULT, NO),
  resources(`${PREFIX}/*`, VAULT, YES),
  resources(`${PREFIX}/example*`, VAULT, YES),
  resources(`${PREFIX}/example*`, VAULT_2, YES),
  resources(`${PREFIX}/example*`, `${PREFIX}/test`, NO),
  resources(`${PREFIX}/Example*`, VAULT, NO),
  resources(`${PREFIX}/examplevault?`, VAULT, NO),
  resources(`${PREFIX}/examplevault?`, VAULT_2, YES),
  resources(`${PREFIX}/examplevaul?`, VAULT, YES),
  resources(`${PREFIX}/*vault`, VAULT, YES),
  resources(`${PREFIX}/*vault`, VAULT_2, NO),
  resources(`${PREFIX}/e*a*e*a*t`, VAULT, YES),
  resources(`${PREFIX}/e*a*e*a*z`, VAULT, NO),
  resources('arn:aws:glacier:*:111122223333:vaults/*', VAULT, YES),
  resources('arn:aws:glacier:eu-*:111122223333:vaults/*', VAULT, NO),
  resources('arn:aws:glacier:us-*-1:*:vaults/examplevault', VAULT, YES),
  resources('arn:aws:glacier:us-east-1:444455556666:vaults/*', VAULT, NO),
  resources('arn:*:glacier:*:*:*', VAULT, YES),
  resources('arn:aws:s3:::examplevault', VAULT, NO),
  resources(['arn:aws:s3:::*', VAULT], VAULT, YES),
  resources([VAULT_2, `${PREFIX}/x`], VAULT, NO),
  resources('arn:aws-cn:glacier:us-east-1:111122223333:vaults/examplevault', VAULT, NO),
  resources(VAULT, VAULT.replace('vaults', 'Vaults'), NO),
  resources(`${PREFIX}/*`, ALL_VAULTS, YES, 'ListVaults'),
  resources(`${PREFIX}/example*`, ALL_VAULTS, NO, 'ListVaults'),
  resources(`${PREFIX}/`, ALL_VAULTS, YES, 'ListVaults'),
  resources(`${PREFIX}/new*`, `${PREFIX}/newvault`, YES, 'CreateVault'),
  resources(`${PREFIX}/new*`, `${PREFIX}/oldvault`, NO, 'CreateVault'),
  resources(RETRIEVAL_POLICY, RETRIEVAL_POLICY, YES, 'SetDataRetrievalPolicy'),
  resources(`${PREFIX}/*`, RETRIEVAL_POLICY, NO, 'SetDataRetrievalPolicy'),
  resources(
    'arn:aws:glacier:us-east-1:111122223333:policies/*',
    RETRIEVAL_POLICY,
    YES,
    'GetDataRetrievalPolicy',
  ),
  resources('*', '*', YES, 'PurchaseProvisionedCapacity'),
  resources('arn:aws:glacier:us-east-1:111122223333:*', '*', NO, 'PurchaseProvisionedCapacity'),
];

function notResources(pattern: string | readonly string[], resource: string, expected: Reason): Case {
  return {
    name: `NotResource ${JSON.stringify(pattern)}: ${resource}`,
    identity: [policy({ Effect: 'Allow', Action: 'glacier:*', NotResource: pattern })],
    request: { principal: alice, action: 'ListJobs', resource },
    expected,
  };
}

const NOT_RESOURCES: readonly Case[] = [
  notResources(VAULT, VAULT, NO),
  notResources(VAULT, VAULT_2, YES),
  notResources(`${PREFIX}/example*`, VAULT_2, NO),
  notResources([VAULT, VAULT_2], `${PREFIX}/other`, YES),
  notResources('*', VAULT, NO),
  {
    name: 'a Deny with NotResource denies all other vaults',
    identity: [policy(allow('*'), { Effect: 'Deny', Action: 'glacier:*', NotResource: VAULT })],
    request: { principal: alice, action: 'ListJobs', resource: VAULT_2 },
    expected: 'explicit-deny',
  },
  {
    name: 'a Deny with NotResource excludes the vault that it names',
    identity: [policy(allow('*'), { Effect: 'Deny', Action: 'glacier:*', NotResource: VAULT })],
    request: { principal: alice, action: 'ListJobs', resource: VAULT },
    expected: YES,
  },
];

export const PATTERN_CASES: readonly Case[] = [...ACTIONS, ...NOT_ACTIONS, ...RESOURCES, ...NOT_RESOURCES];
