import type { BlobLabel } from '../domain/blob-store.ts';
import type { CatalogReads, CatalogWrites, Garbage, Paging } from '../domain/catalog.ts';
import { type Page, toPage } from '../domain/page.ts';
import type { Source, Tx } from './transaction.ts';

export function garbageReads(source: Source): Pick<CatalogReads, 'listGarbage' | 'namesBlob'> {
  return {
    listGarbage: (page) => listGarbage(source, page),
    namesBlob: (label, ref) =>
      label.kind === 'part' ? namesPart(source, label, ref) : namesArchive(source, label, ref),
  };
}

async function listGarbage({ db }: Source, page: Paging<number>): Promise<Page<Garbage>> {
  const rows = await db
    .selectFrom('garbage')
    .select(['no', 'ref', 'upload_no as uploadNo'])
    .where('no', '>', page.after ?? 0)
    .orderBy('no')
    .limit(page.limit + 1)
    .execute();
  return toPage(rows, page.limit);
}

async function namesArchive({ db }: Source, label: BlobLabel, ref: string): Promise<boolean> {
  const row = await db
    .selectFrom('archives as a')
    .innerJoin('vaults as v', 'v.no', 'a.vault_no')
    .select('a.no')
    .where('v.account', '=', label.account)
    .where('v.region', '=', label.region)
    .where('v.name', '=', label.vault)
    .where('a.id', '=', label.archiveId)
    .where('a.ref', '=', ref)
    .executeTakeFirst();
  return row !== undefined;
}

async function namesPart({ db }: Source, label: BlobLabel, ref: string): Promise<boolean> {
  const row = await db
    .selectFrom('uploads as u')
    .innerJoin('vaults as v', 'v.no', 'u.vault_no')
    .innerJoin('parts as p', 'p.upload_no', 'u.no')
    .select('p.first')
    .where('v.account', '=', label.account)
    .where('v.region', '=', label.region)
    .where('v.name', '=', label.vault)
    .where('u.id', '=', label.uploadId ?? '')
    .where('p.first', '=', label.offset)
    .where('p.ref', '=', ref)
    .executeTakeFirst();
  return row !== undefined;
}

export async function dropGarbage(
  tx: Tx,
  { nos }: Parameters<CatalogWrites['dropGarbage']>[0],
): Promise<void> {
  await tx.db.deleteFrom('garbage').where('no', 'in', nos).execute();
}
