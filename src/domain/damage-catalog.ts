import type { Damage, FoundDamage } from './damage.ts';
import type { Page, Paging } from './page.ts';

/** Identifies recorded damage, and orders it. */
export interface DamageKey {
  readonly ref: string;
  /** Null comes before all numbers. */
  readonly leaf: number | null;
}

/** A blob that a row of an archive, a part or a job names. */
export interface NamedBlob {
  readonly ref: string;
  /** Bytes of its data. */
  readonly size: number;
  /** 64 lower-case hex digits; null for the output of an inventory. */
  readonly treeHash: string | null;
}

/** References in order, both ends excluded; null: no end. */
export interface RefRange {
  readonly after: string | null;
  readonly before: string | null;
}

/** How much is recorded. */
export interface DamageCount {
  /** Damaged leaves, blobs and files. */
  readonly damages: number;
  readonly archives: number;
}

export interface DamageReads {
  listDamage(page: Paging<DamageKey>): Promise<Page<Damage>>;
  /** Counts as far as `limit`: more than that many of each count as `limit`. */
  countDamage(limit: number): Promise<DamageCount>;
  /** Those of the blobs that a row names. */
  findNamedBlobs(refs: readonly string[]): Promise<readonly NamedBlob[]>;
  /** Those of the blobs that wait to be removed. */
  findGarbage(refs: readonly string[]): Promise<readonly string[]>;
  /** References that rows name, by order; at most `limit`. */
  listNamedRefs(range: RefRange, limit: number): Promise<Page<string>>;
  /** Sums over all vaults. */
  storedTotals(): Promise<{ readonly archives: number; readonly bytes: number }>;
}

export interface RecordDamageArgs {
  readonly found: readonly FoundDamage[];
  readonly nowMs: number;
  /** Gets a message about what is new; null for none. */
  readonly topic: string | null;
}

export interface HealDamageArgs {
  /** Damage that was last seen before this is gone. */
  readonly beforeMs: number;
  /** Null: of the whole store. */
  readonly archiveNo: number | null;
  /** How many rows to forget at a time. */
  readonly limit: number;
}

export interface DamageWrites {
  /** Records damage, marks the archives, and adds the messages. Returns what was not recorded before. */
  recordDamage(args: RecordDamageArgs): Promise<readonly Damage[]>;
  /** Forgets damage that is gone. The last call, which returns less than `limit`, also removes the archives' marks. */
  healDamage(args: HealDamageArgs): Promise<number>;
}
