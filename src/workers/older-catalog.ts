import type { BlobStore, JournalEntry } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import { OLDER_CATALOG_SETTING } from '../domain/setting-catalog.ts';
import { ACCEPTED_NOTE, OLDER_NOTE } from '../domain/store-identity.ts';

/**
 * Whether the catalog lacks what the store has, because it was restored from a backup. Then nothing may be removed
 * until an operator accepts the catalog: a blob that looks like garbage to it may belong to an archive that it lost.
 */
export async function isOlderThanStore(catalog: Catalog, blobs: BlobStore): Promise<boolean> {
  if ((await blobs.note(OLDER_NOTE)) !== undefined) return true;
  if ((await catalog.findSetting(OLDER_CATALOG_SETTING)) === 'true') return true;
  if ((await blobs.lastEntrySeq()) > (await catalog.lastEntrySeq())) return true;
  return (await blobs.lastCommitNumber()) > (await catalog.storeLink()).commitNumber;
}

/**
 * For commands whose changes leave entries: requires that new entries are numbered above those of the store. After an
 * older catalog was restored, they are from the next start on. @throws Error.
 */
export async function requireNumbersAhead(catalog: Catalog, blobs: BlobStore): Promise<void> {
  // In this order: a server that runs adds to the catalog first.
  const stored = await blobs.lastEntrySeq();
  if (stored <= (await catalog.lastEntrySeq())) return;
  throw new Error(
    'the catalog is older than the store: it was restored from a backup. Start the server once; then this command works',
  );
}

/** Notes in the store that the catalog is older, before anything is written to the catalog. */
export async function noteOlderCatalog(blobs: BlobStore, nowMs: number): Promise<void> {
  if ((await blobs.note(OLDER_NOTE)) !== undefined) return;
  const found = await blobs.lastCommitNumber();
  await blobs.putNote(OLDER_NOTE, JSON.stringify({ sinceMs: nowMs, found }));
}

/**
 * Notes on both sides that the catalog is older, and raises its numbers above all of the store's.
 * @param found the greatest commit number found in the store.
 */
export async function markCatalogOlder(
  catalog: Catalog,
  blobs: BlobStore,
  { nowMs, found }: { readonly nowMs: number; readonly found: number },
): Promise<void> {
  await noteOlderCatalog(blobs, nowMs);
  await catalog.setSetting({ name: OLDER_CATALOG_SETTING, value: 'true' });
  // New entries must not reuse the numbers of those that the catalog lost.
  const stored = await blobs.lastEntrySeq();
  if (stored > (await catalog.lastEntrySeq())) await catalog.skipEntrySeqs({ beyond: stored });
  const beyond = Math.max(found, await blobs.lastCommitNumber());
  if (beyond > (await catalog.storeLink()).commitNumber) await catalog.raiseCommitNumber({ beyond });
}

/**
 * Accepts the catalog: from the next start on, what it does not name may be removed.
 * @param isOwnId whether the server proves an archive id to be its own.
 * @throws Error before the first start with this catalog.
 */
export async function acceptCatalog(
  catalog: Catalog,
  blobs: BlobStore,
  nowMs: number,
  isOwnId: (archiveId: string) => boolean,
): Promise<void> {
  await requireNumbersAhead(catalog, blobs);
  await noteUsedIds(catalog, blobs, isOwnId);
  // A vault that the lost catalog deleted is in force again, and so must be for a rebuild.
  let after: number | null = null;
  do after = await catalog.journalCatalog({ after });
  while (after !== null);
  await blobs.putNote(ACCEPTED_NOTE, JSON.stringify({ atMs: nowMs }));
  await catalog.setSetting({ name: OLDER_CATALOG_SETTING, value: 'false' });
  // Last, because the catalog counts as older as long as either side says so.
  await blobs.removeNote(OLDER_NOTE);
}

/** Bounds a transaction. */
const IDS_AT_ONCE = 1000;

/**
 * Notes the imported ids that the journal knows. A rebuild would take a new archive of such an id for the old one, which is
 * deleted or is made of other parts.
 */
async function noteUsedIds(
  catalog: Catalog,
  blobs: BlobStore,
  isOwnId: (archiveId: string) => boolean,
): Promise<void> {
  let archiveIds: string[] = [];
  const note = async (): Promise<void> => {
    if (archiveIds.length > 0) await catalog.noteUsedIds({ archiveIds });
    archiveIds = [];
  };
  for await (const { body } of blobs.journalEntries()) {
    archiveIds.push(...idsIn(body).filter((id) => !isOwnId(id)));
    if (archiveIds.length >= IDS_AT_ONCE) await note();
  }
  await note();
}

function idsIn({ type, archiveId, archiveIds, importedBy }: JournalEntry['body']): readonly string[] {
  if (type === 'ids-used') return archiveIds as readonly string[];
  const hasId =
    type === 'archive-deleted' ||
    type === 'archive-imported' ||
    (type === 'upload-started' && importedBy !== undefined);
  return hasId ? [archiveId as string] : [];
}

/** When an older catalog was last accepted; 0 if never. */
export async function readAcceptedMs(blobs: BlobStore): Promise<number> {
  const text = await blobs.note(ACCEPTED_NOTE);
  return text === undefined ? 0 : (JSON.parse(text) as { atMs: number }).atMs;
}
