/** What is put in order before anything is served. */
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Logger } from '../log.ts';
import { isOlderThanStore } from '../workers/compare-records.ts';
import { recoverStore } from '../workers/recover-store.ts';
import { restoreLocks } from '../workers/restore-locks.ts';

/**
 * Mends what a crash or a restored catalog left.
 * @returns whether anything may be removed: not while the catalog is older than the store.
 */
export async function putInOrder(
  catalog: Catalog,
  blobs: BlobStore,
  log: Logger,
): Promise<{ maySweep: boolean }> {
  const knowsNothing = (await catalog.lastRecord()) === 0;
  const older = await isOlderThanStore(catalog, blobs);
  if (older) {
    const why = knowsNothing
      ? 'this catalog is empty and the store is not: is it another one than before (--catalog, MORAINE_CATALOG)?'
      : 'the catalog is older than the store: it was restored from a backup.';
    log.error(
      `${why} Nothing is swept or expired until \`moraine catalog accept\` says that what it does not know may go`,
    );
  }
  const { removed, unreadable } = older ? { removed: 0, unreadable: [] } : await recoverStore(catalog, blobs);
  if (unreadable.length > 0) log.error({ unreadable }, 'blobs that were stored last cannot be read');
  if (removed > 0) log.info({ removed }, 'removed blobs that were stored but never acknowledged');
  const { restored, unknown } = await restoreLocks(catalog, blobs, older);
  if (restored.length > 0)
    log.error({ restored }, 'the catalog had lost the locks of these vaults: they are locked again');
  if (unknown.length > 0)
    log.error({ unknown }, 'the store knows locked vaults that the catalog does not know');
  return { maySweep: !older };
}
