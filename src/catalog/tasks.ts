import { sql } from 'kysely';
import { type Page, type Paging, toPage } from '../domain/page.ts';
import type { Task, TaskOutcome, TaskRequest } from '../domain/task.ts';
import type {
  AgingArchive,
  AgingKey,
  AgingScope,
  ComingDeletion,
  EndTaskArgs,
  ExpireTasksArgs,
  StartedTask,
  StartTaskArgs,
  TaskReads,
  TaskWrites,
} from '../domain/task-catalog.ts';
import type { VaultOwner } from '../domain/vault.ts';
import { toHex } from './digest.ts';
import type { TaskRow } from './schema.ts';
import {
  beginTask,
  dropTaskArchives,
  forgetOutcomes,
  keepArchives,
  markIfFree,
  markTask,
} from './task-archives.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';
import { requireVersion } from './vault-policies.ts';
import { lockVaultRow } from './vaults.ts';
import { isVisible } from './visible-archives.ts';

export function taskReads(source: Source): TaskReads {
  return {
    findTask: (owner, id) => findTask(source, owner, id),
    listTasks: (owner, page) => listTasks(source, owner, page),
    listOpenTasks: (nowMs, limit) => listOpenTasks(source, nowMs, limit),
    listTaskOutcomes: (taskNo, page) => listTaskOutcomes(source, taskNo, page),
    comingDeletions: (vaultNo) => comingDeletions(source, vaultNo),
    listAging: (scope, page) => listAging(source, scope, page),
    countAging: (scope) => countAging(source, scope),
  };
}

export const taskWrites: InTransaction<TaskWrites> = {
  startTask,
  beginTask,
  keepArchives,
  markTask,
  dropTaskArchives,
  endTask,
  cancelTask,
  expireTasks,
};

async function findTask(
  { db }: Source,
  { account, region }: VaultOwner,
  id: string,
): Promise<Task | undefined> {
  const row = await db
    .selectFrom('tasks')
    .selectAll()
    .where('id', '=', id)
    .where('account', '=', account)
    .where('region', '=', region)
    .executeTakeFirst();
  return row && toTask(row);
}

async function listTasks(
  { db }: Source,
  { account, region }: VaultOwner,
  page: Paging<number>,
): Promise<Page<Task>> {
  const rows = await db
    .selectFrom('tasks')
    .selectAll()
    .where('account', '=', account)
    .where('region', '=', region)
    .$if(page.after !== null, (q) => q.where('no', '<', page.after ?? 0))
    .orderBy('no', 'desc')
    .limit(page.limit + 1)
    .execute();
  return toPage(rows.map(toTask), page.limit);
}

async function listOpenTasks({ db }: Source, nowMs: number, limit: number): Promise<readonly Task[]> {
  const rows = await db
    .selectFrom('tasks')
    .selectAll()
    .where('completed_ms', 'is', null)
    .where((e) => e.or([e('due_ms', 'is', null), e('due_ms', '<=', nowMs)]))
    .orderBy('no')
    .limit(limit)
    .execute();
  return rows.map(toTask);
}

async function listTaskOutcomes(
  { db }: Source,
  taskNo: number,
  page: Paging<number>,
): Promise<Page<TaskOutcome>> {
  const rows = await db
    .selectFrom('task_archives')
    .selectAll()
    .where('task_no', '=', taskNo)
    .where('no', '>', page.after ?? 0)
    .orderBy('no')
    .limit(page.limit + 1)
    .execute();
  const outcomes = rows.map(({ no, id: archiveId, size, tree_hash, reason }) => {
    return { no, archiveId, size, treeHash: toHex(tree_hash), reason };
  });
  return toPage(outcomes, page.limit);
}

async function comingDeletions({ db }: Source, vaultNo: number): Promise<readonly ComingDeletion[]> {
  return db
    .selectFrom('tasks')
    .select(['last_no as lastNo', sql<number>`due_ms`.as('dueMs')])
    .where('vault_no', '=', vaultNo)
    .where('completed_ms', 'is', null)
    .where('due_ms', 'is not', null)
    .where('marked_ms', 'is', null)
    .orderBy('due_ms')
    .execute();
}

