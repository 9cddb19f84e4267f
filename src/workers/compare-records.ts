import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';

/** Set while the catalog is known to be older than the store. */
export const OLDER_CATALOG_SETTING = 'catalog-older-than-store';

/**
 * Whether the catalog lacks facts that the store's journal has: then it was restored from a backup. Nothing may
 * be swept or expired until somebody has looked, because what such a catalog takes for rubbish may be an archive
 * that it does not know.
 */
export async function isOlderThanStore(catalog: Catalog, blobs: BlobStore): Promise<boolean> {
  const [stored, known] = [await blobs.lastRecord(), await catalog.lastRecord()];
  if (stored > known) {
    // New facts must not take the numbers of those that the catalog has lost.
    await catalog.skipRecords({ beyond: stored });
    await catalog.setSetting({ name: OLDER_CATALOG_SETTING, value: 'true' });
    return true;
  }
  return (await catalog.findSetting(OLDER_CATALOG_SETTING)) === 'true';
}
