import type { Generated, Selectable } from 'kysely';
import type { InventoryFormat } from '../domain/inventory.ts';
import type { JobState } from '../domain/job.ts';
import type { Tier } from '../domain/job-times.ts';
import type { TaskKind, TaskState } from '../domain/task.ts';

/** The tables as both databases return them. Times are ms since 1970, sizes are bytes. */
export interface Schema {
  vaults: {
    no: Generated<number>;
    account: string;
    region: string;
    name: string;
    created_ms: number;
    /** The greatest number that a bulk deletion of a vault of this name covers or will cover; 0 without one. */
    emptied_to: Generated<number>;
  };
  /**
   * Counts of a vault, spread over shards so that processes writing to one vault do not wait for each other. The sum
   * over the shards counts.
   */
  vault_counts: {
    vault_no: number;
    shard: number;
    archives: number;
    bytes: number;
    /** First and last write. */
    begun_ms: number;
    written_ms: number;
    /** No archive in the vault has a greater number (docs/format.md, "Bulk deletion"). */
    last_number: Generated<number>;
  };
  tags: { vault_no: number; key: string; value: string };
  archives: {
    no: Generated<number>;
    id: string;
    vault_no: number;
    description: string | null;
    created_ms: number;
    size: number;
    tree_hash: Uint8Array;
    /** The blob of a single upload; null for a multipart one. */
    ref: string | null;
    /** Its parts are the rows of `parts` with this number; null for a single upload. */
    upload_no: number | null;
    /** When its bytes were last seen to be damaged; null while they are not known to be. */
    damaged_ms: number | null;
    /** When an imported archive arrived here; null if it was not imported. Locks count its age from the later date. */
    arrived_ms: number | null;
  };
  /** Archives deleted since the last inventory, which still lists them. Unused where inventories are live. */
  deleted_archives: {
    no: number;
    id: string;
    vault_no: number;
    description: string | null;
    created_ms: number;
    size: number;
    tree_hash: Uint8Array;
    deleted_ms: number;
  };
  uploads: {
    no: Generated<number>;
    id: string;
    vault_no: number;
    archive_id: string;
    description: string | null;
    part_size: number;
    created_ms: number;
    state: UploadState;
    /** When it was completed or aborted. */
    ended_ms: number | null;
    /** Size and tree hash of the completed archive, to compare a repeated Complete with. */
    size: number | null;
    tree_hash: Uint8Array | null;
    /** Of an import: the key of its archive's id in `imported_ids`; null for other uploads. */
    import_key: Uint8Array | null;
    /** The account that began the import. */
    imported_by: string | null;
    /** The creation date that the import gives its archive; null if it gives none. */
    given_ms: number | null;
  };
  /**
   * Ids that imports gave. A row stays when its archive is deleted, because no new archive may get the id. After a
   * rebuild, ids that this server cannot prove to be its own are here too.
   */
  imported_ids: {
    /** First half of the SHA-256 of the id. */
    key: Uint8Array;
    /** The vault that has or had the archive, or the upload; 0 if a rebuild did not find it. */
    vault_no: number;
    /** While a single upload is storing the archive: what it stores, and which request does; else null. */
    declared: string | null;
    token: string | null;
  };
  parts: {
    upload_no: number;
    first: number;
    size: number;
    tree_hash: Uint8Array;
    linear_hash: Uint8Array;
    sequence: number;
    stored_ms: number;
    ref: string;
  };
  garbage: { no: Generated<number>; ref: string | null; upload_no: number | null; noted_ms: number };
  /** Damaged bytes of the store. */
  damage: {
    /** Of a blob; or the path of another file. */
    ref: string;
    /** -1: all of the blob. */
    leaf: number;
    kind: string;
    first_seen_ms: number;
    last_seen_ms: number;
  };
  /** The outbox: entries on their way to the store's journal. */
  store_records: { seq: Generated<number>; entry: string };
  /** One row. */
  store_link: { catalog_id: string | null; store_id: string | null; generation: number };
  /** One row. */
  commit_number: { number: number };
  access_keys: {
    id: string;
    account: string;
    sealed_secret: string;
    status: 'active' | 'disabled';
    origin: 'first-start' | 'environment' | 'command';
    created_ms: number;
    /** Null: a key of the account's root. */
    user_no: number | null;
  };
  accounts: { id: string; created_ms: number };
  users: { no: Generated<number>; account: string; name: string; user_id: string; created_ms: number };
  user_policies: { user_no: number; name: string; document: string };
  vault_policies: {
    vault_no: number;
    access_policy: string | null;
    lock_policy: string | null;
    lock_state: 'InProgress' | 'Locked' | null;
    lock_id_hash: string | null;
    lock_created_ms: number | null;
    version: number;
  };
  settings: { name: string; value: string };
  jobs: {
    no: Generated<number>;
    id: string;
    vault_no: number;
    kind: 'archive' | 'inventory';
    description: string | null;
    topic: string | null;
    created_ms: number;
    due_ms: number;
    completed_ms: number | null;
    state: JobState;
    /** Of archive jobs. The archive as it was when the job started; null if it was gone. */
    tier: Tier | null;
    archive_id: string | null;
    archive_no: number | null;
    archive_size: number | null;
    archive_hash: Uint8Array | null;
    archive_description: string | null;
    /** Where the archive's bytes lie; for an inventory job, its output's blob. */
    ref: string | null;
    upload_no: number | null;
    first: number | null;
    last: number | null;
    range_hash: Uint8Array | null;
    /** Of inventory jobs. */
    format: InventoryFormat | null;
    start_ms: number | null;
    end_ms: number | null;
    entry_limit: number | null;
    marker: string | null;
    output_size: number | null;
    next_marker: string | null;
    /** The worker that has leased the job, and until when. */
    lease_token: string | null;
    lease_until_ms: number | null;
  };
  vault_inventories: { vault_no: number; taken_ms: number; archives: number; bytes: number };
  vault_notifications: { vault_no: number; topic: string; events: string };
  notifications: {
    no: Generated<number>;
    id: string;
    topic: string;
    message: string;
    created_ms: number;
    tries: number;
    state: 'waiting' | 'undeliverable';
    /** When it is tried next; during a try, when its lease ends. */
    next_try_ms: number;
    reason: string | null;
  };
  retrieval_policies: { account: string; region: string; strategy: string; bytes_per_hour: string | null };
  /** Bytes read without a job that count against the retrieval policy, by minute. */
  direct_reads: { account: string; region: string; minute_ms: number; bytes: number };
  capacity_units: { id: string; account: string; region: string; start_ms: number; expires_ms: number };
  tasks: {
    no: Generated<number>;
    id: string;
    kind: TaskKind;
    account: string;
    region: string;
    vault: string;
    vault_no: number;
    vault_created_ms: number;
    /** JSON: who asked, and the condition values of the request. */
    request: string;
    state: TaskState;
    message: string | null;
    created_ms: number;
    due_ms: number | null;
    completed_ms: number | null;
    /** What the vault held when the request was accepted. */
    archives: number;
    bytes: number;
    /** Archives whose rows are gone. */
    done: number;
    held: number | null;
    /** The task is about the vault's archives with a `no` up to this. */
    last_no: number;
    /** The same bound as the journal has it, in numbers of labels. */
    up_to: number;
    /** Those of them that are still there; counts until the task is marked. */
    left_archives: number;
    left_bytes: number;
    /** Those that it keeps, and the ids in entries `archives-kept`. */
    kept_archives: number;
    kept_bytes: number;
    kept_ids: number;
    /** Of its entries in the journal; null before it was decided what to keep. */
    bulk_id: string | null;
    /** When its archives went, at once; null before. */
    marked_ms: number | null;
    /** The vault's number while rows of its deleted archives remain. */
    hiding_vault_no: number | null;
    /** Rows up to this place of the vault's inventory are done. */
    cursor_ms: number;
    cursor_no: number;
  };
  /** What a task did: with a reason, the archive was kept; without one, it was deleted. */
  task_archives: {
    task_no: number;
    no: number;
    id: string;
    size: number;
    tree_hash: Uint8Array;
    reason: string | null;
  };
  /** `emptied_to` by the vault's name, which outlives the vault. */
  bulk_bounds: { account: string; region: string; vault: string; up_to: number };
}

type UploadState = 'open' | 'completed' | 'aborted';
export type JobRow = Selectable<Schema['jobs']>;
export type UploadRow = Selectable<Schema['uploads']>;
export type TaskRow = Selectable<Schema['tasks']>;
