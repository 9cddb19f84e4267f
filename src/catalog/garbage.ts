import type { BlobLabel } from '../domain/blob-store.ts';
import type { DropGarbageArgs, Garbage, GarbageReads, GarbageWrites } from '../domain/garbage-catalog.ts';
import { type Page, type Paging, toPage } from '../domain/page.ts';
import { neededByJob } from './jobs.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';

export function garbageReads(source: Source): GarbageReads {
  return {
    listGarbage: (page) => listGarbage(source, page),
    namesBlob: async (label, ref) => {
      const names = { part: namesPart, archive: namesArchive, inventory: namesInventory }[label.kind];
      // A newer version may keep other kinds, of which this one must not remove any.
      return names === undefined ? true : names(source, label, ref);
    },
  };
}

export const garbageWrites: InTransaction<GarbageWrites> = { dropGarbage };

async function listGarbage({ db }: Source, page: Paging<number>): Promise<Page<Garbage>> {
  const rows = await db
    .selectFrom('garbage')
    .select(['no', 'ref', 'upload_no as uploadNo'])
    .where('no', '>', page.after ?? 0)
    .where((e) => e.not(neededByJob))
    .orderBy('no')
    .limit(page.limit + 1)
    .execute();
  return toPage(rows, page.limit);
}

async function namesArchive(source: Source, label: BlobLabel, ref: string): Promise<boolean> {
  const row = await source.db
    .selectFrom('archives')
    .select('no')
    .where('vault_no', 'in', vaultOf(source, label))
    .where('id', '=', label.archiveId)
    .where('ref', '=', ref)
    .executeTakeFirst();
  return row !== undefined || namesRetrieved(source, ref);
}

/** A finished job still serves the bytes of an archive deleted since. */
async function namesRetrieved({ db }: Source, ref: string): Promise<boolean> {
  const jobs = db.selectFrom('jobs').select('no').where('ref', '=', ref).where('kind', '=', 'archive');
  return (await jobs.executeTakeFirst()) !== undefined;
}

function vaultOf({ db }: Source, { account, region, vault }: BlobLabel) {
  return db
    .selectFrom('vaults')
    .select('no')
    .where('account', '=', account)
    .where('region', '=', region)
    .where('name', '=', vault);
}

async function namesInventory({ db }: Source, _: BlobLabel, ref: string): Promise<boolean> {
  const jobs = db.selectFrom('jobs').select('no').where('ref', '=', ref).where('kind', '=', 'inventory');
  return (await jobs.executeTakeFirst()) !== undefined;
}

/**
 * The parts of a completed upload are needed by the upload until it is forgotten, by its archive until that is deleted,
 * and by the archive's finished jobs until they expire.
 */
async function namesPart(source: Source, label: BlobLabel, ref: string): Promise<boolean> {
  const { db } = source;
  const vault = vaultOf(source, label);
  const uploads = db
    .selectFrom('uploads')
    .select('no as upload_no')
    .where('vault_no', 'in', vault)
    .where('id', '=', label.uploadId ?? '');
  const archives = db
    .selectFrom('archives')
    .select('upload_no')
    .where('vault_no', 'in', vault)
    .where('id', '=', label.archiveId);
  const jobs = db
    .selectFrom('jobs')
    .select('upload_no')
    .where('vault_no', 'in', vault)
    .where('archive_id', '=', label.archiveId);
  const row = await db
    .selectFrom('parts')
    .select('first')
    .where('upload_no', 'in', archives.unionAll(jobs).unionAll(uploads))
    .where('first', '=', label.offset)
    .where('ref', '=', ref)
    .executeTakeFirst();
  return row !== undefined;
}

async function dropGarbage(tx: Tx, { nos }: DropGarbageArgs): Promise<void> {
  await tx.db.deleteFrom('garbage').where('no', 'in', nos).execute();
}
