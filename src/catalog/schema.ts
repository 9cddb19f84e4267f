import type { Generated, Insertable, Selectable } from 'kysely';

/** The tables, as TypeScript sees them through either database. Times are ms since the epoch, sizes bytes. */
export interface Schema {
  vaults: {
    no: Generated<number>;
    account: string;
    region: string;
    name: string;
    created_ms: number;
  };
  /**
   * Counts of a vault, spread over rows so that processes writing to one vault do not wait for each other:
   * the truth is the sum over the shards.
   */
  vault_counts: {
    vault_no: number;
    shard: number;
    archives: number;
    bytes: number;
    written_ms: number;
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
    /** What was completed, to judge repeats. */
    size: number | null;
    tree_hash: Uint8Array | null;
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
  /** Facts on their way to the store's journal. */
  store_records: { seq: Generated<number>; entry: string };
  access_keys: {
    id: string;
    account: string;
    sealed_secret: string;
    status: 'active' | 'disabled';
    origin: 'first-start' | 'environment';
    created_ms: number;
  };
  settings: { name: string; value: string };
}

export type UploadState = 'open' | 'completed' | 'aborted';
export type UploadRow = Selectable<Schema['uploads']>;
export type NewArchiveRow = Insertable<Schema['archives']>;
