/**
 * The port to what is known about the bytes. Reads see every write that was answered before. Each write is
 * one transaction, durable when it resolves, and takes and gives plain data only, because on SQLite the
 * writer may be another process.
 */
import type { Archive } from './archive.ts';
import type { BlobLabel, StoreRecord } from './blob-store.ts';
import type { Page } from './page.ts';
import type { Tags } from './tags.ts';
import type { CompleteClaim, Part, Upload } from './upload.ts';
import type { Vault, VaultKey } from './vault.ts';

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
  /** How it came to be: at first start, or from the environment at each start. */
  readonly origin: 'first-start' | 'environment';
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

export interface NewUpload {
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

export interface CatalogReads {
  findVault(key: VaultKey): Promise<Vault | undefined>;
  /** By name, in ASCII order. */
  listVaults(owner: VaultOwner, page: Paging<string>): Promise<Page<Vault>>;
  tagsOf(vaultNo: number): Promise<Tags>;
  findArchive(vaultNo: number, id: string): Promise<Archive | undefined>;
  /** An upload in progress. */
  findUpload(vaultNo: number, id: string): Promise<Upload | undefined>;
  /** Uploads in progress, oldest first; `after` is an upload's number. */
  listUploads(vaultNo: number, page: Paging<number>): Promise<Page<Upload>>;
  /** By offset; `after` is the offset of a part. */
  listParts(uploadNo: number, page: Paging<number>): Promise<Page<Part>>;
  /** The sequence of the part at this offset, or 0. */
  partSequence(uploadNo: number, first: number): Promise<number>;
  findAccessKey(id: string): Promise<AccessKey | undefined>;
  /** Whether a row names this blob. */
  namesBlob(label: BlobLabel, ref: string): Promise<boolean>;
  /** Oldest first. */
  listGarbage(page: Paging<number>): Promise<Page<Garbage>>;
  /** Blobs of an upload's parts, by offset. */
  partRefs(uploadNo: number, limit: number): Promise<readonly string[]>;
  /** Uploads in progress without activity since `beforeMs`. */
  idleUploads(beforeMs: number, limit: number): Promise<readonly Upload[]>;
  /** Facts that were committed but may not have reached the store's journal, oldest first. */
  unjournaled(limit: number): Promise<readonly StoreRecord[]>;
  /** A named setting of the whole installation. */
  findSetting(name: string): Promise<string | undefined>;
}

export interface CatalogWrites {
  /** Makes the vault if it is not there. @throws 400 LimitExceeded beyond `limit` vaults. */
  createVault(a: { key: VaultKey; nowMs: number; limit: number }): Promise<void>;
  /** Deletes an empty vault with its uploads and tags; false if there was none. @throws 400 if not empty. */
  deleteVault(a: { key: VaultKey; nowMs: number }): Promise<boolean>;
  /** @throws 404 when the vault is gone, 400 LimitExceeded. */
  addTags(a: { vaultNo: number; tags: Tags }): Promise<void>;
  removeTags(a: { vaultNo: number; keys: readonly string[] }): Promise<void>;
  /** @throws 404 when the vault is gone. */
  addArchive(a: NewArchive): Promise<void>;
  /** False when it is not there (any more). */
  deleteArchive(a: { vaultNo: number; id: string; nowMs: number }): Promise<boolean>;
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
    claim: CompleteClaim;
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
  }): Promise<void>;
  /** Ends an upload if there was no activity since `beforeMs`. */
  expireUpload(a: { uploadNo: number; beforeMs: number; nowMs: number }): Promise<void>;
  /** Forgets completed and aborted uploads that ended before. */
  forgetUploads(a: { endedBeforeMs: number }): Promise<void>;
  putAccessKey(a: AccessKey & { nowMs: number }): Promise<void>;
  /** Removes every key of this origin but `keepId`. */
  dropAccessKeys(a: { account: string; origin: AccessKey['origin']; keepId: string }): Promise<void>;
  /** Sets it if it is not set yet; gives what is set afterwards. */
  initSetting(a: { name: string; value: string }): Promise<string>;
  /** Takes entries off the garbage list, their blobs being gone. */
  dropGarbage(a: { nos: readonly number[] }): Promise<void>;
  /** Takes parts off a discarded upload, their blobs being gone. */
  dropParts(a: { uploadNo: number; refs: readonly string[] }): Promise<void>;
  /** Takes facts off the list of those that may not have reached the journal. */
  dropJournaled(a: { seqs: readonly number[] }): Promise<void>;
}

export interface Catalog extends CatalogReads, CatalogWrites {
  close(): Promise<void>;
}
