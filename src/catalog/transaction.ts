import type { Kysely } from 'kysely';
import type { StoreRecord } from '../domain/blob-store.ts';
import type { Engine } from './engine.ts';
import type { Schema } from './schema.ts';

/** A database at hand for reading. */
export interface Source {
  readonly db: Kysely<Schema>;
  readonly engine: Engine;
}

/**
 * A transaction under way. What it records goes to the store's journal after the commit and before the
 * answer (invariant 9).
 */
export interface Tx extends Source {
  /** Which shard of the counts this transaction adds to. */
  readonly shard: number;
  readonly records: StoreRecord[];
}

/** Notes a fact that a catalog rebuilt from the blobs alone would not know. */
export async function record(tx: Tx, entry: Record<string, unknown>): Promise<void> {
  const { seq } = await tx.db
    .insertInto('store_records')
    .values({ entry: JSON.stringify(entry) })
    .returning('seq')
    .executeTakeFirstOrThrow();
  tx.records.push({ seq, entry });
}
