import { BlobDamaged, type BlobLabel, BlobMissing, type BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';

const RECORDS_PER_LOT = 1000;

/** What was found in the store. */
export interface RecoveryFindings {
  /** How many blobs were removed: whole, but never acknowledged. */
  readonly removed: number;
  /** What cannot be read, and is left where it is. */
  readonly unreadable: readonly string[];
}

/**
 * Puts right what a crash left between the store and the catalog, before anything is served:
 * facts that were committed but not journaled are journaled, and blobs that were whole but not confirmed
 * are kept if a row names them and removed if none does.
 */
export async function recoverStore(catalog: Catalog, blobs: BlobStore): Promise<RecoveryFindings> {
  await journalFacts(catalog, blobs);
  let removed = 0;
  const unreadable: string[] = [];
  for await (const ref of blobs.unconfirmed()) {
    const fate = await judge(catalog, blobs, ref);
    if (fate === 'unreadable') unreadable.push(ref);
    else if (fate === 'named') blobs.confirm(ref);
    else {
      await blobs.remove(ref);
      removed++;
    }
  }
  unreadable.push(...(await blobs.settle()));
  return { removed, unreadable };
}

async function judge(
  catalog: Catalog,
  blobs: BlobStore,
  ref: string,
): Promise<'named' | 'unnamed' | 'unreadable'> {
  const label = await labelOf(blobs, ref);
  if (label === undefined) return 'unreadable';
  return (await catalog.namesBlob(label, ref)) ? 'named' : 'unnamed';
}

/** One blob that was damaged, or lies where the disk cannot read, must not keep a server from starting. */
async function labelOf(blobs: BlobStore, ref: string): Promise<BlobLabel | undefined> {
  try {
    return (await blobs.describe(ref)).label;
  } catch (error) {
    const isLost = error instanceof BlobDamaged || error instanceof BlobMissing;
    if (isLost || (error as NodeJS.ErrnoException).code === 'EIO') return undefined;
    throw error;
  }
}

/**
 * Journals what was committed and may not have reached the journal: the process that committed it may have died
 * in between. A fact that is journaled twice is the same fact.
 * @param known numbers that need not be looked at again; those that were journaled are added.
 */
export async function journalFacts(
  catalog: Catalog,
  blobs: BlobStore,
  known = new Set<number>(),
): Promise<void> {
  for (;;) {
    const records = await catalog.unjournaled(RECORDS_PER_LOT);
    const fresh = records.filter(({ seq }) => !known.has(seq));
    if (fresh.length > 0) {
      await blobs.appendRecords(fresh);
      for (const { seq } of fresh) known.add(seq);
      await catalog.dropJournaled({ seqs: records.map(({ seq }) => seq) });
    }
    // The newest one stays on the list for its number: a lot that is not full was the last.
    if (records.length < RECORDS_PER_LOT) break;
  }
  // Only the newest can be met again.
  const newest = Math.max(0, ...known);
  known.clear();
  known.add(newest);
}
