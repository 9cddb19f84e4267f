/**
 * Inputs and outputs of the operations. Names are those of the API with a small first letter; ARNs and tree hashes lose
 * their capitals (`VaultARN` is `vaultArn`, `SHA256TreeHash` is `treeHash`). Dates are ISO 8601 texts, as the API sends
 * them. Sizes are bytes. Tree hashes are 64 lower-case hex digits.
 */
import type { Readable } from 'node:stream';
import type { Body } from './transport.ts';

/** Settings of one call. */
export interface CallOptions {
  /** Ends the call, its retries and its pauses. */
  readonly signal?: AbortSignal | undefined;
  /** The account in the path, where it is not the client's. */
  readonly accountId?: string | undefined;
}

/** Names a vault. */
export interface VaultInput {
  readonly vaultName: string;
}

/** A page of a list. */
export interface PageInput {
  /** The most entries in one page. */
  readonly limit?: number | undefined;
  /** The `marker` of the page before; absent for the first. */
  readonly marker?: string | undefined;
}

/** A vault, as DescribeVault and ListVaults tell. */
export interface VaultDescription {
  readonly vaultArn: string;
  readonly vaultName: string;
  readonly creationDate: string;
  readonly lastInventoryDate?: string | null;
  readonly numberOfArchives: number;
  readonly sizeInBytes: number;
}

/** A stored archive. */
export interface ArchiveCreation {
  /** Path of the archive. */
  readonly location: string;
  readonly archiveId: string;
  readonly treeHash: string;
}

/** The bytes of an upload; both hashes are computed unless given. A stream needs both, because they are sent first. */
export type UploadBody =
  | { readonly body: Uint8Array; readonly contentHash?: string; readonly treeHash?: string }
  | {
      readonly body: Body;
      /** SHA-256 of the bytes, 64 hex digits. */
      readonly contentHash: string;
      readonly treeHash: string;
    };

/** Makes an upload an import, at Moraine only. */
export interface ImportInput {
  /** The id that the archive gets: 1 to 255 of `A-Za-z0-9_-`. The same import again answers as the first did. */
  readonly archiveId?: string | undefined;
  /** The date that the archive gets, ISO 8601. */
  readonly creationDate?: string | undefined;
}

/** Input of UploadArchive. */
export type UploadArchiveInput = VaultInput &
  ImportInput &
  UploadBody & { readonly archiveDescription?: string | undefined };

/** Input of UploadMultipartPart. */
export type UploadPartInput = UploadInput &
  UploadBody & {
    /** Place of the part in the archive: `bytes 0-1048575/*`. */
    readonly range: string;
  };

/** Names a multipart upload. */
export interface UploadInput extends VaultInput {
  readonly uploadId: string;
}

/** Input of InitiateMultipartUpload. */
export interface InitiateUploadInput extends VaultInput, ImportInput {
  /** 2^n MiB, n from 0 to 12, in bytes. */
  readonly partSize: number;
  readonly archiveDescription?: string | undefined;
}

/** Input of CompleteMultipartUpload. */
export interface CompleteUploadInput extends UploadInput {
  readonly archiveSize: number;
  /** Of the whole archive. */
  readonly treeHash: string;
}

/** An open multipart upload. */
export interface UploadDescription {
  readonly multipartUploadId: string;
  readonly vaultArn: string;
  readonly archiveDescription: string | null;
  readonly partSizeInBytes: number;
  readonly creationDate: string;
}

/** One part that the server has. */
export interface PartDescription {
  /** First and last byte: `0-1048575`. */
  readonly rangeInBytes: string;
  readonly treeHash: string;
}

/** An upload and a page of its parts. */
export interface PartsPage extends UploadDescription {
  readonly parts: readonly PartDescription[];
  readonly marker: string | null;
}

/** Names a job. */
export interface JobInput extends VaultInput {
  readonly jobId: string;
}

/** Restricts an inventory. */
export interface InventoryParameters {
  readonly startDate?: string | undefined;
  readonly endDate?: string | undefined;
  /** The most archives in the output, as a text: the API takes no number. */
  readonly limit?: string | undefined;
  readonly marker?: string | undefined;
}

/** Input of InitiateJob. */
export interface InitiateJobInput extends VaultInput {
  readonly type: 'archive-retrieval' | 'inventory-retrieval';
  /** Of an archive retrieval. */
  readonly archiveId?: string | undefined;
  readonly description?: string | undefined;
  /** Of an inventory retrieval. */
  readonly format?: 'JSON' | 'CSV' | undefined;
  readonly snsTopic?: string | undefined;
  /** `0-1048575`, aligned to MiB. */
  readonly retrievalByteRange?: string | undefined;
  readonly tier?: 'Expedited' | 'Standard' | 'Bulk' | undefined;
  readonly inventoryRetrievalParameters?: InventoryParameters | undefined;
}

