import { type Kysely, sql } from 'kysely';
import { index } from './columns.ts';

/** Indexes for listing a vault's jobs by state, and its completed jobs, without reading the others. */
export async function jobLists(db: Kysely<unknown>): Promise<void> {
  await index(db, 'jobs_by_state', 'jobs', ['vault_no', 'state', 'no']);
  await db.schema
    .createIndex('jobs_completed')
    .on('jobs')
    .columns(['vault_no', 'no'])
    .where(sql.ref('completed_ms'), 'is not', null)
    .execute();
}
