import { type Selectable, sql } from 'kysely';
import type {
  ArchiveRange,
  ArchiveReads,
  ArchiveWrites,
  DeleteArchiveArgs,
  NewArchive,
  StoredArchive,
} from '../domain/archive-catalog.ts';
import { type InventoryKey, type Page, type Paging, toPage } from '../domain/page.ts';
import { fromHex, toHex } from './digest.ts';
import { appendEntry } from './journal.ts';
import type { Schema } from './schema.ts';
import { sqlStatement, statement } from './statement.ts';
import { noteDeletion } from './task-archives.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';
import { addToCounts } from './vault-counts.ts';
import { requireVersion } from './vault-policies.ts';
import { type LockedVaultRow, lockVaultRow } from './vaults.ts';
import { isVisible } from './visible-archives.ts';

export function archiveReads(source: Source): ArchiveReads {
  return {
    findArchive: (vaultNo, id) => findArchive(source, vaultNo, id),
    listArchives: (vaultNo, range, page) => listArchives(source, vaultNo, range, page),
    findArchivesByNo: (vaultNo, nos) => findArchivesByNo(source, vaultNo, nos),
  };
}

export const archiveWrites: InTransaction<ArchiveWrites> = { addArchive, deleteArchive };

/** An archive in the vault. */
export async function findArchive(
  source: Source,
  vaultNo: number,
  id: string,
): Promise<StoredArchive | undefined> {
  const row = await FIND_ARCHIVE.first(source, { vaultNo, id });
  return row && toArchive(row);
}

const FIND_ARCHIVE = statement((db, { vaultNo, id }: { vaultNo: number; id: string }) =>
  db.selectFrom('archives').selectAll().where('vault_no', '=', vaultNo).where('id', '=', id).where(isVisible),
);

function toArchive(row: Selectable<Schema['archives']>): StoredArchive {
  const { no, id, vault_no, description, size, ref, upload_no, tree_hash } = row;
  return {
    no,
    id,
    vaultNo: vault_no,
    description,
    size,
    ref,
    uploadNo: upload_no,
    createdMs: row.created_ms,
    arrivedMs: row.arrived_ms,
    damagedMs: row.damaged_ms,
    treeHash: toHex(tree_hash),
  };
}

async function listArchives(
  { db }: Source,
  vaultNo: number,
  { fromMs, beforeMs, newestFirst }: ArchiveRange,
  { after, limit }: Paging<InventoryKey>,
): Promise<Page<StoredArchive>> {
  const { createdMs, no } = after ?? { createdMs: 0, no: 0 };
  const beyond = newestFirst
    ? sql<boolean>`(created_ms, no) < (${createdMs}, ${no})`
    : sql<boolean>`(created_ms, no) > (${createdMs}, ${no})`;
  const direction = newestFirst ? 'desc' : 'asc';
  const rows = await db
    .selectFrom('archives')
    .selectAll()
    .where('vault_no', '=', vaultNo)
    .where(isVisible)
    .$if(after !== null, (q) => q.where(beyond))
    .$if(fromMs !== null, (q) => q.where('created_ms', '>=', fromMs ?? 0))
    .$if(beforeMs !== null, (q) => q.where('created_ms', '<', beforeMs ?? 0))
    .orderBy('created_ms', direction)
    .orderBy('no', direction)
    .limit(limit + 1)
    .execute();
  return toPage(rows.map(toArchive), limit);
}

async function findArchivesByNo(
  { db }: Source,
  vaultNo: number,
  nos: readonly number[],
): Promise<readonly StoredArchive[]> {
  if (nos.length === 0) return [];
  const found = db.selectFrom('archives').selectAll().where('no', 'in', nos).where(isVisible);
  const rows = await found.execute();
  return rows.filter((row) => row.vault_no === vaultNo).map(toArchive);
}

async function addArchive(tx: Tx, a: NewArchive): Promise<void> {
  const vault = await lockVaultRow(tx, a.vaultNo, 'to-write-into');
  const row = {
    id: a.id,
    vault_no: a.vaultNo,
    description: a.description,
    created_ms: a.createdMs,
    size: a.size,
    tree_hash: fromHex(a.treeHash),
    ref: a.ref,
    upload_no: null,
    arrived_ms: null,
  };
  await insertNumbered(tx, vault, row, a.sequence);
}

/**
 * Inserts an archive of a single upload. If its label was written before a bulk deletion of the vault, which would cover
 * it, it gets a number of its own. The caller has locked the vault's row.
 */
export async function insertNumbered(
  tx: Tx,
  { account, region, name, emptiedTo }: LockedVaultRow,
  row: ArchiveRow,
  sequence: number,
): Promise<void> {
  const number = Math.max(sequence, emptiedTo + 1);
  await insertArchive(tx, row, number);
  if (number === sequence) return;
  const vault = { account, region, vault: name };
  await appendEntry(tx, { type: 'archive-numbered', ...vault, archiveId: row.id, number });
}

/**
 * Adds the archives to vaults whose rows no other transaction has locked, on PostgreSQL. Leaves out those that need an
 * entry.
 * @returns those that were added.
 */
export async function addArchives(tx: Tx, all: readonly NewArchive[]): Promise<ReadonlySet<NewArchive>> {
  const rows = await ADD_ARCHIVES.all(tx, {
    shard: tx.shard,
    ids: all.map(({ id }) => id),
    vaultNos: all.map(({ vaultNo }) => vaultNo),
    descriptions: all.map(({ description }) => description),
    createdMs: all.map(({ createdMs }) => createdMs),
    sizes: all.map(({ size }) => size),
    treeHashes: all.map(({ treeHash }) => fromHex(treeHash)),
    refs: all.map(({ ref }) => ref),
    sequences: all.map(({ sequence }) => sequence),
  });
  const emptiedTo = new Map(rows.map(({ no, emptied_to }) => [no, emptied_to]));
  const isWritten = ({ vaultNo, sequence }: NewArchive) =>
    sequence > (emptiedTo.get(vaultNo) ?? Number.POSITIVE_INFINITY);
  return new Set(all.filter(isWritten));
}

