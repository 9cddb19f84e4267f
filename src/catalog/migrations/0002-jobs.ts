import { type Kysely, sql } from 'kysely';
import type { Engine } from '../engine.ts';
import { index, numbered } from './columns.ts';

/** Jobs, inventories, notifications, retrieval policies, provisioned capacity. */
export async function jobs(db: Kysely<unknown>, engine: Engine): Promise<void> {
  const text = sql.raw(`text${engine.byteOrder}`);
  const int = engine.integer;
  const bytes = sql.raw(engine.binary);

  await db.schema.alterTable('archives').addColumn('damaged_ms', int).execute();
  await db.schema
    .alterTable('vault_counts')
    .addColumn('begun_ms', int, (c) => c.notNull().defaultTo(0))
    .execute();

  await db.schema
    .createTable('deleted_archives')
    .addColumn('no', int, (c) => c.primaryKey())
    .addColumn('id', text, (c) => c.notNull())
    .addColumn('vault_no', int, (c) => c.notNull())
    .addColumn('description', text)
    .addColumn('created_ms', int, (c) => c.notNull())
    .addColumn('size', int, (c) => c.notNull())
    .addColumn('tree_hash', bytes, (c) => c.notNull())
    .addColumn('deleted_ms', int, (c) => c.notNull())
    .execute();
  await index(db, 'deleted_archives_by_time', 'deleted_archives', ['vault_no', 'created_ms', 'no']);

  await numbered(db, engine, 'jobs')
    .addColumn('id', text, (c) => c.notNull())
    .addColumn('vault_no', int, (c) => c.notNull())
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('description', text)
    .addColumn('topic', text)
    .addColumn('created_ms', int, (c) => c.notNull())
    .addColumn('due_ms', int, (c) => c.notNull())
    .addColumn('completed_ms', int)
    .addColumn('state', text, (c) => c.notNull())
    .addColumn('tier', text)
    .addColumn('archive_id', text)
    .addColumn('archive_no', int)
    .addColumn('archive_size', int)
    .addColumn('archive_hash', bytes)
    .addColumn('archive_description', text)
    .addColumn('ref', text)
    .addColumn('upload_no', int)
    .addColumn('first', int)
    .addColumn('last', int)
    .addColumn('range_hash', bytes)
    .addColumn('format', text)
    .addColumn('start_ms', int)
    .addColumn('end_ms', int)
    .addColumn('entry_limit', int)
    .addColumn('marker', text)
    .addColumn('output_size', int)
    .addColumn('next_marker', text)
    .addColumn('lease_token', text)
    .addColumn('lease_until_ms', int)
    .addUniqueConstraint('jobs_id', ['vault_no', 'id'])
    .execute();
  await index(db, 'jobs_in_vault', 'jobs', ['vault_no', 'no']);
  await index(db, 'jobs_due', 'jobs', ['state', 'kind', 'due_ms']);
  await index(db, 'jobs_by_start', 'jobs', ['created_ms']);
  await index(db, 'jobs_by_end', 'jobs', ['completed_ms']);
  // For the sweep, which looks up the blobs that finished jobs still need.
  await index(db, 'jobs_by_ref', 'jobs', ['ref']);
  await index(db, 'jobs_by_upload', 'jobs', ['upload_no']);

  await db.schema
    .createTable('vault_inventories')
    .addColumn('vault_no', int, (c) => c.primaryKey())
    .addColumn('taken_ms', int, (c) => c.notNull())
    .addColumn('archives', int, (c) => c.notNull())
    .addColumn('bytes', int, (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('vault_notifications')
    .addColumn('vault_no', int, (c) => c.primaryKey())
    .addColumn('topic', text, (c) => c.notNull())
    .addColumn('events', text, (c) => c.notNull())
    .execute();

  await numbered(db, engine, 'notifications')
    .addColumn('id', text, (c) => c.notNull())
    .addColumn('topic', text, (c) => c.notNull())
    .addColumn('message', text, (c) => c.notNull())
    .addColumn('created_ms', int, (c) => c.notNull())
    .addColumn('tries', int, (c) => c.notNull())
    .addColumn('state', text, (c) => c.notNull())
    .addColumn('next_try_ms', int, (c) => c.notNull())
    .addColumn('reason', text)
    .execute();
  await index(db, 'notifications_due', 'notifications', ['state', 'next_try_ms']);

  await db.schema
    .createTable('retrieval_policies')
    .addColumn('account', text, (c) => c.notNull())
    .addColumn('region', text, (c) => c.notNull())
    .addColumn('strategy', text, (c) => c.notNull())
    // As text: up to 2^63-1, which a JavaScript number cannot hold.
    .addColumn('bytes_per_hour', text)
    .addPrimaryKeyConstraint('retrieval_policies_key', ['account', 'region'])
    .execute();

  await db.schema
    .createTable('capacity_units')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('account', text, (c) => c.notNull())
    .addColumn('region', text, (c) => c.notNull())
    .addColumn('start_ms', int, (c) => c.notNull())
    .addColumn('expires_ms', int, (c) => c.notNull())
    .execute();
  await index(db, 'capacity_units_of_account', 'capacity_units', ['account', 'region', 'expires_ms']);
}
