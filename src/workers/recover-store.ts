import {
  type AsideBlob,
  BlobDamaged,
  type BlobDescription,
  BlobMissing,
  type BlobStore,
} from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';

const ENTRIES_PER_BATCH = 1000;
const ASIDE_PER_BATCH = 1000;

/** What was found in the store. */
export interface RecoveryFindings {
  /** How many blobs were set aside: whole, but not in the catalog. */
  readonly aside: number;
  /** What cannot be read, and is left where it is. */
  readonly unreadable: readonly string[];
  /** The greatest commit number that the writer of any of them knew; 0 without one. */
  readonly commitNumber: number;
}

/**
 * Puts right what a crash left between the store and the catalog, before anything is served: facts that were committed
 * but not journaled are journaled, and blobs that were whole but not confirmed are kept if a row names them and set
 * aside if none does. No such blob is removed: nothing in the store can tell whether its upload was never answered, or
 * was answered and the catalog is older than anybody knows.
 */
export async function recoverStore(
  catalog: Catalog,
  blobs: BlobStore,
  nowMs: number,
): Promise<RecoveryFindings> {
  await drainOutbox(catalog, blobs);
  let commitNumber = 0;
  let aside = 0;
  let batch: AsideBlob[] = [];
  const unreadable: string[] = [];
  const setAside = async () => {
    await blobs.setAside(batch, nowMs);
    aside += batch.length;
    batch = [];
  };
  for await (const ref of blobs.unconfirmed()) {
    const found = await describe(blobs, ref);
    if (found === undefined) {
      unreadable.push(ref);
      continue;
    }
    commitNumber = Math.max(commitNumber, found.writer?.commitNumber ?? 0);
    if (await catalog.namesBlob(found.label, ref)) blobs.confirm(ref);
    else if (batch.push(asideOf(ref, found)) === ASIDE_PER_BATCH) await setAside();
  }
  await setAside();
  unreadable.push(...(await blobs.confirmAll()));
  return { aside, unreadable, commitNumber };
}

function asideOf(ref: string, { label, size }: BlobDescription): AsideBlob {
  const { kind, account, region, vault, archiveId, createdMs } = label;
  return { ref, size, kind, account, region, vault, archiveId, createdMs };
}

/** One blob that was damaged, or lies where the disk cannot read, must not keep a server from starting. */
async function describe(blobs: BlobStore, ref: string): Promise<BlobDescription | undefined> {
  try {
    return await blobs.describe(ref);
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
export async function drainOutbox(
  catalog: Catalog,
  blobs: BlobStore,
  known = new Set<number>(),
): Promise<void> {
  for (;;) {
    const entries = await catalog.listOutbox(ENTRIES_PER_BATCH);
    const fresh = entries.filter(({ seq }) => !known.has(seq));
    if (fresh.length > 0) {
      await blobs.appendEntries(fresh);
      for (const { seq } of fresh) known.add(seq);
      await catalog.dropFromOutbox({ seqs: entries.map(({ seq }) => seq) });
    }
    // The newest one stays on the list for its number: a lot that is not full was the last.
    if (entries.length < ENTRIES_PER_BATCH) break;
  }
  // Only the newest can be met again.
  const newest = Math.max(0, ...known);
  known.clear();
  known.add(newest);
}
