/** What a task does with the archives of its vault: keeps some, deletes the others at once, and drops their rows. */
import { type Kysely, sql } from 'kysely';
import { notFound, Refusal } from '../domain/errors.ts';
import type {
  BeginTaskArgs,
  DropTaskArchivesArgs,
  KeepArchivesArgs,
  MarkTaskArgs,
} from '../domain/task-catalog.ts';
import { type VaultKey, vaultArn } from '../domain/vault.ts';
import { appendEntry } from './journal.ts';
import type { Schema, TaskRow } from './schema.ts';
import type { Tx } from './transaction.ts';
import { addToCounts } from './vault-counts.ts';
import { requireVersion } from './vault-policies.ts';
import { lockVaultRow } from './vaults.ts';
import { isVisible } from './visible-archives.ts';

/** Rows of an earlier attempt that one transaction forgets. */
const FORGOTTEN_AT_ONCE = 2000;

/** The task in a transaction that has the vault alone. @throws Refusal not-found when the task has ended. */
async function openTask({ db }: Tx, taskNo: number): Promise<TaskRow> {
  const row = await db
    .selectFrom('tasks')
    .selectAll()
    .where('no', '=', taskNo)
    .where('completed_ms', 'is', null)
    .executeTakeFirst();
  if (!row) throw notFound(`The task ${taskNo} is not open.`);
  return row;
}

/** @throws Refusal changed-meanwhile when another task or worker ended the attempt. */
async function requireAttempt(tx: Tx, taskNo: number, bulkId: string): Promise<TaskRow> {
  const task = await openTask(tx, taskNo);
  if (task.bulk_id === bulkId) return task;
  throw new Refusal('changed-meanwhile', `The task ${task.id} must decide anew which archives it keeps.`);
}

async function vaultNoOf(tx: Tx, taskNo: number): Promise<number> {
  return (await openTask(tx, taskNo)).vault_no;
}

export async function beginTask(tx: Tx, { taskNo, bulkId }: BeginTaskArgs): Promise<boolean> {
  const forgotten = await forgetOutcomes(tx, taskNo, FORGOTTEN_AT_ONCE);
  await tx.db
    .updateTable('tasks')
    .set({ state: 'Running', bulk_id: bulkId, held: null, kept_archives: 0, kept_bytes: 0, kept_ids: 0 })
    .where('no', '=', taskNo)
    .where('completed_ms', 'is', null)
    .where('marked_ms', 'is', null)
    .execute();
  return forgotten < FORGOTTEN_AT_ONCE;
}

/** Deletes lines of a task's report, at most `limit`. @returns how many. */
export async function forgetOutcomes({ db }: Tx, taskNo: number, limit: number): Promise<number> {
  const lines = db.selectFrom('task_archives').select('no').where('task_no', '=', taskNo);
  const nos = (await lines.orderBy('no').limit(limit).execute()).map(({ no }) => no);
  const last = nos.at(-1);
  if (last === undefined) return 0;
  await db.deleteFrom('task_archives').where('task_no', '=', taskNo).where('no', '<=', last).execute();
  return nos.length;
}

export async function keepArchives(tx: Tx, { taskNo, bulkId, nos, reason }: KeepArchivesArgs): Promise<void> {
  if (nos.length === 0) return;
  // Alone, so that no archive is deleted between the look at it and the note that it is kept.
  const vault = await lockVaultRow(tx, await vaultNoOf(tx, taskNo), 'to-change');
  await requireAttempt(tx, taskNo, bulkId);
  const there = await tx.db
    .selectFrom('archives')
    .select(['no', 'id', 'size', 'tree_hash'])
    .where('no', 'in', nos)
    .where(isVisible)
    .execute();
  if (there.length === 0) return;
  const rows = there.map((archive) => ({ task_no: taskNo, ...archive, reason }));
  await tx.db
    .insertInto('task_archives')
    .values(rows)
    .onConflict((c) => c.columns(['task_no', 'no']).doNothing())
    .execute();
  await tx.db
    .updateTable('tasks')
    .set((e) => ({
      kept_archives: e('kept_archives', '+', there.length),
      kept_bytes: e('kept_bytes', '+', sumOf(there)),
      kept_ids: e('kept_ids', '+', there.length),
    }))
    .where('no', '=', taskNo)
    .execute();
  const { account, region, name } = vault;
  const archiveIds = there.map(({ id }) => id);
  await appendEntry(tx, { type: 'archives-kept', account, region, vault: name, bulkId, archiveIds });
}

