/** What an operation declares: its place in the API, its inputs, and what it does. Each has a file of its own. */
import type { BlobDigests, BlobLabel, BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import type { Ids } from '../domain/ids.ts';
import type { JobPace } from '../domain/job-times.ts';
import type { ArchiveRuling } from '../domain/policy/archive-ruling.ts';
import type { Action, ExtensionAction } from '../domain/policy/extension-actions.ts';
import type { ScrubProgress } from '../domain/scrub-progress.ts';
import type { Sequencer } from '../domain/sequence.ts';
import type { TaskRequest } from '../domain/task.ts';
import type { InventoryMode, Vault, VaultKey } from '../domain/vault.ts';
import type { ErrorCode } from './error-code.ts';
import type { Field, FieldSource } from './fields.ts';

/** What the operations work with. */
export interface OperationDeps {
  readonly catalog: Catalog;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly sequence: Sequencer;
  readonly scrubs: {
    /** How far the scrubs of the store have come. @throws the I/O error. */
    progress(): Promise<ScrubProgress>;
    /** The key at which a scrub reads this blob. */
    keyOf(ref: string): string;
  };
  readonly settings: OperationSettings;
}

interface OperationSettings {
  /** How long after completion CompleteMultipartUpload and AbortMultipartUpload may be repeated, ms. */
  readonly completeMemoryMs: number;
  readonly inventoryMode: InventoryMode;
  /** Whether archives may be read without a job, and whether the data retrieval policy counts that. */
  readonly directReads: 'on' | 'off' | 'counted';
  /** How many Expedited retrievals may start in five minutes without provisioned capacity; null: any number. */
  readonly expeditedCapacity: number | null;
  /** The topic that is told of damage; null for none. */
  readonly damageTopic: string | null;
  /** When a job of this pace that starts at `nowMs` is done, ms since the epoch. */
  dueTime(pace: JobPace, nowMs: number): number;
}

/** The body of an upload. It can be stored once. */
export interface UploadBody {
  /** Bytes, from `Content-Length`. */
  readonly length: number;
  /**
   * Streams the body into a new blob and hashes it. Once the hashes match those declared, asks `describe` for the label
   * and finishes the blob. Leaves no blob after a failure.
   * @throws what the body's checks throw (hash mismatch, length, stall), and StoreFailure.
   */
  store(
    blobs: Pick<BlobStore, 'create'>,
    describe: (digests: BlobDigests) => Promise<BlobLabel>,
  ): Promise<StoredBody>;
}

interface StoredBody extends BlobDigests {
  readonly ref: string;
}

/** What an operation may ask about the permission of its request. */
export interface RequestAuthority {
  /** The request as a task keeps it, to be decided by again. */
  readonly request: TaskRequest;
  /** Rules on each archive of the vault that the request was authorized for. */
  ruleOnArchives(vault: Vault): Promise<ArchiveRuling>;
  /** Authorizes the operation on a vault that the path does not name. @throws 403 as for one that it names. */
  requireVault(key: VaultKey): Promise<void>;
  /** Whether `requireVault` would succeed. */
  allowsVault(key: VaultKey): Promise<boolean>;
}

/** What every operation gets in addition to its own fields. */
export interface OperationRequest {
  /** Account and region that the request is about; the name is empty for account-level operations. */
  readonly vaultKey: VaultKey;
  /** The vault itself. @throws TypeError where there is none, which operations with `vault: 'must-exist'` never meet. */
  readonly vault: Vault;
  /** The account that the request's sender belongs to. */
  readonly callerAccount: string;
  /** The vault that the request was authorized for; undefined if there was none. */
  readonly authorized: Vault | undefined;
  readonly authority: RequestAuthority;
  /** The last segment of the path, for operations whose path ends with an id. */
  readonly id: string;
  /** @throws TypeError when the operation takes no upload. */
  readonly body: UploadBody;
  /** Whether only the head of the reply is wanted. */
  readonly isHead: boolean;
  /** Aborted when the client has gone: its reply is no longer wanted. */
  readonly clientGone: AbortSignal;
}

/** An operation's reply. */
export interface Reply {
  /** HTTP status, where it is not the operation's `success`. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as compact JSON. */
  readonly json?: unknown;
  /**
   * Sent unchanged; the headers include `Content-Length`. A failure cuts the connection, so that no client takes what it
   * received for the whole.
   */
  readonly stream?: AsyncIterable<Uint8Array>;
  /** Describes what a download sends, for its audit event. Contains nothing secret. */
  readonly auditData?: Readonly<Record<string, unknown>>;
  /** For the log, not for the client. */
  readonly warnings?: readonly string[];
}

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** Named inputs of an operation: a field each. */
export type Fields = Readonly<Record<string, Field<unknown>>>;
/** The values that fields give. */
type Inputs<F extends Fields> = { readonly [Name in keyof F]: ReturnType<F[Name]['parse']> };

/** The members of a JSON body; empty where there is none. */
export type Members = ReadonlyMap<string, unknown>;

export interface Operation<F extends Fields = Fields> {
  /** As in the API, IAM and the SDKs; an extension's is `moraine:` and its name. */
  readonly name: Action;
  readonly method: Method;
  /** Whether HEAD is answered as well, with the head of the reply to GET. */
  readonly alsoHead?: boolean;
  /** `{accountId}`, `{vaultName}` and at most one further `{…Id}`. */
  readonly path: string;
  /** A query parameter that tells apart operations with the same method and path. */
  readonly query?: { readonly name: 'operation' | 'force'; readonly value: string };
  /** `own-only`: the account in the path must be the signer's. */
  readonly account: 'own-only' | 'may-be-other';
  /** `must-exist`: checked before the fields are decoded. `new`: the path names a vault to create. */
  readonly vault: 'must-exist' | 'may-be-missing' | 'new' | 'none';
  /** The resource that policies must allow the operation on; by default the ARN of the vault in the path. */
  readonly resource?: 'retrieval-policy' | 'any';
  /** The path names no vault: the operation itself asks for permission on each vault that it is about. */
  readonly asksForVaults?: boolean;
  /** The id of the archive whose age policies may check; by default, a request has no such archive. */
  archiveId?(id: string, members: Members): string | undefined;
  /** An action that this request must be allowed beside the operation's own. */
  alsoNeeds?(source: FieldSource): ExtensionAction | undefined;
  /** Deletes what ages: refused in a locked vault while the clock is not trusted. */
  readonly needsTrustedTime?: boolean;
  /** `upload`: the body is an archive's bytes and both hash headers are required. */
  readonly body: 'none' | 'json' | 'upload';
  /** Streams stored bytes: the audit event follows the last byte and counts them. */
  readonly isDownload?: boolean;
  /**
   * Still allowed when half of the disk reserve is used. Deletions always are, and uploads allocate their own space.
   */
  readonly mayUseReserve?: boolean;
  /** HTTP status of a reply that does not set one. */
  readonly success: number;
  readonly fields: F;
  /** In addition to the errors that every operation can return. */
  readonly errors: readonly ErrorCode[];
  run(input: Inputs<F> & OperationRequest, deps: OperationDeps): Promise<Reply>;
}

/** Infers the types of the fields, then forgets them, so that all operations fit in one table. */
export function operation<const F extends Fields>(definition: Operation<F>): Operation {
  return definition as unknown as Operation;
}
