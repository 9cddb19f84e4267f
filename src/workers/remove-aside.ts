import {
  type AsideBlob,
  BlobDamaged,
  type BlobLabel,
  BlobMissing,
  type BlobStore,
} from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import { readAcceptedMs } from './older-catalog.ts';

interface RemoveAsideOptions {
  readonly nowMs: number;
  /** How long a blob is kept after it was set aside, or after an older catalog was accepted; ms. */
  readonly keepMs: number;
  /** Called for each removed blob. */
  onRemoved(blob: AsideBlob): void;
}

/**
 * Removes blobs that were set aside long enough ago, oldest first. Blobs that the catalog names by now stay, and so do
 * unreadable ones. Must not be called while the catalog counts as older than the store.
 */
export async function removeAside(
  catalog: Catalog,
  blobs: BlobStore,
  { nowMs, keepMs, onRemoved }: RemoveAsideOptions,
): Promise<void> {
  const accepted = await readAcceptedMs(blobs);
  for await (const batch of blobs.listAside()) {
    if (nowMs - Math.max(batch.asideMs, accepted) < keepMs) return;
    for (const blob of batch.blobs) {
      if (!(await isUnnamed(catalog, blobs, blob.ref))) continue;
      await blobs.remove(blob.ref);
      onRemoved(blob);
    }
    await blobs.dropAside(batch);
  }
}

async function isUnnamed(catalog: Catalog, blobs: BlobStore, ref: string): Promise<boolean> {
  const label = await labelOf(blobs, ref);
  return label !== undefined && !(await catalog.namesBlob(label, ref));
}

/** The blob's label; undefined if the blob is gone or damaged. */
async function labelOf(blobs: BlobStore, ref: string): Promise<BlobLabel | undefined> {
  try {
    return (await blobs.describe(ref)).label;
  } catch (error) {
    if (error instanceof BlobMissing || error instanceof BlobDamaged) return undefined;
    throw error;
  }
}
