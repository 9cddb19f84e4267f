/** What an operation is: its place in the API, its inputs, and what it does. One file each beside this one. */
import type { BlobDigests, BlobLabel, BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { Ids } from '../domain/ids.ts';
import type { JobPace } from '../domain/job-times.ts';
import type { Sequencer } from '../domain/sequence.ts';
import type { InventoryMode, Vault, VaultKey } from '../domain/vault.ts';
import type { Field } from './fields.ts';

/** What the operations need of the world. */
export interface OperationDeps {
  readonly catalog: Catalog;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly sequence: Sequencer;
  readonly settings: OperationSettings;
}

interface OperationSettings {
  /** How long a Complete or Abort may be repeated, ms. */
  readonly completeMemoryMs: number;
  readonly inventoryMode: InventoryMode;
  /** Expedited retrievals in five minutes without provisioned capacity; null: not scarce. */
  readonly expeditedCapacity: number | null;
  /** When a job of this pace that starts now is done, ms since the epoch. */
  dueTime(pace: JobPace, nowMs: number): number;
}

/** The body of an upload: it can be taken once. */
export interface UploadBody {
  /** Bytes, by `Content-Length`. */
  readonly length: number;
  /**
   * Streams the body into a new blob, hashing on the way, and finishes the blob with the label that
   * `describe` gives once the digests are known and proved. On any failure nothing comes into being.
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

/** What every operation is told beside its own fields. */
export interface OperationRequest {
  /** Account and region that the request is about; the name is empty for account-level operations. */
  readonly vaultKey: VaultKey;
  /** The vault itself. @throws 404 when there is none (operations with `vault: 'must-exist'` never see that). */
  readonly vault: Vault;
  /** The vault that the request was allowed for, or that there was none, where `vault` is 'may-be-missing'. */
  readonly authorized: Vault | undefined;
  /** The last segment of the path, for operations whose path ends with an id. */
  readonly id: string;
  /** @throws TypeError when the operation takes no upload. */
  readonly body: UploadBody;
  /** Aborted when the client has gone and nobody waits for the answer. */
  readonly clientGone: AbortSignal;
}

/** What an operation answers. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as compact JSON. */
  readonly json?: unknown;
  /**
   * Sent as it comes; `Content-Length` is among the headers. A failure cuts the connection short of it, so
   * that no client takes the rest for the whole.
   */
  readonly stream?: AsyncIterable<Uint8Array>;
  /** What a stream hands out, for its audit record: nothing secret. */
  readonly auditData?: Readonly<Record<string, unknown>>;
  /** For the log, not for the client. */
  readonly warnings?: readonly string[];
}

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** Named inputs of an operation: a field each. */
export type Fields = Readonly<Record<string, Field<unknown>>>;
/** The values that fields give. */
type Inputs<F extends Fields> = { readonly [Name in keyof F]: ReturnType<F[Name]['parse']> };

/** Where an operation stands in the API, whether it is built yet or not. */
interface Endpoint {
  /** As in the API, IAM and the SDKs. */
  readonly name: string;
  readonly method: Method;
  /** `{accountId}`, `{vaultName}` and at most one further `{…Id}`. */
  readonly path: string;
  /** Tells apart the two tag operations, which share method and path. */
  readonly query?: { readonly operation: string };
  /** `own-only`: the account in the path must be the signer's. */
  readonly account: 'own-only' | 'may-be-other';
}

export interface Operation<F extends Fields = Fields> extends Endpoint {
  /** Whether the vault in the path must be there before anything else is looked at. */
  readonly vault: 'must-exist' | 'may-be-missing' | 'none';
  /** `upload`: the body is an archive's bytes and both hash headers are required. */
  readonly body: 'none' | 'json' | 'upload';
  readonly success: number;
  readonly fields: F;
  /** Beside the errors that every operation can give. */
  readonly errors: readonly ErrorCode[];
  run(input: Inputs<F> & OperationRequest, deps: OperationDeps): Promise<Reply>;
}

/** Infers the types of the fields, then forgets them, so that all operations fit in one table. */
export function operation<const F extends Fields>(definition: Operation<F>): Operation {
  return definition as unknown as Operation;
}
