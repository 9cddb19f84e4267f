import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Garbage } from '../domain/garbage-catalog.ts';

const ENTRIES_PER_BATCH = 200;

/**
 * Removes the blobs on the garbage list, then the items from the list. In this order a crash in between leaves work to
 * repeat and never a blob that nothing names (invariant 2).
 * @throws AggregateError at the end, for blobs that could not be removed.
 */
export async function sweepGarbage(catalog: Catalog, blobs: BlobStore): Promise<void> {
  const failures: unknown[] = [];
  for (let after: number | null = null; ; ) {
    const { rows, more } = await catalog.listGarbage({ after, limit: ENTRIES_PER_BATCH });
    const swept: number[] = [];
    for (const entry of rows) {
      // An item that cannot be removed stays on the list and does not hold up the others.
      await sweepEntry(catalog, blobs, entry).then(
        () => swept.push(entry.no),
        (error) => failures.push(error),
      );
    }
    if (swept.length > 0) await catalog.dropGarbage({ nos: swept });
    after = rows.at(-1)?.no ?? after;
    if (!more) break;
  }
  if (failures.length > 0)
    throw new AggregateError(failures, `${failures.length} blobs could not be removed`, {
      cause: failures[0],
    });
}

async function sweepEntry(catalog: Catalog, blobs: BlobStore, { ref, uploadNo }: Garbage): Promise<void> {
  if (ref !== null) await blobs.remove(ref);
  if (uploadNo !== null) await sweepParts(catalog, blobs, uploadNo);
}

/** In batches, because an upload has up to 10,000 parts. */
async function sweepParts(catalog: Catalog, blobs: BlobStore, uploadNo: number): Promise<void> {
  for (;;) {
    const refs = await catalog.partRefs(uploadNo, ENTRIES_PER_BATCH);
    if (refs.length === 0) return;
    for (const ref of refs) await blobs.remove(ref);
    await catalog.dropParts({ uploadNo, refs });
  }
}
