/** Each operation on the wire: where its inputs go, and where its outputs come from. */
import type { Operations } from './shapes.ts';

export interface WireOperation {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** `{accountId}` and other names of inputs. */
  readonly path: string;
  /** A constant parameter, which tells apart the tag operations. */
  readonly query?: Readonly<Record<string, string>>;
  /** Parameters of the query. `segments-marker` is the input `segmentsMarker`. */
  readonly params?: readonly string[];
  /** Headers by the names of inputs. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Members of the JSON body, as the API spells them. */
  readonly members?: readonly string[];
  readonly takesBytes?: true;
  /** Members of the answer that come from its headers, by the names of outputs. */
  readonly answerHeaders?: Readonly<Record<string, string>>;
  /** `json`: the answer's body is its members. `stream`: it is given to the caller. */
  readonly answerBody?: 'json' | 'stream';
  /** Whether the operation may be executed twice without harm. */
  readonly repeatable: boolean;
  /** An input that makes the operation repeatable. */
  readonly repeatableWith?: string;
}

const ACCOUNT = '/{accountId}';
const VAULT = `${ACCOUNT}/vaults/{vaultName}`;
const UPLOAD = `${VAULT}/multipart-uploads/{uploadId}`;
const JOB = `${VAULT}/jobs/{jobId}`;
const PAGE = ['limit', 'marker'];
const TREE_HASH = 'x-amz-sha256-tree-hash';
const CONTENT_HASH = 'x-amz-content-sha256';
const DESCRIPTION = 'x-amz-archive-description';
/** Of an import, Moraine's own: the archive gets this id and date. */
const IMPORT = { archiveId: 'x-moraine-archive-id', creationDate: 'x-moraine-creation-date' };
const CREATED = { location: 'location', archiveId: 'x-amz-archive-id', treeHash: TREE_HASH };

const remove = (path: string): WireOperation => ({ method: 'DELETE', path, repeatable: true });
const read = (path: string, params: readonly string[] = []): WireOperation => ({
  method: 'GET',
  path,
  params,
  answerBody: 'json',
  repeatable: true,
});

/** The extension is Moraine's own: it does not exist at Amazon Glacier. */
export const WIRE: { readonly [Name in keyof Operations]: WireOperation } = {
  abortMultipartUpload: remove(UPLOAD),
  abortVaultLock: remove(`${VAULT}/lock-policy`),
  addTagsToVault: {
    method: 'POST',
    path: `${VAULT}/tags`,
    query: { operation: 'add' },
    members: ['Tags'],
    repeatable: true,
  },
  completeMultipartUpload: {
    method: 'POST',
    path: UPLOAD,
    headers: { archiveSize: 'x-amz-archive-size', treeHash: TREE_HASH },
    answerHeaders: CREATED,
    repeatable: true,
  },
  completeVaultLock: { method: 'POST', path: `${VAULT}/lock-policy/{lockId}`, repeatable: true },
  createVault: { method: 'PUT', path: VAULT, answerHeaders: { location: 'location' }, repeatable: true },
  deleteArchive: remove(`${VAULT}/archives/{archiveId}`),
  deleteVault: remove(VAULT),
  deleteVaultAccessPolicy: remove(`${VAULT}/access-policy`),
  deleteVaultNotifications: remove(`${VAULT}/notification-configuration`),
  describeArchive: read(`${VAULT}/archives/{archiveId}`, ['segments-marker']),
  describeJob: read(JOB),
  describeVault: read(VAULT),
  getDataRetrievalPolicy: read(`${ACCOUNT}/policies/data-retrieval`),
  getJobOutput: {
    method: 'GET',
    path: `${JOB}/output`,
    headers: { range: 'range' },
    answerHeaders: {
      contentRange: 'content-range',
      contentType: 'content-type',
      archiveDescription: DESCRIPTION,
      treeHash: TREE_HASH,
    },
    answerBody: 'stream',
    repeatable: true,
  },
  getVaultAccessPolicy: read(`${VAULT}/access-policy`),
  getVaultLock: read(`${VAULT}/lock-policy`),
  getVaultNotifications: read(`${VAULT}/notification-configuration`),
  initiateJob: {
    method: 'POST',
    path: `${VAULT}/jobs`,
    members: [
      'Type',
      'ArchiveId',
      'Description',
      'Format',
      'InventoryRetrievalParameters',
      'RetrievalByteRange',
      'SNSTopic',
      'Tier',
    ],
    answerHeaders: { location: 'location', jobId: 'x-amz-job-id' },
    repeatable: false,
  },
  initiateMultipartUpload: {
    method: 'POST',
    path: `${VAULT}/multipart-uploads`,
    headers: { partSize: 'x-amz-part-size', archiveDescription: DESCRIPTION, ...IMPORT },
    answerHeaders: { location: 'location', uploadId: 'x-amz-multipart-upload-id' },
    repeatable: true,
  },
  initiateVaultLock: {
    method: 'POST',
    path: `${VAULT}/lock-policy`,
    members: ['Policy'],
    answerHeaders: { lockId: 'x-amz-lock-id' },
    repeatable: false,
  },
  listJobs: read(`${VAULT}/jobs`, [...PAGE, 'statuscode', 'completed']),
  listMultipartUploads: read(`${VAULT}/multipart-uploads`, PAGE),
  listParts: read(UPLOAD, PAGE),
  listProvisionedCapacity: read(`${ACCOUNT}/provisioned-capacity`),
  listTagsForVault: read(`${VAULT}/tags`),
  listVaults: read(`${ACCOUNT}/vaults`, PAGE),
  purchaseProvisionedCapacity: {
    method: 'POST',
    path: `${ACCOUNT}/provisioned-capacity`,
    answerHeaders: { capacityId: 'x-amz-capacity-id' },
    repeatable: false,
  },
  removeTagsFromVault: {
    method: 'POST',
    path: `${VAULT}/tags`,
    query: { operation: 'remove' },
    members: ['TagKeys'],
    repeatable: true,
  },
  setDataRetrievalPolicy: {
    method: 'PUT',
    path: `${ACCOUNT}/policies/data-retrieval`,
    members: ['Policy'],
    repeatable: true,
  },
  setVaultAccessPolicy: {
    method: 'PUT',
    path: `${VAULT}/access-policy`,
    members: ['Policy'],
    repeatable: true,
  },
  setVaultNotifications: {
    method: 'PUT',
    path: `${VAULT}/notification-configuration`,
    members: ['SNSTopic', 'Events'],
    repeatable: true,
  },
  uploadArchive: {
    method: 'POST',
    path: `${VAULT}/archives`,
    headers: { archiveDescription: DESCRIPTION, contentHash: CONTENT_HASH, treeHash: TREE_HASH, ...IMPORT },
    takesBytes: true,
    answerHeaders: CREATED,
    repeatable: false,
    repeatableWith: 'archiveId',
  },
  uploadMultipartPart: {
    method: 'PUT',
    path: UPLOAD,
    headers: { range: 'content-range', contentHash: CONTENT_HASH, treeHash: TREE_HASH },
    takesBytes: true,
    answerHeaders: { treeHash: TREE_HASH },
    repeatable: true,
  },
};
