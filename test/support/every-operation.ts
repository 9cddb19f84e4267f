/** For each of the 33 operations and each extension, a request that succeeds if allowed, with the state that it needs. */
import assert from 'node:assert/strict';
import { treeHash } from '../../src/treehash/index.ts';
import type { Api, CallOptions } from './api.ts';
import { jobsOf } from './jobs.ts';
import { MIB } from './pattern.ts';
import { type Answer, hashHeaders } from './request.ts';

export interface Attempt {
  /** The operation's name, which is also its action in policies. */
  readonly name: string;
  readonly method: string;
  /** Path after the account, query included: `/vaults/v?operation=add`. */
  readonly path: string;
  readonly options: CallOptions;
  /** The status of the answer if allowed. */
  readonly status: number;
  /** Empty for operations on the account. */
  readonly vault: string;
}

/** A lock policy that denies none of these attempts. */
export const HARMLESS_LOCK = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Deny',
      Principal: '*',
      Action: 'glacier:DeleteArchive',
      Resource: '*',
      Condition: { NumericLessThan: { 'glacier:ArchiveAgeInDays': '0' } },
    },
  ],
};

/** An access policy that grants nothing to any caller of the tests. */
const IDLE_POLICY = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: '000000000000' },
      Action: 'glacier:ListJobs',
      Resource: '*',
    },
  ],
};

const TOPIC = 'arn:aws:sns:us-east-1:111122223333:topic';
const BYTES = 'the bytes of an archive';

/** `{"Policy": "…"}` as requests carry it. */
export function policyBody(policy: unknown): string {
  return JSON.stringify({ Policy: typeof policy === 'string' ? policy : JSON.stringify(policy) });
}

type Prepared = Pick<Attempt, 'method' | 'path' | 'status'> & Partial<Pick<Attempt, 'options'>>;
type Prepare = (api: Api, vault: string) => Promise<Prepared> | Prepared;

const onVault =
  (method: string, rest: string, status: number, options: CallOptions = {}): Prepare =>
  (_api, vault) => ({ method, path: `/vaults/${vault}${rest}`, status, options });

const notifications = {
  body: JSON.stringify({ SNSTopic: TOPIC, Events: ['ArchiveRetrievalCompleted'] }),
};

const upload = { body: BYTES, headers: hashHeaders(BYTES) };

const PREPARE: Readonly<Record<string, Prepare>> = {
  AbortMultipartUpload: async (api, vault) => ({
    method: 'DELETE',
    path: `/vaults/${vault}/multipart-uploads/${await api.initiate(vault, MIB)}`,
    status: 204,
  }),
  AbortVaultLock: async (api, vault) => {
    await initiateLock(api, vault);
    return { method: 'DELETE', path: `/vaults/${vault}/lock-policy`, status: 204 };
  },
  AddTagsToVault: onVault('POST', '/tags?operation=add', 204, { body: '{"Tags":{"k":"v"}}' }),
  CompleteMultipartUpload: async (api, vault) => {
    const id = await api.initiate(vault, MIB);
    await api.putPart(vault, id, 0, Buffer.from(BYTES));
    const headers = {
      'x-amz-archive-size': String(BYTES.length),
      'x-amz-sha256-tree-hash': treeHash(Buffer.from(BYTES)),
    };
    return {
      method: 'POST',
      path: `/vaults/${vault}/multipart-uploads/${id}`,
      status: 201,
      options: { headers },
    };
  },
  CompleteVaultLock: async (api, vault) => ({
    method: 'POST',
    path: `/vaults/${vault}/lock-policy/${await initiateLock(api, vault)}`,
    status: 204,
  }),
  CreateVault: (_api, vault) => ({ method: 'PUT', path: `/vaults/${vault}-new`, status: 201 }),
  DeleteArchive: async (api, vault) => ({
    method: 'DELETE',
    path: `/vaults/${vault}/archives/${await api.upload(vault, BYTES)}`,
    status: 204,
  }),
  DeleteVault: onVault('DELETE', '', 204),
  DeleteVaultAccessPolicy: onVault('DELETE', '/access-policy', 204),
  DeleteVaultNotifications: onVault('DELETE', '/notification-configuration', 204),
  DescribeJob: async (api, vault) => ({
    method: 'GET',
    path: `/vaults/${vault}/jobs/${await retrieve(api, vault)}`,
    status: 200,
  }),
  DescribeVault: onVault('GET', '', 200),
  GetDataRetrievalPolicy: () => ({ method: 'GET', path: '/policies/data-retrieval', status: 200 }),
  GetJobOutput: async (api, vault) => ({
    method: 'GET',
    path: `/vaults/${vault}/jobs/${await retrieve(api, vault)}/output`,
    status: 200,
  }),
  GetVaultAccessPolicy: async (api, vault) => {
    await succeed(api.call('PUT', `/-/vaults/${vault}/access-policy`, { body: policyBody(IDLE_POLICY) }));
    return { method: 'GET', path: `/vaults/${vault}/access-policy`, status: 200 };
  },
  GetVaultLock: async (api, vault) => {
    await initiateLock(api, vault);
    return { method: 'GET', path: `/vaults/${vault}/lock-policy`, status: 200 };
  },
  GetVaultNotifications: async (api, vault) => {
    await succeed(api.call('PUT', `/-/vaults/${vault}/notification-configuration`, notifications));
    return { method: 'GET', path: `/vaults/${vault}/notification-configuration`, status: 200 };
  },
  InitiateJob: async (api, vault) => ({
    method: 'POST',
    path: `/vaults/${vault}/jobs`,
    status: 202,
    options: {
      body: JSON.stringify({ Type: 'archive-retrieval', ArchiveId: await api.upload(vault, BYTES) }),
    },
  }),
  InitiateMultipartUpload: onVault('POST', '/multipart-uploads', 201, {
    headers: { 'x-amz-part-size': String(MIB) },
  }),
  InitiateVaultLock: onVault('POST', '/lock-policy', 201, { body: policyBody(HARMLESS_LOCK) }),
  ListJobs: onVault('GET', '/jobs', 200),
  ListMultipartUploads: onVault('GET', '/multipart-uploads', 200),
  ListParts: async (api, vault) => ({
    method: 'GET',
    path: `/vaults/${vault}/multipart-uploads/${await api.initiate(vault, MIB)}`,
    status: 200,
  }),
  ListProvisionedCapacity: () => ({ method: 'GET', path: '/provisioned-capacity', status: 200 }),
  ListTagsForVault: onVault('GET', '/tags', 200),
  ListVaults: () => ({ method: 'GET', path: '/vaults', status: 200 }),
  PurchaseProvisionedCapacity: () => ({ method: 'POST', path: '/provisioned-capacity', status: 201 }),
  RemoveTagsFromVault: onVault('POST', '/tags?operation=remove', 204, { body: '{"TagKeys":["k"]}' }),
  SetDataRetrievalPolicy: () => ({
    method: 'PUT',
    path: '/policies/data-retrieval',
    status: 204,
    options: { body: '{"Policy":{"Rules":[{"Strategy":"None"}]}}' },
  }),
  SetVaultAccessPolicy: onVault('PUT', '/access-policy', 204, { body: policyBody(IDLE_POLICY) }),
  SetVaultNotifications: onVault('PUT', '/notification-configuration', 204, notifications),
  UploadArchive: onVault('POST', '/archives', 201, upload),
  UploadMultipartPart: async (api, vault) => ({
    method: 'PUT',
    path: `/vaults/${vault}/multipart-uploads/${await api.initiate(vault, MIB)}`,
    status: 204,
    options: {
      body: BYTES,
      headers: { ...hashHeaders(BYTES), 'content-range': `bytes 0-${BYTES.length - 1}/*` },
    },
  }),
};

