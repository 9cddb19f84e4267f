/** Repairs what a crash or a restored backup left, before the server serves. */
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import { unknownTypes } from '../domain/entries.ts';
import type { Logger } from '../log.ts';
import { isOlderThanStore, markCatalogOlder } from '../workers/older-catalog.ts';
import { recoverStore } from '../workers/recover-store.ts';
import { restoreLocks } from '../workers/restore-locks.ts';

interface StartState {
  readonly nowMs: number;
  /** Whether the catalog was older than the store before this start wrote to it. */
  readonly older?: boolean;
  /** The greatest commit number in the store before this start. */
  readonly storeNumber?: number;
  /** The catalog's commit number before this start; by default its current one. */
  readonly catalogNumber?: number;
}

/**
 * Repairs what a crash or a restored catalog left.
 * @returns whether the server may remove anything: not while the catalog is older than the store, nor if the journal has
 * entries that this version does not know.
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
    // The last writers may have ended before they noted this number.
    const known = catalogNumber ?? (await catalog.storeLink()).commitNumber;
    [older, found] = [commitNumber > known, Math.max(commitNumber, storeNumber)];
  }
  if (older) {
    await markCatalogOlder(catalog, blobs, { nowMs, found });
    const why = knowsNothing
      ? 'this catalog is empty but the store is not: is it the right catalog (--catalog, MORAINE_CATALOG)?'
      : 'the catalog is older than the store: it was restored from a backup.';
    log.error(
      `${why} Nothing is swept, removed or expired until \`moraine catalog accept\` permits the server to remove what this catalog does not name`,
    );
  }
  const { restored, unknown } = await restoreLocks(catalog, blobs, older);
  if (restored.length > 0)
    log.error(
      { restored },
      'the catalog had lost the locks of these vaults; they were restored from the store',
    );
  if (unknown.length > 0)
    log.error({ unknown }, 'the store has locks of vaults that the catalog does not know');
  const knowsAll = await closeJournals(blobs, log);
  // Only now: new entries are numbered above those of the store.
  await catalog.journalPeople({});
  return { maySweep: !older && knowsAll };
}

/** Closes the journal files of earlier runs. @returns whether this version knows all their entries. */
async function closeJournals(blobs: BlobStore, log: Logger): Promise<boolean> {
  const { types, damage } = await blobs.closeJournals();
  if (damage.length > 0)
    log.error({ damage }, 'the journal is damaged: a catalog that is rebuilt from it may lack something');
  const unknown = unknownTypes(types);
  if (unknown.length === 0) return true;
  log.error(
    { unknown },
    'the journal has entries of types that this version does not know: a newer version wrote them. Nothing is swept, removed or expired; start the newer version',
  );
  return false;
}

async function recover(
  catalog: Catalog,
  blobs: BlobStore,
  log: Logger,
  nowMs: number,
): Promise<{ commitNumber: number }> {
  const { aside, unreadable, commitNumber } = await recoverStore(catalog, blobs, nowMs);
  if (unreadable.length > 0) log.error({ unreadable }, 'some of the last stored blobs cannot be read');
  if (aside > 0)
    log.warn(
      { aside },
      'blobs that were stored before the server ended are not in the catalog; they were set aside (`moraine store aside`)',
    );
  return { commitNumber };
}
