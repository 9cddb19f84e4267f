/** For each operation that changes something: whether its change is there. */
import type { Api } from './api.ts';
import type { Attempt } from './every-operation.ts';
import { jobsOf } from './jobs.ts';
import type { Answer } from './request.ts';

/** @param answer of the acknowledged attempt, which names what was made. */
type Effect = (api: Api, attempt: Attempt, answer: Answer) => Promise<boolean>;

const statusOf = async (api: Api, path: string): Promise<number> =>
  (await api.call('GET', `/-${path}`)).status;
/** Whether something of the attempt's vault has this status. */
const has =
  (rest: string, status: number): Effect =>
  async (api, { vault }) =>
    (await statusOf(api, `/vaults/${vault}${rest}`)) === status;
/** Whether the path of the attempt itself has this status. */
const hasItself =
  (status: number): Effect =>
  async (api, { path }) =>
    (await statusOf(api, path)) === status;

/** Whether the archive that the answer names has exactly the bytes. */
async function hasArchive(api: Api, vault: string, answer: Answer, bytes: Buffer): Promise<boolean> {
  const jobs = jobsOf(api);
  const job = await jobs.startRetrieval(vault, answer.headers['x-amz-archive-id'] ?? '');
  await jobs.untilDone(vault, job);
  return (await jobs.output(vault, job)).bytes.equals(bytes);
}

async function jsonOf(api: Api, path: string): Promise<string> {
  return (await api.call('GET', `/-${path}`)).text;
}

const bodyOf = ({ options }: Attempt): Buffer => Buffer.from(options.body ?? '');

/** The operations that change something, by their names. */
export const EFFECTS: Readonly<Record<string, Effect>> = {
  AbortMultipartUpload: hasItself(404),
  AbortVaultLock: has('/lock-policy', 404),
  AddTagsToVault: async (api, { vault }) => (await jsonOf(api, `/vaults/${vault}/tags`)).includes('"k"'),
  CompleteMultipartUpload: (api, { vault }, answer) =>
    hasArchive(api, vault, answer, Buffer.from('the bytes of an archive')),
  CompleteVaultLock: async (api, { vault }) =>
    (await jsonOf(api, `/vaults/${vault}/lock-policy`)).includes('"Locked"'),
  CreateVault: hasItself(200),
  // A job for a deleted archive starts, and fails.
  DeleteArchive: async (api, { vault, path }) => {
    const jobs = jobsOf(api);
    const job = await jobs.startRetrieval(vault, path.split('/').at(-1) ?? '');
    return (await jobs.untilDone(vault, job))['StatusCode'] === 'Failed';
  },
  DeleteVault: hasItself(404),
  DeleteVaultAccessPolicy: has('/access-policy', 404),
  DeleteVaultNotifications: has('/notification-configuration', 404),
  InitiateJob: async (api, { vault }, { headers }) =>
    (await statusOf(api, `/vaults/${vault}/jobs/${headers['x-amz-job-id']}`)) === 200,
  InitiateMultipartUpload: async (api, { vault }, { headers }) =>
    (await statusOf(api, `/vaults/${vault}/multipart-uploads/${headers['x-amz-multipart-upload-id']}`)) ===
    200,
  InitiateVaultLock: has('/lock-policy', 200),
  PurchaseProvisionedCapacity: async (api, _, { headers }) =>
    (await jsonOf(api, '/provisioned-capacity')).includes(headers['x-amz-capacity-id'] ?? 'none'),
  RemoveTagsFromVault: async (api, { vault }) =>
    !(await jsonOf(api, `/vaults/${vault}/tags`)).includes('"k"'),
  SetDataRetrievalPolicy: async (api) => (await jsonOf(api, '/policies/data-retrieval')).includes('"None"'),
  SetVaultAccessPolicy: has('/access-policy', 200),
  SetVaultNotifications: has('/notification-configuration', 200),
  UploadArchive: (api, attempt, answer) => hasArchive(api, attempt.vault, answer, bodyOf(attempt)),
  UploadMultipartPart: async (api, { path }, answer) =>
    (await jsonOf(api, path)).includes(answer.headers['x-amz-sha256-tree-hash'] ?? 'none'),
};