/** A job. Members that do not belong to its action are null. */
export interface JobDescription {
  readonly jobId: string;
  readonly jobDescription: string | null;
  readonly action: 'ArchiveRetrieval' | 'InventoryRetrieval' | 'Select';
  readonly archiveId: string | null;
  readonly vaultArn: string;
  readonly creationDate: string;
  readonly completed: boolean;
  readonly completionDate: string | null;
  readonly statusCode: 'InProgress' | 'Succeeded' | 'Failed';
  readonly statusMessage: string | null;
  readonly archiveSizeInBytes: number | null;
  readonly inventorySizeInBytes: number | null;
  readonly snsTopic: string | null;
  /** Of the retrieved range, where the range is one of the tree's nodes. */
  readonly treeHash: string | null;
  /** Of the whole archive. */
  readonly archiveTreeHash: string | null;
  readonly retrievalByteRange: string | null;
  readonly tier: string | null;
  readonly inventoryRetrievalParameters: {
    readonly format: 'JSON' | 'CSV';
    readonly startDate: string | null;
    readonly endDate: string | null;
    readonly limit: string | null;
    /** Of the next inventory, when this one had a limit and archives are left. */
    readonly marker: string | null;
  } | null;
}

/** Input of ListJobs. */
export interface ListJobsInput extends VaultInput, PageInput {
  readonly statuscode?: 'InProgress' | 'Succeeded' | 'Failed' | undefined;
  readonly completed?: boolean | undefined;
}

/** A job's output, or a range of it. */
export interface JobOutput {
  /** Read it to its end, or destroy it: it holds a connection. Ends with an error if the connection fails. */
  readonly body: Readable;
  /** 200, or 206 for a range. */
  readonly status: number;
  /** Bytes in `body`; null where the server does not tell. */
  readonly contentLength: number | null;
  readonly contentRange: string | null;
  readonly contentType: string | null;
  readonly archiveDescription: string | null;
  /** Of the bytes in `body`, where they are one of the tree's nodes. */
  readonly treeHash: string | null;
}

/** One rule of a data retrieval policy. */
export interface RetrievalRule {
  readonly strategy: 'BytesPerHour' | 'FreeTier' | 'None';
  readonly bytesPerHour?: number | null | undefined;
}

/** A data retrieval policy. */
export interface RetrievalPolicy {
  readonly policy: { readonly rules: readonly RetrievalRule[] };
}

/** A unit of provisioned capacity. */
export interface CapacityUnit {
  readonly capacityId: string;
  readonly startDate: string;
  readonly expirationDate: string;
}

/** A policy, as the JSON text of IAM. */
export interface PolicyText {
  readonly policy: string;
}

/** A vault's lock. */
export interface VaultLock extends PolicyText {
  readonly state: 'InProgress' | 'Locked';
  readonly creationDate: string;
  /** When a lock in progress ends; null for a completed one. */
  readonly expirationDate: string | null;
}

/** Where a vault's notifications go. */
export interface NotificationConfiguration {
  readonly snsTopic: string;
  readonly events: readonly ('ArchiveRetrievalCompleted' | 'InventoryRetrievalCompleted')[];
}

/** A stored archive. A member that does not apply is null. */
export interface ArchiveDescription {
  readonly archiveId: string;
  readonly archiveDescription: string | null;
  readonly creationDate: string;
  readonly importedDate: string | null;
  readonly size: number;
  readonly treeHash: string;
}

/** An archive and a page of the segments that it is stored in. */
export interface ArchiveDetails extends ArchiveDescription {
  readonly segments: readonly { readonly offset: number; readonly size: number; readonly treeHash: string }[];
  readonly segmentsMarker: string | null;
}

