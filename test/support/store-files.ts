import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from './poll.ts';

interface StoreFiles {
  /** Names of what is being written. */
  readonly incoming: readonly string[];
  /** Names of what is kept. */
  readonly blobs: readonly string[];
}

export async function storeFiles(data: string): Promise<StoreFiles> {
  const store = join(data, 'store');
  const entries = await readdir(join(store, 'blobs'), { recursive: true, withFileTypes: true });
  const blobs = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  return { incoming: await readdir(join(store, 'incoming')), blobs };
}

/**
 * Waits until the store has nothing half-written and exactly `count` blobs that were not there `before`. What
 * was there may go meanwhile: garbage is swept in the background.
 */
export async function untilBlobsAdded(data: string, before: StoreFiles, count: number): Promise<void> {
  await eventually(`${count} new blobs and nothing half-written`, async () => {
    const { incoming, blobs } = await storeFiles(data);
    const known = new Set(before.blobs);
    return incoming.length === 0 && blobs.filter((name) => !known.has(name)).length === count;
  });
}