async function listAging(
  source: Source,
  scope: AgingScope,
  { after, limit }: Paging<AgingKey>,
): Promise<Page<AgingArchive & { readonly key: AgingKey }>> {
  const rows = after?.isLate ? [] : await agingByCreation(source, scope, { after, limit });
  const late =
    rows.length > limit
      ? []
      : await agingByArrival(source, scope, {
          after: after?.isLate ? after : null,
          limit: limit - rows.length,
        });
  return toPage([...rows, ...late], limit);
}

function agingIn({ db }: Source, { vaultNo, lastNo }: AgingScope) {
  return db
    .selectFrom('archives')
    .where('vault_no', '=', vaultNo)
    .where(isVisible)
    .$if(lastNo !== null, (q) => q.where('no', '<=', lastNo ?? 0));
}

async function agingByCreation(source: Source, scope: AgingScope, { after, limit }: Paging<AgingKey>) {
  const { fromMs, toMs } = scope.span;
  const rows = await agingIn(source, scope)
    .select(['no', 'created_ms', 'arrived_ms'])
    .where('created_ms', '>=', fromMs)
    .where('created_ms', '<', toMs)
    .where((e) => e.or([e('arrived_ms', 'is', null), e('arrived_ms', '<', toMs)]))
    .$if(after !== null, (q) =>
      q.where(sql<boolean>`(created_ms, no) > (${after?.ms ?? 0}, ${after?.no ?? 0})`),
    )
    .orderBy('created_ms')
    .orderBy('no')
    .limit(limit + 1)
    .execute();
  return rows.map(({ no, created_ms: createdMs, arrived_ms: arrivedMs }) => {
    return { no, createdMs, arrivedMs, key: { isLate: false, ms: createdMs, no } };
  });
}

/** Imported archives of dates before the span that arrived in it. */
async function agingByArrival(source: Source, scope: AgingScope, { after, limit }: Paging<AgingKey>) {
  const { fromMs, toMs } = scope.span;
  const rows = await agingIn(source, scope)
    .select(['no', 'created_ms', 'arrived_ms'])
    .where('arrived_ms', '>=', fromMs)
    .where('arrived_ms', '<', toMs)
    .where('created_ms', '<', fromMs)
    .$if(after !== null, (q) =>
      q.where(sql<boolean>`(arrived_ms, no) > (${after?.ms ?? 0}, ${after?.no ?? 0})`),
    )
    .orderBy('arrived_ms')
    .orderBy('no')
    .limit(limit + 1)
    .execute();
  return rows.map(({ no, created_ms: createdMs, arrived_ms: arrivedMs }) => {
    return { no, createdMs, arrivedMs, key: { isLate: true, ms: arrivedMs ?? 0, no } };
  });
}

/** Counts in the indexes alone. */
async function countAging(source: Source, scope: AgingScope): Promise<number> {
  const { fromMs, toMs } = scope.span;
  const counted = () => agingIn(source, scope).select((e) => e.fn.countAll<number>().as('count'));
  const created = await counted()
    .where('created_ms', '>=', fromMs)
    .where('created_ms', '<', toMs)
    .executeTakeFirstOrThrow();
  const younger = await counted()
    .where('arrived_ms', '>=', toMs)
    .where('created_ms', '>=', fromMs)
    .where('created_ms', '<', toMs)
    .executeTakeFirstOrThrow();
  const late = await counted()
    .where('arrived_ms', '>=', fromMs)
    .where('arrived_ms', '<', toMs)
    .where('created_ms', '<', fromMs)
    .executeTakeFirstOrThrow();
  return created.count - younger.count + late.count;
}

function toTask(row: TaskRow): Task {
  const { account, region } = row;
  return {
    no: row.no,
    id: row.id,
    kind: row.kind,
    vault: { account, region, name: row.vault },
    vaultNo: row.vault_no,
    vaultCreatedMs: row.vault_created_ms,
    request: JSON.parse(row.request) as TaskRequest,
    state: row.state,
    message: row.message,
    createdMs: row.created_ms,
    dueMs: row.due_ms,
    completedMs: row.completed_ms,
    archives: row.archives,
    bytes: row.bytes,
    done: row.done,
    held: row.held,
    lastNo: row.last_no,
    bulkId: row.bulk_id,
    markedMs: row.marked_ms,
    isHiding: row.hiding_vault_no !== null,
  };
}

