/** What is put in order before anything is served. */
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Logger } from '../log.ts';
import { isOlderThanStore, markCatalogOlder } from '../workers/older-catalog.ts';
import { recoverStore } from '../workers/recover-store.ts';
import { restoreLocks } from '../workers/restore-locks.ts';

interface StartState {
  readonly nowMs: number;
  /** Whether the catalog was found to be older than the store before this start wrote anything to it. */
  readonly older?: boolean;
  /** The greatest commit number that the store knew of then. */
  readonly storeNumber?: number;
  /** The catalog's commit number then; as it is now by default. */
  readonly catalogNumber?: number;
}

/**
 * Mends what a crash or a restored catalog left.
 * @returns whether anything may be removed: not while the catalog is older than the store.
 */
export async function repairStore(
  catalog: Catalog,
  blobs: BlobStore,
  log: Logger,
  { nowMs, older: wasOlder = false, storeNumber = 0, catalogNumber }: StartState,
): Promise<{ maySweep: boolean }> {
  const knowsNothing = (await catalog.lastEntrySeq()) === 0;
  let [older, found] = [wasOlder || (await isOlderThanStore(catalog, blobs)), storeNumber];
  if (!older) {
    const { commitNumber } = await recover(catalog, blobs, log, nowMs);
    // What the last writers knew: they may not have lived long enough to note it.
    const known = catalogNumber ?? (await catalog.storeLink()).commitNumber;
    [older, found] = [commitNumber > known, Math.max(commitNumber, storeNumber)];
  }
  if (older) {
    await markCatalogOlder(catalog, blobs, { nowMs, found });
    const why = knowsNothing
      ? 'this catalog is empty and the store is not: is it another one than before (--catalog, MORAINE_CATALOG)?'
      : 'the catalog is older than the store: it was restored from a backup.';
    log.error(
      `${why} Nothing is swept, removed or expired until \`moraine catalog accept\` says that what it does not know may go`,
    );
  }
  const { restored, unknown } = await restoreLocks(catalog, blobs, older);
  if (restored.length > 0)
    log.error({ restored }, 'the catalog had lost the locks of these vaults: they are locked again');
  if (unknown.length > 0)
    log.error({ unknown }, 'the store knows locked vaults that the catalog does not know');
  return { maySweep: !older };
}

async function recover(
  catalog: Catalog,
  blobs: BlobStore,
  log: Logger,
  nowMs: number,
): Promise<{ commitNumber: number }> {
  const { aside, unreadable, commitNumber } = await recoverStore(catalog, blobs, nowMs);
  if (unreadable.length > 0) log.error({ unreadable }, 'blobs that were stored last cannot be read');
  if (aside > 0)
    log.warn(
      { aside },
      'blobs that were stored when the server ended are not in the catalog: they are set aside (`moraine store aside`)',
    );
  return { commitNumber };
}
