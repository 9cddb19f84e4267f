/**
 * The port to what is known about the bytes. Reads see every write that was answered before. Each write is
 * one transaction, durable when it resolves, and takes and gives plain data only, because on SQLite the
 * writer may be another process.
 */
import type { Span } from '../treehash/index.ts';
import type { Archive } from './archive.ts';
import type { BlobLabel, JournalEntry } from './blob-store.ts';
import type { CapacityUnit } from './capacity.ts';
import type { InventoryEntry } from './inventory.ts';
import type { ArchiveJob, InventoryJob, Job, JobState, SegmentSource } from './job.ts';
import type { Notification, NotificationConfig } from './notification.ts';
import type { InventoryKey, Page } from './page.ts';
import type { RetrievalPolicy } from './retrieval-policy.ts';
import type { StoreLinkReads, StoreLinkWrites } from './store-link.ts';
import type { Tags } from './tags.ts';
import type { DeclaredArchive, Part, Upload } from './upload.ts';
import type {
  AuthorizedVault,
  AuthorizedWrite,
  InventoryMode,
  InventorySnapshot,
  Vault,
  VaultKey,
  VaultState,
} from './vault.ts';
import type { VaultLock } from './vault-lock.ts';

/** Where lists begin: after this key, or at the beginning with null. */
export interface Paging<Key> {
  readonly after: Key | null;
  readonly limit: number;
}

/** Whose vaults: one account in one region. */
export type VaultOwner = Omit<VaultKey, 'name'>;

/** An access key; the secret is sealed under the data folder's key. */
export interface AccessKey {
  readonly id: string;
  readonly account: string;
  readonly sealedSecret: string;
  readonly status: 'active' | 'disabled';
  /** How it came to be: at first start, from the environment at each start, or by a command. */
  readonly origin: 'first-start' | 'environment' | 'command';
  /** Null: a key of the account's root. */
  readonly userNo: number | null;
}

/** A user of an account. */
export interface User {
  readonly no: number;
  readonly account: string;
  readonly name: string;
  /** `AIDA…`: another one when a user of the same name is made again. */
  readonly userId: string;
  readonly createdMs: number;
}

/** An identity policy attached to a user. */
export interface UserPolicy {
  readonly name: string;
  /** As it was put. */
  readonly document: string;
}

/** A vault whose lock is complete. */
export interface LockedVault {
  readonly vault: VaultKey;
  /** Tells the vault from a later one of the same name. */
  readonly vaultCreatedMs: number;
  readonly lock: VaultLock;
}

/** A blob, or all parts of an upload, that nothing names any more. */
export interface Garbage {
  readonly no: number;
  /** One blob; null when `uploadNo` is set. */
  readonly ref: string | null;
  /** All parts of this upload; null when `ref` is set. */
  readonly uploadNo: number | null;
}

/** A segment that the catalog is told of: where its bytes lie and what they hash to. */
export interface NewPart extends Part {
  readonly ref: string;
}

export interface NewArchive {
  readonly vaultNo: number;
  readonly id: string;
  readonly description: string | null;
  readonly createdMs: number;
  readonly size: number;
  readonly treeHash: string;
  readonly ref: string;
}

interface NewUpload {
  readonly vaultNo: number;
  readonly id: string;
  readonly archiveId: string;
  readonly description: string | null;
  readonly partSize: number;
  readonly createdMs: number;
}

/** How a Complete ended, when it was not refused. */
export type CompleteOutcome =
  | { readonly kind: 'completed'; readonly archiveId: string; readonly treeHash: string }
  | { readonly kind: 'wrong-hash'; readonly uploadNo: number };

/** A run of bytes of an archive in one blob. */
export interface Segment {
  /** Offset of its first byte in the archive. */
  readonly first: number;
  readonly size: number;
  /** 64 lower-case hex digits. */
  readonly treeHash: string;
  readonly ref: string;
}

/** An archive and where its bytes lie. */
export interface StoredArchive extends Archive, SegmentSource {}

/** What a job is when it starts: it gets its number, its state and its end from the catalog. */
type Starting<J> = J extends Job ? Omit<J, 'no' | 'state' | 'completedMs' | 'output'> : never;
export type NewArchiveJob = Starting<ArchiveJob>;
export type NewJob = Starting<Job>;

/** Which jobs of a vault to list, newest first. */
export interface JobFilter {
  readonly state: JobState | null;
  readonly completed: boolean | null;
}

/** Which archives an inventory lists, in order of creation. */
export interface InventoryScope {
  readonly startMs: number | null;
  readonly endMs: number | null;
  /** As of this inventory; null for as of now. */
  readonly asOfMs: number | null;
}