function sumOf(rows: readonly { readonly size: number }[]): number {
  return rows.reduce((sum, { size }) => sum + size, 0);
}

export async function markTask(
  tx: Tx,
  { taskNo, bulkId, policyVersion, nowMs }: MarkTaskArgs,
): Promise<boolean> {
  const vault = await lockVaultRow(tx, await vaultNoOf(tx, taskNo), 'to-change');
  const task = await requireAttempt(tx, taskNo, bulkId);
  await requireVersion(tx, task.vault_no, policyVersion);
  if (task.marked_ms !== null) return true;
  return markIfFree(tx, task, vault, nowMs);
}

/** Marks a task unless rows of another one remain in the vault. The caller has the vault alone. */
export async function markIfFree(tx: Tx, task: TaskRow, vault: VaultKey, nowMs: number): Promise<boolean> {
  const others = await tx.db
    .selectFrom('tasks')
    .selectAll()
    .where('vault_no', '=', task.vault_no)
    .where('completed_ms', 'is', null)
    .where('no', '<>', task.no)
    .execute();
  if (others.some(({ hiding_vault_no }) => hiding_vault_no !== null)) return false;
  const gone = task.left_archives - task.kept_archives;
  const goneBytes = task.left_bytes - task.kept_bytes;
  await tx.db
    .updateTable('tasks')
    .set({
      bulk_id: task.bulk_id,
      marked_ms: nowMs,
      held: task.kept_archives,
      hiding_vault_no: task.vault_no,
    })
    .where('no', '=', task.no)
    .execute();
  if (gone === 0) return true;
  for (const other of others) await takeFrom(tx, other, task);
  await addToCounts(tx, task.vault_no, { archives: -gone, bytes: -goneBytes, nowMs });
  const { account, region, name } = vault;
  const { bulk_id: bulkId, up_to: upTo, kept_ids: kept } = task;
  const entry = { type: 'archives-deleted', account, region, vault: name, bulkId, upTo, kept, at: nowMs };
  await appendEntry(tx, entry);
  return true;
}

/**
 * Subtracts what a task deletes from what another open one in the vault still has. The other one may have kept some of
 * it, so its attempt ends.
 */
async function takeFrom(tx: Tx, other: TaskRow, task: TaskRow): Promise<void> {
  const left =
    other.last_no > task.last_no
      ? {
          archives: other.left_archives - (task.left_archives - task.kept_archives),
          bytes: other.left_bytes - (task.left_bytes - task.kept_bytes),
        }
      : await keptUpTo(tx, task.no, other.last_no);
  await tx.db
    .updateTable('tasks')
    .set({ left_archives: left.archives, left_bytes: left.bytes, bulk_id: null })
    .where('no', '=', other.no)
    .execute();
}

function keptUpTo({ db }: Tx, taskNo: number, lastNo: number): Promise<{ archives: number; bytes: number }> {
  return db
    .selectFrom('task_archives')
    .select((e) => e.fn.countAll<number>().as('archives'))
    .select(sql<number>`cast(coalesce(sum(size), 0) as bigint)`.as('bytes'))
    .where('task_no', '=', taskNo)
    .where('no', '<=', lastNo)
    .executeTakeFirstOrThrow();
}

/**
 * Notes that an archive was deleted by itself, for tasks that are about it too. The caller holds the vault's row and
 * deleted the archive's.
 */
export async function noteDeletion(tx: Tx, vaultNo: number, no: number, size: number): Promise<void> {
  const tasks = await tx.db
    .updateTable('tasks')
    .set((e) => ({ left_archives: e('left_archives', '-', 1), left_bytes: e('left_bytes', '-', size) }))
    .where('vault_no', '=', vaultNo)
    .where('completed_ms', 'is', null)
    .where('marked_ms', 'is', null)
    .where('last_no', '>=', no)
    .returning('no as taskNo')
    .execute();
  for (const { taskNo } of tasks) {
    const kept = tx.db.deleteFrom('task_archives').where('task_no', '=', taskNo).where('no', '=', no);
    if ((await kept.executeTakeFirst()).numDeletedRows === 0n) continue;
    await tx.db
      .updateTable('tasks')
      .set((e) => ({ kept_archives: e('kept_archives', '-', 1), kept_bytes: e('kept_bytes', '-', size) }))
      .where('no', '=', taskNo)
      .execute();
  }
}

