import { type Kysely, sql } from 'kysely';
import type { Engine } from '../engine.ts';

/** Bytes read without a job that count against the data retrieval policy: the sum of each minute. */
export async function directReads(db: Kysely<unknown>, engine: Engine): Promise<void> {
  const text = sql.raw(`text${engine.byteOrder}`);
  await db.schema
    .createTable('direct_reads')
    .addColumn('account', text, (c) => c.notNull())
    .addColumn('region', text, (c) => c.notNull())
    .addColumn('minute_ms', engine.integer, (c) => c.notNull())
    .addColumn('bytes', engine.integer, (c) => c.notNull())
    .addPrimaryKeyConstraint('direct_reads_key', ['account', 'region', 'minute_ms'])
    .execute();
}
