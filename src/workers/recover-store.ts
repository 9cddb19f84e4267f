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
  /** Number of blobs set aside: whole, but not named by the catalog. */
  readonly aside: number;
  /** References of blobs that cannot be read and stay where they are. */
  readonly unreadable: readonly string[];
  /** The greatest commit number in the stamps of the blobs; 0 without one. */
  readonly commitNumber: number;
}

/**
 * Reconciles store and catalog after a crash, before anything is served: journals the entries in the outbox, confirms
 * the unconfirmed blobs that a row names, and sets the others aside. It removes no blob, because the store cannot tell
 * an upload that was never answered from one that the catalog lost in a restore.
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
  unreadable.push(...(await blobs.confirmAll(new Set(unreadable))));
  return { aside, unreadable, commitNumber };
}

function asideOf(ref: string, { label, size }: BlobDescription): AsideBlob {
  const { kind, account, region, vault, archiveId, createdMs } = label;
  return { ref, size, kind, account, region, vault, archiveId, createdMs };
}

/** A blob's description; undefined if it is damaged or cannot be read, which must not prevent a start. */
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
 * Journals the entries in the outbox: the process that committed them may have died before it journaled them. Journaling
 * an entry twice is harmless.
 * @param known numbers of entries to skip; the journaled ones are added.
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
    // The newest entry stays in the outbox, so a batch that is not full was the last.
    if (entries.length < ENTRIES_PER_BATCH) break;
  }
  // Only the newest can appear again.
  const newest = Math.max(0, ...known);
  known.clear();
  known.add(newest);
}
