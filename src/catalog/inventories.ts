import { sql } from 'kysely';
import type { InventoryEntry } from '../domain/inventory.ts';
import type {
  FinishInventoryJobArgs,
  InventoryReads,
  InventoryScope,
  InventoryWrites,
  LeasedInventory,
  LeaseInventoryJobArgs,
  RenewInventoryLeaseArgs,
  TakeInventoriesArgs,
} from '../domain/inventory-catalog.ts';
import type { InventoryJob } from '../domain/job.ts';
import { type InventoryKey, type Page, type Paging, toPage } from '../domain/page.ts';
import type { InventorySnapshot } from '../domain/vault.ts';
import { toJob } from './jobs.ts';
import { addNotifications } from './notifications.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';
import { isVisible, wasVisible } from './visible-archives.ts';

export function inventoryReads(source: Source): InventoryReads {
  return { listInventory: (vaultNo, scope, page) => listInventory(source, vaultNo, scope, page) };
}

export const inventoryWrites: InTransaction<InventoryWrites> = {
  leaseInventoryJob,
  renewInventoryLease,
  finishInventoryJob,
  takeInventories,
};

async function listInventory(
  source: Source,
  vaultNo: number,
  scope: InventoryScope,
  page: Paging<InventoryKey>,
): Promise<Page<InventoryEntry>> {
  const living = await entriesOf(source, 'archives', vaultNo, scope, page).execute();
  if (scope.asOfMs === null) return toPage(living.map(toEntry), page.limit);
  // Read last: an archive deleted between the reads is then in both lists instead of neither.
  const deleted = await entriesOf(source, 'deleted_archives', vaultNo, scope, page).execute();
  return toPage(
    mergeEntries(living, deleted)
      .slice(0, page.limit + 1)
      .map(toEntry),
    page.limit,
  );
}

/** Merges here, because PostgreSQL would sort both tables for it. */
function mergeEntries(living: readonly EntryRow[], deleted: readonly EntryRow[]): EntryRow[] {
  const sorted = [...living, ...deleted].sort((a, b) => a.created_ms - b.created_ms || a.no - b.no);
  return sorted.filter((row, i) => row.no !== sorted[i - 1]?.no);
}

function entriesOf(
  { db, engine }: Source,
  table: 'archives' | 'deleted_archives',
  vaultNo: number,
  { startMs, endMs, asOfMs }: InventoryScope,
  { after, limit }: Paging<InventoryKey>,
) {
  const { createdMs, no } = after ?? { createdMs: 0, no: 0 };
  return (
    db
      .selectFrom(table)
      .select(['no', 'id', 'description', 'created_ms', 'size'])
      // As text: millions of small byte arrays would take more memory than everything else.
      .select(sql.raw<string>(engine.hexOf('tree_hash')).as('tree_hash'))
      .where('vault_no', '=', vaultNo)
      .$if(after !== null, (q) => q.where(sql<boolean>`(created_ms, no) > (${createdMs}, ${no})`))
      .$if(startMs !== null, (q) => q.where('created_ms', '>=', startMs ?? 0))
      .$if(endMs !== null, (q) => q.where('created_ms', '<', endMs ?? 0))
      .$if(asOfMs !== null, (q) => q.where('created_ms', '<=', asOfMs ?? 0))
      .$if(table === 'archives', (q) => q.where(asOfMs === null ? isVisible : wasVisible(asOfMs)))
      .$if(table === 'deleted_archives', (q) => q.where(sql<boolean>`deleted_ms > ${asOfMs ?? 0}`))
      .orderBy('created_ms')
      .orderBy('no')
      .limit(limit + 1)
  );
}

interface EntryRow {
  no: number;
  id: string;
  description: string | null;
  created_ms: number;
  size: number;
  tree_hash: string;
}

function toEntry({ no, id, description, created_ms, size, tree_hash }: EntryRow): InventoryEntry {
  return { no, id, description, size, createdMs: created_ms, treeHash: tree_hash };
}

