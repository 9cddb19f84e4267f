import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { packedBlobs, unconfirmedBlobs } from './pack-reader.ts';
import { eventually } from './poll.ts';

interface StoreFiles {
  /** Blobs that are half-written or unconfirmed. */
  readonly incoming: readonly string[];
  /** References of the stored blobs, in files of their own and in packs. */
  readonly blobs: readonly string[];
}

export async function storeFiles(data: string): Promise<StoreFiles> {
  const store = join(data, 'store');
  const entries = await readdir(join(store, 'blobs'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  const incoming = await readdir(join(store, 'incoming'));
  return {
    // A marker only says that a pack may be written to.
    incoming: [...incoming.filter((name) => !name.endsWith('.open')), ...(await unconfirmedBlobs(store))],
    blobs: [...files, ...(await packedBlobs(store)).map(({ ref }) => ref)],
  };
}

/**
 * Waits until the store has nothing half-written and exactly `count` blobs that are not in `before`. Blobs of `before`
 * may be gone, because garbage is swept in the background.
 */
export async function untilBlobsAdded(data: string, before: StoreFiles, count: number): Promise<void> {
  await eventually(`${count} new blobs and nothing half-written`, async () => {
    const { incoming, blobs } = await storeFiles(data);
    const known = new Set(before.blobs);
    return incoming.length === 0 && blobs.filter((name) => !known.has(name)).length === count;
  });
}