async function startTask(tx: Tx, a: StartTaskArgs): Promise<StartedTask> {
  // Alone, so that every archive of the vault is committed, and later ones get greater numbers.
  const vault = await lockVaultRow(tx, a.vaultNo, 'to-change');
  await requireVersion(tx, a.vaultNo, a.policyVersion);
  const held = await heldNow(tx, a.vaultNo);
  const upTo = Math.max(a.number, held.lastNumber, vault.emptiedTo + 1);
  const isScheduled = a.dueMs !== null;
  const row = await tx.db
    .insertInto('tasks')
    .values({
      id: a.id,
      kind: a.kind,
      ...{ account: vault.account, region: vault.region, vault: vault.name },
      vault_no: a.vaultNo,
      vault_created_ms: vault.createdMs,
      request: JSON.stringify(a.request),
      state: isScheduled ? 'Scheduled' : 'Running',
      created_ms: a.nowMs,
      due_ms: a.dueMs,
      ...{ archives: held.archives, bytes: held.bytes, done: 0, held: a.held },
      ...{ last_no: await lastArchiveNo(tx), up_to: upTo },
      ...{ left_archives: held.archives, left_bytes: held.bytes },
      ...{ kept_archives: 0, kept_bytes: 0, kept_ids: 0, cursor_ms: FIRST_MS, cursor_no: 0 },
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await boundNumbers(tx, a.vaultNo, upTo);
  if (!isScheduled && a.bulkId !== null) await markIfFree(tx, { ...row, bulk_id: a.bulkId }, vault, a.nowMs);
  return { archives: held.archives, bytes: held.bytes };
}

/** Before the first archive of any inventory. */
const FIRST_MS = -8_640_000_000_000_000;

async function heldNow({ db }: Source, vaultNo: number) {
  const sum = (column: 'archives' | 'bytes') =>
    sql<number>`cast(coalesce(sum(${sql.ref(column)}), 0) as bigint)`.as(column);
  return db
    .selectFrom('vault_counts')
    .select([sum('archives'), sum('bytes')])
    .select(sql<number>`coalesce(max(last_number), 0)`.as('lastNumber'))
    .where('vault_no', '=', vaultNo)
    .executeTakeFirstOrThrow();
}

/** The greatest number of any archive: the vault's are not above it, and its later ones are. */
async function lastArchiveNo({ db }: Source): Promise<number> {
  const row = await db.selectFrom('archives').select('no').orderBy('no', 'desc').limit(1).executeTakeFirst();
  return row?.no ?? 0;
}

/** From now on, archives of the vault, and of later ones of its name, get numbers above `upTo`. */
async function boundNumbers(tx: Tx, vaultNo: number, upTo: number): Promise<void> {
  const of = tx.db.updateTable('vaults').set({ emptied_to: upTo }).where('no', '=', vaultNo);
  const { account, region, name } = await of
    .returning(['account', 'region', 'name'])
    .executeTakeFirstOrThrow();
  await tx.db
    .insertInto('bulk_bounds')
    .values({ account, region, vault: name, up_to: upTo })
    .onConflict((c) => c.columns(['account', 'region', 'vault']).doUpdateSet({ up_to: upTo }))
    .execute();
}

async function endTask(tx: Tx, { taskNo, state, message, nowMs }: EndTaskArgs): Promise<void> {
  await tx.db
    .updateTable('tasks')
    .set({ state, message, completed_ms: nowMs })
    .where('no', '=', taskNo)
    .where('completed_ms', 'is', null)
    .execute();
}

async function cancelTask(
  tx: Tx,
  { taskNo, nowMs }: { readonly taskNo: number; readonly nowMs: number },
): Promise<boolean> {
  const { numUpdatedRows } = await tx.db
    .updateTable('tasks')
    .set({ state: 'Canceled', completed_ms: nowMs })
    .where('no', '=', taskNo)
    .where('state', '=', 'Scheduled')
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

async function expireTasks(tx: Tx, { endedBeforeMs, limit }: ExpireTasksArgs): Promise<number> {
  const old = await tx.db
    .selectFrom('tasks')
    .select('no')
    .where('completed_ms', '<', endedBeforeMs)
    .orderBy('completed_ms')
    .limit(1)
    .executeTakeFirst();
  if (!old) return 0;
  const gone = await forgetOutcomes(tx, old.no, limit);
  if (gone > 0) return gone;
  await tx.db.deleteFrom('tasks').where('no', '=', old.no).execute();
  return 1;
}