async function leaseInventoryJob(
  tx: Tx,
  { token, nowMs, leaseMs }: LeaseInventoryJobArgs,
): Promise<LeasedInventory | null> {
  const row = await tx.db
    .selectFrom('jobs')
    .selectAll()
    .where('state', '=', 'InProgress')
    .where('kind', '=', 'inventory')
    .where('due_ms', '<=', nowMs)
    .where((e) => e.or([e('lease_until_ms', 'is', null), e('lease_until_ms', '<=', nowMs)]))
    .orderBy('due_ms')
    .limit(1)
    .$if(tx.engine.rowLocks, (q) => q.forUpdate().skipLocked())
    .executeTakeFirst();
  if (!row) return null;
  const lease = { lease_token: token, lease_until_ms: nowMs + leaseMs };
  await tx.db.updateTable('jobs').set(lease).where('no', '=', row.no).execute();
  const vault = await tx.db
    .selectFrom('vaults')
    .select(['account', 'region', 'name'])
    .where('no', '=', row.vault_no)
    .executeTakeFirstOrThrow();
  return { job: toJob(row) as InventoryJob, vault, snapshot: await snapshotOf(tx, row.vault_no) };
}

async function snapshotOf({ db }: Source, vaultNo: number): Promise<InventorySnapshot | null> {
  const row = await db
    .selectFrom('vault_inventories')
    .select(['taken_ms as takenMs', 'archives', 'bytes'])
    .where('vault_no', '=', vaultNo)
    .executeTakeFirst();
  return row ?? null;
}

async function renewInventoryLease(
  tx: Tx,
  { jobNo, token, nowMs, leaseMs }: RenewInventoryLeaseArgs,
): Promise<boolean> {
  const { numUpdatedRows } = await tx.db
    .updateTable('jobs')
    .set({ lease_until_ms: nowMs + leaseMs })
    .where('no', '=', jobNo)
    .where('lease_token', '=', token)
    .where('state', '=', 'InProgress')
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

async function finishInventoryJob(
  tx: Tx,
  { jobNo, token, output, nowMs }: FinishInventoryJobArgs,
): Promise<boolean> {
  const row = await tx.db
    .updateTable('jobs')
    .set({
      state: 'Succeeded',
      completed_ms: nowMs,
      ref: output.ref,
      output_size: output.size,
      next_marker: output.nextMarker,
    })
    .where('no', '=', jobNo)
    .where('lease_token', '=', token)
    .where('state', '=', 'InProgress')
    .returningAll()
    .executeTakeFirst();
  if (!row) return false;
  await addNotifications(tx, toJob(row), nowMs);
  return true;
}

async function takeInventories(tx: Tx, { nowMs, intervalMs, limit }: TakeInventoriesArgs): Promise<number> {
  const due = await sql<{ vault_no: number; archives: number; bytes: number }>`
    select c.vault_no, cast(sum(c.archives) as bigint) as archives, cast(sum(c.bytes) as bigint) as bytes
    from vault_counts c left join vault_inventories i on i.vault_no = c.vault_no
    group by c.vault_no, i.taken_ms
    having max(c.written_ms) >= coalesce(i.taken_ms, 0)
      and coalesce(i.taken_ms, min(c.begun_ms)) + ${intervalMs} <= ${nowMs}
    limit ${limit}`.execute(tx.db);
  for (const row of due.rows) await takeInventory(tx, row, nowMs);
  return due.rows.length;
}

/** Sets the state that the vault shows from now on, and forgets the archives deleted before it. */
async function takeInventory(
  tx: Tx,
  { vault_no, archives, bytes }: { vault_no: number; archives: number; bytes: number },
  nowMs: number,
): Promise<void> {
  const state = { taken_ms: nowMs, archives, bytes };
  await tx.db
    .insertInto('vault_inventories')
    .values({ vault_no, ...state })
    .onConflict((c) => c.column('vault_no').doUpdateSet(state))
    .execute();
  const listed = tx.db.deleteFrom('deleted_archives').where('vault_no', '=', vault_no);
  await listed.where('deleted_ms', '<=', nowMs).execute();
}
