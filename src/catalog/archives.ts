import type { Archive } from '../domain/archive.ts';
import type { CatalogReads, CatalogWrites } from '../domain/catalog.ts';
import { fromHex, toHex } from './digest.ts';
import type { NewArchiveRow } from './schema.ts';
import { record, type Source, type Tx } from './transaction.ts';
import { count, holdVault } from './vaults.ts';

export function archiveReads(source: Source): Pick<CatalogReads, 'findArchive'> {
  return { findArchive: (vaultNo, id) => findArchive(source, vaultNo, id) };
}

async function findArchive({ db }: Source, vaultNo: number, id: string): Promise<Archive | undefined> {
  const row = await db
    .selectFrom('archives')
    .select(['no', 'id', 'vault_no', 'description', 'created_ms', 'size', 'tree_hash'])
    .where('vault_no', '=', vaultNo)
    .where('id', '=', id)
    .executeTakeFirst();
  if (!row) return undefined;
  const { no, description, size } = row;
  return { no, id, vaultNo, description, size, createdMs: row.created_ms, treeHash: toHex(row.tree_hash) };
}

export async function addArchive(tx: Tx, a: Parameters<CatalogWrites['addArchive']>[0]): Promise<void> {
  await holdVault(tx, a.vaultNo, 'to-write-into');
  await insertArchive(tx, {
    id: a.id,
    vault_no: a.vaultNo,
    description: a.description,
    created_ms: a.createdMs,
    size: a.size,
    tree_hash: fromHex(a.treeHash),
    ref: a.ref,
    upload_no: null,
  });
}

/** The row and the vault's counts. The caller holds the vault. */
export async function insertArchive(tx: Tx, row: NewArchiveRow): Promise<void> {
  await tx.db.insertInto('archives').values(row).execute();
  await count(tx, row.vault_no, 1, row.size, row.created_ms);
}

export async function deleteArchive(
  tx: Tx,
  { vaultNo, id, nowMs }: Parameters<CatalogWrites['deleteArchive']>[0],
): Promise<boolean> {
  const { account, region, name } = await holdVault(tx, vaultNo, 'to-write-into');
  const gone = await tx.db
    .deleteFrom('archives')
    .where('vault_no', '=', vaultNo)
    .where('id', '=', id)
    .returning(['size', 'ref', 'upload_no'])
    .executeTakeFirst();
  if (!gone) return false;
  await tx.db
    .insertInto('garbage')
    .values({ ref: gone.ref, upload_no: gone.upload_no, noted_ms: nowMs })
    .execute();
  await count(tx, vaultNo, -1, -gone.size, nowMs);
  await record(tx, { type: 'archive-deleted', account, region, vault: name, archiveId: id, at: nowMs });
  return true;
}