/** The 33 operations of the API, and Moraine's own. Every method sends one request, again if that is worth it. */
export interface Operations {
  /** Ends a multipart upload; its parts are removed. */
  abortMultipartUpload(input: UploadInput, options?: CallOptions): Promise<void>;
  /** Removes a lock policy that is not completed. */
  abortVaultLock(input: VaultInput, options?: CallOptions): Promise<void>;
  addTagsToVault(
    input: VaultInput & { readonly tags: Readonly<Record<string, string>> },
    options?: CallOptions,
  ): Promise<void>;
  /** Makes an archive of the parts of an upload. */
  completeMultipartUpload(input: CompleteUploadInput, options?: CallOptions): Promise<ArchiveCreation>;
  /** Makes a lock policy final. */
  completeVaultLock(input: VaultInput & { readonly lockId: string }, options?: CallOptions): Promise<void>;
  /** Creates a vault; changes nothing if it exists. */
  createVault(input: VaultInput, options?: CallOptions): Promise<{ readonly location: string }>;
  deleteArchive(input: VaultInput & { readonly archiveId: string }, options?: CallOptions): Promise<void>;
  /** Deletes an empty vault. */
  deleteVault(input: VaultInput, options?: CallOptions): Promise<void>;
  deleteVaultAccessPolicy(input: VaultInput, options?: CallOptions): Promise<void>;
  deleteVaultNotifications(input: VaultInput, options?: CallOptions): Promise<void>;
  /** Moraine's own: Amazon Glacier does not have it. */
  describeArchive(
    input: VaultInput & {
      readonly archiveId: string;
      /** The `segmentsMarker` of the page before. */
      readonly segmentsMarker?: string | undefined;
    },
    options?: CallOptions,
  ): Promise<ArchiveDetails>;
  describeJob(input: JobInput, options?: CallOptions): Promise<JobDescription>;
  describeVault(input: VaultInput, options?: CallOptions): Promise<VaultDescription>;
  getDataRetrievalPolicy(input?: object, options?: CallOptions): Promise<RetrievalPolicy>;
  /** @param input `range` is `bytes=0-1048575`, relative to the output; absent for all of it. */
  getJobOutput(
    input: JobInput & { readonly range?: string | undefined },
    options?: CallOptions,
  ): Promise<JobOutput>;
  getVaultAccessPolicy(input: VaultInput, options?: CallOptions): Promise<PolicyText>;
  getVaultLock(input: VaultInput, options?: CallOptions): Promise<VaultLock>;
  getVaultNotifications(input: VaultInput, options?: CallOptions): Promise<NotificationConfiguration>;
  /** Starts a retrieval or an inventory. Not sent again when its end is unclear. */
  initiateJob(
    input: InitiateJobInput,
    options?: CallOptions,
  ): Promise<{ readonly location: string; readonly jobId: string }>;
  initiateMultipartUpload(
    input: InitiateUploadInput,
    options?: CallOptions,
  ): Promise<{ readonly location: string; readonly uploadId: string }>;
  /** Sets a lock policy for a trial of 24 hours. Not sent again when its end is unclear. */
  initiateVaultLock(
    input: VaultInput & PolicyText,
    options?: CallOptions,
  ): Promise<{ readonly lockId: string }>;
  listJobs(
    input: ListJobsInput,
    options?: CallOptions,
  ): Promise<{ readonly jobList: readonly JobDescription[]; readonly marker: string | null }>;
  listMultipartUploads(
    input: VaultInput & PageInput,
    options?: CallOptions,
  ): Promise<{ readonly uploadsList: readonly UploadDescription[]; readonly marker: string | null }>;
  listParts(input: UploadInput & PageInput, options?: CallOptions): Promise<PartsPage>;
  listProvisionedCapacity(
    input?: object,
    options?: CallOptions,
  ): Promise<{ readonly provisionedCapacityList: readonly CapacityUnit[] }>;
  listTagsForVault(
    input: VaultInput,
    options?: CallOptions,
  ): Promise<{ readonly tags: Readonly<Record<string, string>> }>;
  listVaults(
    input?: PageInput,
    options?: CallOptions,
  ): Promise<{ readonly vaultList: readonly VaultDescription[]; readonly marker: string | null }>;
  /** Buys a unit for a month. Not sent again when its end is unclear. */
  purchaseProvisionedCapacity(
    input?: object,
    options?: CallOptions,
  ): Promise<{ readonly capacityId: string }>;
  removeTagsFromVault(
    input: VaultInput & { readonly tagKeys: readonly string[] },
    options?: CallOptions,
  ): Promise<void>;
  setDataRetrievalPolicy(input: RetrievalPolicy, options?: CallOptions): Promise<void>;
  setVaultAccessPolicy(input: VaultInput & PolicyText, options?: CallOptions): Promise<void>;
  setVaultNotifications(input: VaultInput & NotificationConfiguration, options?: CallOptions): Promise<void>;
  /** Stores an archive in one request. Not sent again when its end is unclear, unless it is an import. */
  uploadArchive(input: UploadArchiveInput, options?: CallOptions): Promise<ArchiveCreation>;
  /** Stores one part, in place of an earlier one with the same range. */
  uploadMultipartPart(input: UploadPartInput, options?: CallOptions): Promise<{ readonly treeHash: string }>;
}