/** An inventory job that one worker has to itself for a while. */
export interface LeasedInventory {
  readonly job: InventoryJob;
  readonly vault: VaultKey;
  /** The inventory to list from; null for as of now. */
  readonly snapshot: InventorySnapshot | null;
}

export interface CatalogReads extends StoreLinkReads {
  findVault(key: VaultKey): Promise<Vault | undefined>;
  /** As `findVault`, with the counts: for the few that show them. */
  findVaultState(key: VaultKey): Promise<VaultState | undefined>;
  /** Vaults of all accounts and regions: those of one name, or all with null; by name, account and region. */
  listVaultKeys(a: { name: string | null; limit: number }): Promise<readonly VaultKey[]>;
  /** Whether there is any vault at all. */
  hasVaults(): Promise<boolean>;
  /** By name, in ASCII order. */
  listVaults(owner: VaultOwner, page: Paging<string>): Promise<Page<VaultState>>;
  tagsOf(vaultNo: number): Promise<Tags>;
  findArchive(vaultNo: number, id: string): Promise<StoredArchive | undefined>;
  /** The segments that hold bytes `span.first`..`span.last` of an archive, by offset; `after` is an offset. */
  listSegments(
    source: SegmentSource & { readonly size: number; readonly treeHash: string },
    span: Span,
    page: Paging<number>,
  ): Promise<Page<Segment>>;
  /** A vault's archives by creation. */
  listInventory(
    vaultNo: number,
    scope: InventoryScope,
    page: Paging<InventoryKey>,
  ): Promise<Page<InventoryEntry>>;
  /** A job that has not expired. */
  findJob(vaultNo: number, id: string, nowMs: number): Promise<Job | undefined>;
  /** Newest first; `after` is a job's number. */
  listJobs(vaultNo: number, filter: JobFilter, nowMs: number, page: Paging<number>): Promise<Page<Job>>;
  /** Whether jobs, and whether messages, wait for a worker at this time. */
  dueWork(nowMs: number): Promise<{ readonly jobs: boolean; readonly messages: boolean }>;
  findNotificationConfig(vaultNo: number): Promise<NotificationConfig | undefined>;
  /** Oldest first; `after` is a notification's number. */
  listNotifications(page: Paging<number>): Promise<Page<Notification>>;
  /** The policy that was set, or the one that allows everything. */
  retrievalPolicy(owner: VaultOwner): Promise<RetrievalPolicy>;
  /** Units that had not expired at `sinceMs`, newest first. */
  listCapacity(owner: VaultOwner, sinceMs: number): Promise<readonly CapacityUnit[]>;
  /** When the next thing happens by itself (a job is done, an inventory is taken, …); null if nothing will. */
  nextEventMs(inventoryIntervalMs: number | null): Promise<number | null>;
  /** An upload in progress. */
  findUpload(vaultNo: number, id: string): Promise<Upload | undefined>;
  /** Uploads in progress, oldest first; `after` is an upload's number. */
  listUploads(vaultNo: number, page: Paging<number>): Promise<Page<Upload>>;
  /** By offset; `after` is the offset of a part. */
  listParts(uploadNo: number, page: Paging<number>): Promise<Page<Part>>;
  /** The sequence of the part at this offset, or 0. */
  partSequence(uploadNo: number, first: number): Promise<number>;
  findAccessKey(id: string): Promise<AccessKey | undefined>;
  listAccounts(): Promise<readonly string[]>;
  findUser(account: string, name: string): Promise<User | undefined>;
  userByNo(no: number): Promise<User | undefined>;
  /** By name. */
  listUsers(account: string): Promise<readonly User[]>;
  userPolicies(userNo: number): Promise<readonly UserPolicy[]>;
  /** Keys of a user, or of an account's root with null. */
  listAccessKeys(account: string, userNo: number | null): Promise<readonly AccessKey[]>;
  /** Vaults with a completed lock. */
  listLocked(): Promise<readonly LockedVault[]>;
  /** The greatest number that a fact for the journal ever had; 0 before the first. */
  lastEntrySeq(): Promise<number>;
  /** Whether a row names this blob. */
  namesBlob(label: BlobLabel, ref: string): Promise<boolean>;
  /** Oldest first. */
  listGarbage(page: Paging<number>): Promise<Page<Garbage>>;
  /** Blobs of an upload's parts, by offset. */
  partRefs(uploadNo: number, limit: number): Promise<readonly string[]>;
  /** Uploads in progress without activity since `beforeMs`. */
  idleUploads(beforeMs: number, limit: number): Promise<readonly Upload[]>;
  /** Facts that were committed but may not have reached the store's journal, oldest first. */
  listOutbox(limit: number): Promise<readonly JournalEntry[]>;
  /** A named setting of the whole installation. */
  findSetting(name: string): Promise<string | undefined>;
  /** Settings whose names begin with this (ASCII), by name. For prefixes that few settings have. */
  listSettings(prefix: string): Promise<readonly { readonly name: string; readonly value: string }[]>;
}