const PREPARE_EXTENSION: Readonly<Record<string, Prepare>> = {
  'moraine:GetArchive': async (api, vault) => ({
    method: 'GET',
    path: `/vaults/${vault}/archives/${await api.upload(vault, BYTES)}/content`,
    status: 200,
  }),
  'moraine:ListArchives': onVault('GET', '/archives', 200),
  'moraine:DescribeArchive': async (api, vault) => ({
    method: 'GET',
    path: `/vaults/${vault}/archives/${await api.upload(vault, BYTES)}`,
    status: 200,
  }),
  'moraine:EmptyVault': async (api, vault) => {
    await api.upload(vault, BYTES);
    return { method: 'POST', path: `/vaults/${vault}/empty`, status: 202 };
  },
  'moraine:DeleteVault': async (api, vault) => {
    await api.upload(vault, BYTES);
    return { method: 'DELETE', path: `/vaults/${vault}?force=true`, status: 202 };
  },
  'moraine:ListTasks': () => ({ method: 'GET', path: '/tasks', status: 200 }),
  'moraine:DescribeTask': onTask('GET', '', 200),
  'moraine:GetTaskReport': onTask('GET', '/report', 200),
  'moraine:CancelTask': onTask('DELETE', '', 204),
};

/** A request about a task that is scheduled. */
function onTask(method: string, suffix: string, status: number): Prepare {
  return async (api, vault) => {
    const body = JSON.stringify({ GraceSeconds: 3600 });
    const { headers } = await succeed(api.call('POST', `/-/vaults/${vault}/empty`, { body }));
    return { method, path: `/tasks/${headers['x-moraine-task-id']}${suffix}`, status };
  };
}

async function succeed(answering: Promise<Answer>): Promise<Answer> {
  const answer = await answering;
  assert.ok(answer.status < 300, answer.text);
  return answer;
}

async function initiateLock(api: Api, vault: string): Promise<string> {
  const answer = await succeed(
    api.call('POST', `/-/vaults/${vault}/lock-policy`, { body: policyBody(HARMLESS_LOCK) }),
  );
  return answer.headers['x-amz-lock-id'] ?? '';
}

async function retrieve(api: Api, vault: string): Promise<string> {
  return jobsOf(api).startRetrieval(vault, await api.upload(vault, BYTES));
}

/** Operations that do not name an existing vault. */
const WITHOUT_VAULT = new Set([
  'GetDataRetrievalPolicy',
  'ListProvisionedCapacity',
  'ListVaults',
  'PurchaseProvisionedCapacity',
  'SetDataRetrievalPolicy',
]);

/** As the account's root, prepares a separate vault for each operation. @param prefix of the vaults' names. */
export function everyOperation(root: Api, prefix: string): Promise<Attempt[]> {
  return prepareAll(root, prefix, PREPARE);
}

/** The same for the extensions. */
export function everyExtension(root: Api, prefix: string): Promise<Attempt[]> {
  return prepareAll(root, prefix, PREPARE_EXTENSION);
}

async function prepareAll(
  root: Api,
  prefix: string,
  all: Readonly<Record<string, Prepare>>,
): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  for (const [name, prepare] of Object.entries(all)) {
    const vault = `${prefix}-${name.toLowerCase().replace(':', '-')}`;
    await root.createVault(vault);
    const { options = {}, ...prepared } = await prepare(root, vault);
    attempts.push({ name, options, ...prepared, vault: WITHOUT_VAULT.has(name) ? '' : vault });
  }
  return attempts;
}

/** Sends an attempt. @param account in the path. */
export function attempt(api: Api, { method, path, options }: Attempt, account = '-'): Promise<Answer> {
  return api.call(method, `/${account}${path}`, options);
}
