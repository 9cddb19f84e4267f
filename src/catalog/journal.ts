import type { StoreRecord } from '../domain/blob-store.ts';
import type { CatalogReads, CatalogWrites } from '../domain/catalog.ts';
import type { Source, Tx } from './transaction.ts';

/** Writes facts to the store's journal; they are durable when it resolves. */
export type Journal = (records: readonly StoreRecord[]) => Promise<void>;

export function journalReads(source: Source): Pick<CatalogReads, 'unjournaled'> {
  return {
    async unjournaled(limit) {
      const rows = await source.db
        .selectFrom('store_records')
        .selectAll()
        .orderBy('seq')
        .limit(limit)
        .execute();
      return rows.map(({ seq, entry }) => ({ seq, entry: JSON.parse(entry) }));
    },
  };
}

export async function dropJournaled(
  tx: Tx,
  { seqs }: Parameters<CatalogWrites['dropJournaled']>[0],
): Promise<void> {
  await tx.db.deleteFrom('store_records').where('seq', 'in', seqs).execute();
}