export async function dropTaskArchives(
  tx: Tx,
  { taskNo, limit, nowMs, mode }: DropTaskArchivesArgs,
): Promise<boolean> {
  const task = await openTask(tx, taskNo);
  if (task.hiding_vault_no === null) return false;
  const rows = await rowsToDrop(tx, task, limit);
  const last = rows.at(-1);
  if (!last) {
    await endHiding(tx, task, nowMs);
    return false;
  }
  const nos = rows.map(({ no }) => no);
  await moveToReport(tx, taskNo, nos);
  if (mode === 'periodic') await keepForInventory(tx, task, nos);
  const garbage = rows.map(({ ref, upload_no }) => ({ ref, upload_no, noted_ms: nowMs }));
  await tx.db.insertInto('garbage').values(garbage).execute();
  await tx.db.deleteFrom('archives').where('no', 'in', nos).execute();
  await noteUsedIds(
    tx,
    task,
    rows.flatMap(({ id, arrived_ms }) => (arrived_ms === null ? [] : [id])),
  );
  await tx.db
    .updateTable('tasks')
    .set({ done: task.done + rows.length, cursor_ms: last.created_ms, cursor_no: last.no })
    .where('no', '=', taskNo)
    .execute();
  return true;
}

function rowsToDrop({ db }: Tx, task: TaskRow, limit: number) {
  return db
    .selectFrom('archives')
    .select(['no', 'id', 'ref', 'upload_no', 'created_ms', 'arrived_ms'])
    .where('vault_no', '=', task.vault_no)
    .where(sql<boolean>`(created_ms, no) > (${task.cursor_ms}, ${task.cursor_no})`)
    .where('no', '<=', task.last_no)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('task_archives as k')
            .select('k.no')
            .where('k.task_no', '=', task.no)
            .whereRef('k.no', '=', 'archives.no'),
        ),
      ),
    )
    .orderBy('created_ms')
    .orderBy('no')
    .limit(limit)
    .execute();
}

async function moveToReport({ db }: Tx, taskNo: number, nos: readonly number[]): Promise<void> {
  await db
    .insertInto('task_archives')
    .columns(['task_no', 'no', 'id', 'size', 'tree_hash'])
    .expression(
      db
        .selectFrom('archives')
        .select(sql<number>`cast(${taskNo} as bigint)`.as('task_no'))
        .select(['no', 'id', 'size', 'tree_hash'])
        .where('no', 'in', nos),
    )
    .execute();
}

/** Keeps the archives listed until the next inventory is taken, unless it was taken meanwhile, or the vault is gone. */
async function keepForInventory({ db }: Tx, task: TaskRow, nos: readonly number[]): Promise<void> {
  const deletedMs = task.marked_ms ?? 0;
  const listed = await db
    .selectFrom('vaults as v')
    .leftJoin('vault_inventories as i', 'i.vault_no', 'v.no')
    .select('i.taken_ms')
    .where('v.no', '=', task.vault_no)
    .executeTakeFirst();
  if (!listed || (listed.taken_ms ?? 0) >= deletedMs) return;
  await db
    .insertInto('deleted_archives')
    .columns(['no', 'id', 'vault_no', 'description', 'created_ms', 'size', 'tree_hash', 'deleted_ms'])
    .expression(
      db
        .selectFrom('archives')
        .select(['no', 'id', 'vault_no', 'description', 'created_ms', 'size', 'tree_hash'])
        .select(deletedAt(db, deletedMs))
        .where('no', 'in', nos),
    )
    .execute();
}

function deletedAt(_: Kysely<Schema>, deletedMs: number) {
  return sql<number>`cast(${deletedMs} as bigint)`.as('deleted_ms');
}

/** Ids of imported archives prove nothing, so the journal keeps those that were used. */
async function noteUsedIds(
  tx: Tx,
  { account, region, vault }: TaskRow,
  archiveIds: readonly string[],
): Promise<void> {
  if (archiveIds.length > 0) await appendEntry(tx, { type: 'ids-used', account, region, vault, archiveIds });
}

async function endHiding(tx: Tx, task: TaskRow, nowMs: number): Promise<void> {
  const isHeld = (task.held ?? 0) > 0;
  const ends = task.kind === 'EmptyVault' || isHeld;
  const vault = vaultArn({ account: task.account, region: task.region, name: task.vault });
  const message =
    isHeld && task.kind === 'DeleteVault'
      ? `Policies deny deleting ${task.held} archives of ${vault}.`
      : null;
  const ended = { state: isHeld ? 'Held' : 'Succeeded', completed_ms: nowMs, message } as const;
  await tx.db
    .updateTable('tasks')
    .set({ hiding_vault_no: null, ...(ends ? ended : {}) })
    .where('no', '=', task.no)
    .execute();
}
