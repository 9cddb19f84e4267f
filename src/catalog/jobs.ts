import { sql } from 'kysely';
import { JOB_LIFE_MS, type Job } from '../domain/job.ts';
import type {
  ExpireJobsArgs,
  FinishArchiveJobsArgs,
  JobFilter,
  JobReads,
  JobWrites,
  NewJob,
  StartJobArgs,
} from '../domain/job-catalog.ts';
import { type Page, type Paging, toPage } from '../domain/page.ts';
import { fromHex, toHex } from './digest.ts';
import { addNotifications } from './notifications.ts';
import { requireRetrievalAllowed } from './retrieval.ts';
import type { JobRow } from './schema.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';
import { lockVaultRow } from './vaults.ts';
import { isVisible } from './visible-archives.ts';

export function jobReads(source: Source): JobReads {
  return {
    findJob: (vaultNo, id, nowMs) => findJob(source, vaultNo, id, nowMs),
    listJobs: (vaultNo, filter, nowMs, page) => listJobs(source, vaultNo, filter, nowMs, page),
  };
}

export const jobWrites: InTransaction<JobWrites> = { startJob, finishArchiveJobs, expireJobs };

/** Jobs that had not expired at `nowMs`; rows of expired ones remain until `expireJobs`. */
function livingJobs({ db }: Source, vaultNo: number, nowMs: number) {
  return db
    .selectFrom('jobs')
    .selectAll()
    .where('vault_no', '=', vaultNo)
    .where((e) => e.or([e('completed_ms', 'is', null), e('completed_ms', '>', nowMs - JOB_LIFE_MS)]));
}

async function findJob(source: Source, vaultNo: number, id: string, nowMs: number): Promise<Job | undefined> {
  const row = await livingJobs(source, vaultNo, nowMs).where('id', '=', id).executeTakeFirst();
  return row && toJob(row);
}

async function listJobs(
  source: Source,
  vaultNo: number,
  { state, completed }: JobFilter,
  nowMs: number,
  page: Paging<number>,
): Promise<Page<Job>> {
  const rows = await livingJobs(source, vaultNo, nowMs)
    .$if(state !== null, (q) => q.where('state', '=', state as Job['state']))
    .$if(completed === true, (q) => q.where('completed_ms', 'is not', null))
    .$if(completed === false, (q) => q.where('state', '=', 'InProgress'))
    .$if(page.after !== null, (q) => q.where('no', '<', page.after ?? 0))
    .orderBy('no', 'desc')
    .limit(page.limit + 1)
    .execute();
  return toPage(rows.map(toJob), page.limit);
}

/** The job that a row describes. */
export function toJob(row: JobRow): Job {
  const base = {
    no: row.no,
    id: row.id,
    vaultNo: row.vault_no,
    description: row.description,
    topic: row.topic,
    createdMs: row.created_ms,
    dueMs: row.due_ms,
    completedMs: row.completed_ms,
    state: row.state,
  };
  if (row.kind === 'inventory') return { ...base, kind: 'inventory', ...inventoryOf(row) };
  return {
    ...base,
    kind: 'archive',
    tier: row.tier ?? 'Standard',
    archiveId: row.archive_id ?? '',
    archive: archiveOf(row),
    range: { first: row.first ?? 0, last: row.last ?? -1 },
    rangeHash: row.range_hash && toHex(row.range_hash),
  };
}

function archiveOf(row: JobRow) {
  if (row.archive_no === null) return null;
  return {
    no: row.archive_no,
    size: row.archive_size ?? 0,
    treeHash: toHex(row.archive_hash ?? new Uint8Array()),
    description: row.archive_description,
    ref: row.ref,
    uploadNo: row.upload_no,
  };
}

function inventoryOf(row: JobRow) {
  const { start_ms: startMs, end_ms: endMs, entry_limit: limit, marker, ref } = row;
  return {
    request: { format: row.format ?? 'JSON', startMs, endMs, limit, marker },
    output: ref === null ? null : { ref, size: row.output_size ?? 0, nextMarker: row.next_marker },
  };
}