export interface CatalogWrites extends StoreLinkWrites {
  /** Makes the vault if it is not there. @throws 400 LimitExceeded beyond `limit` vaults. */
  createVault(a: { key: VaultKey; nowMs: number; limit: number }): Promise<void>;
  /**
   * Deletes an empty vault with its uploads and tags; false if there was none.
   * @param a.judged the vault that the deletion was allowed for; undefined if there was none.
   * @throws 400 if not empty; 400 Throttling when it is another vault by now, or its policies changed.
   */
  deleteVault(a: {
    key: VaultKey;
    authorized: AuthorizedVault | undefined;
    nowMs: number;
    mode: InventoryMode;
  }): Promise<boolean>;
  /** @throws 404 when the vault is gone, 400 LimitExceeded. */
  addTags(a: { vaultNo: number; tags: Tags }): Promise<void>;
  removeTags(a: { vaultNo: number; keys: readonly string[] }): Promise<void>;
  /** @throws 404 when the vault is gone. */
  addArchive(a: NewArchive): Promise<void>;
  /**
   * Deletes an archive if the vault's policies are still of the version that the deletion was allowed by; false if
   * there is none.
   * @throws 400 Throttling, which clients repeat, when they changed meanwhile.
   */
  deleteArchive(a: {
    vaultNo: number;
    id: string;
    nowMs: number;
    mode: InventoryMode;
    policyVersion: number;
  }): Promise<boolean>;
  /** Notes that a read found an archive's bytes changed. */
  markDamaged(a: { archiveNo: number; nowMs: number }): Promise<void>;
  /** @throws 404 when the vault is gone. */
  startUpload(a: NewUpload): Promise<void>;
  /** Stores or replaces the part at its offset. @throws 404 when the upload is no longer in progress. */
  putPart(a: { uploadNo: number; uploadId: string; part: NewPart; nowMs: number }): Promise<void>;
  /**
   * Makes the archive, or answers a repeat within the remembered time with the same archive id.
   * @throws 400 for parts or claims that do not fit, 404 for an upload that is gone.
   */
  completeUpload(a: {
    vaultNo: number;
    uploadId: string;
    declared: DeclaredArchive;
    /** The hash header as sent, for messages. */
    hashSent: string;
    nowMs: number;
    /** Completions before this are forgotten. */
    rememberedSinceMs: number;
  }): Promise<CompleteOutcome>;
  /** @throws 404 for an upload that is unknown, completed, or aborted before `rememberedSinceMs`. */
  abortUpload(a: {
    vaultNo: number;
    uploadId: string;
    nowMs: number;
    rememberedSinceMs: number;
    policyVersion: number;
  }): Promise<void>;
  /** Ends an upload if there was no activity since `beforeMs`. */
  expireUpload(a: { uploadNo: number; beforeMs: number; nowMs: number }): Promise<void>;
  /** Forgets completed and aborted uploads that ended before. */
  forgetUploads(a: { endedBeforeMs: number }): Promise<void>;
  /**
   * Starts a job, and finishes it at once if it is an archive job that is due. Judges the data retrieval
   * policy and the Expedited capacity (`null`: not scarce).
   * @throws 404 when the vault is gone, 400 PolicyEnforced, 400 InsufficientCapacity.
   */
  startJob(a: { job: NewJob; nowMs: number; expeditedCapacity: number | null }): Promise<void>;
  /** Finishes archive jobs that are due, with their notifications; gives how many. */
  finishArchiveJobs(a: { nowMs: number; limit: number }): Promise<number>;
  /** Takes a due inventory job for `leaseMs`; null if there is none that is free. */
  leaseInventoryJob(a: { token: string; nowMs: number; leaseMs: number }): Promise<LeasedInventory | null>;
  /** Keeps a claimed job for longer; false if it was lost. */
  renewInventoryLease(a: { jobNo: number; token: string; nowMs: number; leaseMs: number }): Promise<boolean>;
  /** Ends a claimed job with its output and notifications; false if it was lost, and then the output is nobody's. */
  finishInventoryJob(a: {
    jobNo: number;
    token: string;
    output: NonNullable<InventoryJob['output']>;
    nowMs: number;
  }): Promise<boolean>;
  /** Forgets jobs that ended before, and hands their outputs to the sweeper; gives how many. */
  expireJobs(a: { endedBeforeMs: number; nowMs: number; limit: number }): Promise<number>;
  /** Takes the inventory of vaults that were written to and whose time has come; gives how many. */
  takeInventories(a: { nowMs: number; intervalMs: number; limit: number }): Promise<number>;
  setNotificationConfig(a: { vaultNo: number; config: NotificationConfig }): Promise<void>;
  deleteNotificationConfig(a: { vaultNo: number }): Promise<void>;
  /** Takes due messages for `leaseMs`, counting a try of each. */
  leaseNotifications(a: { nowMs: number; leaseMs: number; limit: number }): Promise<readonly Notification[]>;
  /** The message was taken by its receiver: it is gone. */
  dropNotification(a: { no: number }): Promise<void>;
  /** The try failed: it comes again at `nextTryMs`, or never by itself if that is null. */
  failNotification(a: { no: number; reason: string; nextTryMs: number | null }): Promise<void>;
  /** Makes messages due now, undeliverable ones too: one, or all with null; gives how many. */
  retryNotifications(a: { no: number | null; nowMs: number }): Promise<number>;
  setRetrievalPolicy(a: { owner: VaultOwner; policy: RetrievalPolicy }): Promise<void>;
  /** @throws 400 LimitExceeded. */
  purchaseCapacity(a: { owner: VaultOwner; unit: CapacityUnit; nowMs: number }): Promise<void>;
  /** Sets the vault access policy, or takes it away with null. */
  setVaultAccessPolicy(a: { vaultNo: number; policy: string | null } & AuthorizedWrite): Promise<void>;
  /** @throws 403 when a lock is in progress or complete. */
  initiateVaultLock(a: { vaultNo: number; policy: string; lockIdHash: string; nowMs: number }): Promise<void>;
  /** Completes the lock in progress; a repeat with the right id changes nothing. @throws 400, 403, 404. */
  completeVaultLock(a: { vaultNo: number; lockIdHash: string; nowMs: number }): Promise<VaultLock>;
  /** @throws 403 when the lock is complete. */
  abortVaultLock(a: { vaultNo: number; nowMs: number } & AuthorizedWrite): Promise<void>;
  /** Puts back a completed lock that the store knows of and the catalog lost; false if there is nothing to do. */
  restoreVaultLock(a: { vault: VaultKey; lock: VaultLock }): Promise<boolean>;
  /** Numbers facts for the journal from beyond this one. */
  skipEntrySeqs(a: { beyond: number }): Promise<void>;
  createAccount(a: { id: string; nowMs: number }): Promise<void>;
  /** @throws 400 when there is such a user. */
  createUser(a: Omit<User, 'no'>): Promise<User>;
  /** Deletes a user with keys and policies. */
  deleteUser(a: { userNo: number }): Promise<void>;
  putUserPolicy(a: { userNo: number } & UserPolicy): Promise<void>;
  /** False if there was none of this name. */
  deleteUserPolicy(a: { userNo: number; name: string }): Promise<boolean>;
  /** False if there is no such key. */
  setKeyStatus(a: { id: string; status: AccessKey['status'] }): Promise<boolean>;
  deleteAccessKey(a: { id: string }): Promise<boolean>;
  putAccessKey(a: AccessKey & { nowMs: number }): Promise<void>;
  /** Removes every key of this origin but `keepId`. */
  dropAccessKeys(a: { account: string; origin: AccessKey['origin']; keepId: string }): Promise<void>;
  /** Sets it if it is not set yet; gives what is set afterwards. */
  initSetting(a: { name: string; value: string }): Promise<string>;
  setSetting(a: { name: string; value: string }): Promise<void>;
  /** Forgets every vault and all that belongs to them; keys and settings stay. For the emulator. */
  forgetVaults(a: Record<string, never>): Promise<void>;
  /** Takes entries off the garbage list, their blobs being gone. */
  dropGarbage(a: { nos: readonly number[] }): Promise<void>;
  /** Takes parts off a discarded upload, their blobs being gone. */
  dropParts(a: { uploadNo: number; refs: readonly string[] }): Promise<void>;
  /** Takes facts off the list of those that may not have reached the journal. */
  dropFromOutbox(a: { seqs: readonly number[] }): Promise<void>;
}

export interface Catalog extends CatalogReads, CatalogWrites {
  /** The newest commit number that this process heard of. No I/O. */
  knownCommitNumber(): number;
  /** Why the catalog could not be used the last time; undefined while all is well. No I/O. */
  failure(): Error | undefined;
  close(): Promise<void>;
}
