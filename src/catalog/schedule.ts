import { sql } from 'kysely';
import { JOB_LIFE_MS } from '../domain/job.ts';
import type { DueWork, ScheduleReads } from '../domain/schedule-catalog.ts';
import type { Source } from './transaction.ts';

/** Reads that workers poll, and that the emulator's clock needs to find the next moment when something happens. */
export function scheduleReads(source: Source): ScheduleReads {
  return {
    dueWork: (nowMs) => dueWork(source, nowMs),
    nextEventMs: (intervalMs) => nextEventMs(source, intervalMs),
  };
}

async function dueWork(source: Source, nowMs: number): Promise<DueWork> {
  const { db } = source;
  const message = db.selectFrom('notifications').select('next_try_ms as ms').where('state', '=', 'waiting');
  const due = [
    await firstJob(source, 'archive').executeTakeFirst(),
    await firstJob(source, 'inventory').executeTakeFirst(),
    await message.orderBy('next_try_ms').limit(1).executeTakeFirst(),
  ].map((first) => first !== undefined && first.ms <= nowMs);
  return { jobs: due[0] || due[1] || false, messages: due[2] || false };
}

/** The job that is due first. With a condition on `due_ms`, PostgreSQL would scan all jobs that are not due. */
function firstJob({ db }: Source, kind: 'archive' | 'inventory') {
  return db
    .selectFrom('jobs')
    .select('due_ms as ms')
    .where('state', '=', 'InProgress')
    .where('kind', '=', kind)
    .orderBy('due_ms')
    .limit(1);
}

async function nextEventMs({ db }: Source, inventoryIntervalMs: number | null): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select min(due_ms) as ms from jobs where state = 'InProgress'
    union all select min(completed_ms) + ${JOB_LIFE_MS} from jobs
    union all select min(next_try_ms) from notifications where state = 'waiting'
    union all select min(due_ms) from tasks where completed_ms is null and marked_ms is null
    union all select min(ms) from (
      select coalesce(i.taken_ms, min(c.begun_ms)) + cast(${inventoryIntervalMs} as bigint) as ms
      from vault_counts c left join vault_inventories i on i.vault_no = c.vault_no
      group by c.vault_no, i.taken_ms having max(c.written_ms) >= coalesce(i.taken_ms, 0)) as due`.execute(
    db,
  );
  const times = rows.flatMap(({ ms }) => (ms === null ? [] : [ms]));
  return times.length === 0 ? null : Math.min(...times);
}
