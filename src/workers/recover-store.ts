import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';

const RECORDS_PER_LOT = 1000;

/**
 * Puts right what a crash left between the store and the catalog, before anything is served:
 * facts that were committed but not journaled are journaled, and blobs that were whole but not confirmed
 * are kept if a row names them and removed if none does.
 * @returns how many blobs were removed.
 */
export async function recoverStore(catalog: Catalog, blobs: BlobStore): Promise<number> {
  await journalFacts(catalog, blobs);
  let removed = 0;
  for await (const ref of blobs.unconfirmed()) {
    const { label } = await blobs.describe(ref);
    if (await catalog.namesBlob(label, ref)) blobs.confirm(ref);
    else {
      await blobs.remove(ref);
      removed++;
    }
  }
  return removed;
}

async function journalFacts(catalog: Catalog, blobs: BlobStore): Promise<void> {
  for (;;) {
    const records = await catalog.unjournaled(RECORDS_PER_LOT);
    if (records.length === 0) return;
    await blobs.appendRecords(records);
    await catalog.dropJournaled({ seqs: records.map(({ seq }) => seq) });
    // The newest one stays on the list for its number: a lot that is not full was the last.
    if (records.length < RECORDS_PER_LOT) return;
  }
}