async function startJob(tx: Tx, { job, nowMs, expeditedCapacity }: StartJobArgs): Promise<void> {
  const vault = await lockVaultRow(tx, job.vaultNo, 'to-write-into');
  if (job.kind === 'archive') await requireRetrievalAllowed(tx, vault, job, nowMs, expeditedCapacity);
  const row = await tx.db.insertInto('jobs').values(toRow(job)).returningAll().executeTakeFirstOrThrow();
  if (job.kind === 'archive' && job.dueMs <= nowMs) await finishArchiveJob(tx, row, nowMs);
}

function toRow(job: NewJob) {
  const base = {
    id: job.id,
    vault_no: job.vaultNo,
    kind: job.kind,
    description: job.description,
    topic: job.topic,
    created_ms: job.createdMs,
    due_ms: job.dueMs,
    state: 'InProgress' as const,
  };
  if (job.kind === 'inventory') {
    const { format, startMs, endMs, limit, marker } = job.request;
    return { ...base, format, start_ms: startMs, end_ms: endMs, entry_limit: limit, marker };
  }
  const { tier, archive, range, rangeHash, archiveId } = job;
  return {
    ...base,
    tier,
    archive_id: archiveId,
    archive_no: archive?.no ?? null,
    archive_size: archive?.size ?? null,
    archive_hash: archive ? fromHex(archive.treeHash) : null,
    archive_description: archive?.description ?? null,
    ref: archive?.ref ?? null,
    upload_no: archive?.uploadNo ?? null,
    first: range.first,
    last: range.last,
    range_hash: rangeHash === null ? null : fromHex(rangeHash),
  };
}

async function finishArchiveJobs(tx: Tx, { nowMs, limit }: FinishArchiveJobsArgs): Promise<number> {
  const due = await tx.db
    .selectFrom('jobs')
    .selectAll()
    .where('state', '=', 'InProgress')
    .where('kind', '=', 'archive')
    .where('due_ms', '<=', nowMs)
    .orderBy('due_ms')
    .limit(limit)
    .$if(tx.engine.rowLocks, (q) => q.forUpdate().skipLocked())
    .execute();
  for (const row of due) await finishArchiveJob(tx, row, nowMs);
  return due.length;
}

/** Fails the job if its archive was deleted meanwhile; otherwise its bytes stay readable until the job expires. */
async function finishArchiveJob(tx: Tx, row: JobRow, nowMs: number): Promise<void> {
  const there = await tx.db
    .selectFrom('archives')
    .select('no')
    .where('no', '=', row.archive_no ?? 0)
    .where(isVisible)
    // A deletion that waits for this row sees the finished job, which keeps the blobs from the sweep.
    .$if(tx.engine.rowLocks, (q) => q.forKeyShare())
    .executeTakeFirst();
  const done = { state: there ? 'Succeeded' : 'Failed', completed_ms: nowMs } as const;
  await tx.db.updateTable('jobs').set(done).where('no', '=', row.no).execute();
  await addNotifications(tx, toJob({ ...row, ...done }), nowMs);
}

async function expireJobs(tx: Tx, { endedBeforeMs, nowMs, limit }: ExpireJobsArgs): Promise<number> {
  const old = tx.db
    .selectFrom('jobs')
    .select('no')
    .where('completed_ms', '<', endedBeforeMs)
    .orderBy('completed_ms')
    .limit(limit);
  const gone = await tx.db.deleteFrom('jobs').where('no', 'in', old).returning(['kind', 'ref']).execute();
  const outputs = gone.flatMap(({ kind, ref }) => (kind === 'inventory' && ref !== null ? [ref] : []));
  if (outputs.length > 0) {
    const rows = outputs.map((ref) => ({ ref, noted_ms: nowMs }));
    await tx.db.insertInto('garbage').values(rows).execute();
  }
  return gone.length;
}

/**
 * Whether a finished archive job still needs the blob or the parts of a garbage item. The state is not compared with
 * `=`: SQLite would choose the index that begins with it and scan all finished jobs for each item.
 */
export const neededByJob = sql<boolean>`exists (
  select 1 from jobs j where (j.ref = garbage.ref or j.upload_no = garbage.upload_no)
  and j.state not in ('InProgress', 'Failed') and j.kind <> 'inventory')`;