/** The columns of many new archives; the arrays have the same length. */
interface NewArchiveColumns {
  readonly shard: number;
  readonly ids: readonly string[];
  readonly vaultNos: readonly number[];
  readonly descriptions: readonly (string | null)[];
  readonly createdMs: readonly number[];
  readonly sizes: readonly number[];
  readonly treeHashes: readonly Uint8Array[];
  readonly refs: readonly string[];
  readonly sequences: readonly number[];
}

/** Returns the vaults that it wrote into. Archives with a `sequence` up to `emptied_to` are left out. */
const ADD_ARCHIVES = sqlStatement<NewArchiveColumns, { no: number; emptied_to: number }>(
  (a) => sql`
    with vault as (
      select no, emptied_to from vaults where no = any(${a.vaultNos}::bigint[]) order by no for key share skip locked
    ), added as (
      insert into archives (id, vault_no, description, created_ms, size, tree_hash, ref)
      select a.id, a.vault_no, a.description, a.created_ms, a.size, a.tree_hash, a.ref
      from unnest(${a.ids}::text[], ${a.vaultNos}::bigint[], ${a.descriptions}::text[], ${a.createdMs}::bigint[],
        ${a.sizes}::bigint[], ${a.treeHashes}::bytea[], ${a.refs}::text[], ${a.sequences}::bigint[]) with ordinality
        as a(id, vault_no, description, created_ms, size, tree_hash, ref, sequence, position)
      join vault on vault.no = a.vault_no and a.sequence > vault.emptied_to
      order by a.position
      returning vault_no, size, created_ms
    ), counted as (
      insert into vault_counts (vault_no, shard, archives, bytes, begun_ms, written_ms, last_number)
      select a.vault_no, ${a.shard}::integer, count(*), sum(a.size), min(a.created_ms), max(a.created_ms), max(n.last)
      from added a cross join (select max(sequence) as last from unnest(${a.sequences}::bigint[]) as s(sequence)) n
      group by a.vault_no order by a.vault_no
      on conflict (vault_no, shard) do update set
        archives = vault_counts.archives + excluded.archives,
        bytes = vault_counts.bytes + excluded.bytes,
        written_ms = greatest(vault_counts.written_ms, excluded.written_ms),
        last_number = greatest(vault_counts.last_number, excluded.last_number)
    )
    select no, emptied_to from vault`,
);

/**
 * Inserts the row and updates the vault's counts. The caller has locked the vault's row.
 * @param number the archive's (docs/format.md, "Bulk deletion").
 */
export async function insertArchive(tx: Tx, row: ArchiveRow, number: number): Promise<void> {
  await INSERT_ARCHIVE.all(tx, row);
  const nowMs = row.arrived_ms ?? row.created_ms;
  await addToCounts(tx, row.vault_no, { archives: 1, bytes: row.size, nowMs, lastNumber: number });
}

type ArchiveRow = Omit<Selectable<Schema['archives']>, 'no' | 'damaged_ms'>;

const INSERT_ARCHIVE = statement((db, row: ArchiveRow) =>
  db.insertInto('archives').values({
    id: row.id,
    vault_no: row.vault_no,
    description: row.description,
    created_ms: row.created_ms,
    size: row.size,
    tree_hash: row.tree_hash,
    ref: row.ref,
    upload_no: row.upload_no,
    arrived_ms: row.arrived_ms,
  }),
);

async function deleteArchive(
  tx: Tx,
  { vaultNo, id, nowMs, mode, policyVersion }: DeleteArchiveArgs,
): Promise<boolean> {
  const { account, region, name } = await lockVaultRow(tx, vaultNo, 'to-write-into');
  await requireVersion(tx, vaultNo, policyVersion);
  const gone = await DELETE_ARCHIVE.first(tx, { vaultNo, id });
  if (!gone) return false;
  await NOTE_GARBAGE.all(tx, { ref: gone.ref, uploadNo: gone.upload_no, nowMs });
  if (mode === 'periodic') await keepForInventory(tx, gone, nowMs);
  await addToCounts(tx, vaultNo, { archives: -1, bytes: -gone.size, nowMs });
  await noteDeletion(tx, vaultNo, gone.no, gone.size);
  await appendEntry(tx, { type: 'archive-deleted', account, region, vault: name, archiveId: id, at: nowMs });
  return true;
}

const DELETE_ARCHIVE = statement((db, { vaultNo, id }: { vaultNo: number; id: string }) =>
  db
    .deleteFrom('archives')
    .where('vault_no', '=', vaultNo)
    .where('id', '=', id)
    .where(isVisible)
    .returningAll(),
);

interface NewGarbage {
  readonly ref: string | null;
  readonly uploadNo: number | null;
  readonly nowMs: number;
}

const NOTE_GARBAGE = statement((db, { ref, uploadNo, nowMs }: NewGarbage) =>
  db.insertInto('garbage').values({ ref, upload_no: uploadNo, noted_ms: nowMs }),
);

/** Keeps the archive listed until the next inventory is taken. */
async function keepForInventory(
  tx: Tx,
  { no, id, vault_no, description, created_ms, size, tree_hash }: Selectable<Schema['archives']>,
  nowMs: number,
): Promise<void> {
  const row = { no, id, vault_no, description, created_ms, size, tree_hash, deleted_ms: nowMs };
  await tx.db.insertInto('deleted_archives').values(row).execute();
}
