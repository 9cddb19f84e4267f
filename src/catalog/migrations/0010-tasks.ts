import { type Kysely, sql } from 'kysely';
import type { Engine } from '../engine.ts';
import { index, numbered } from './columns.ts';

/**
 * No archive of an earlier version has a number that its writer drew later than this after the last write of its vault.
 * Numbers are milliseconds times 1024.
 */
const LATE_MS = 3_600_000;

/** Tasks, what they did with each archive, and the numbers that bulk deletions go by. */
export async function tasks(db: Kysely<unknown>, engine: Engine): Promise<void> {
  const text = sql.raw(`text${engine.byteOrder}`);
  const int = engine.integer;
  await numbered(db, engine, 'tasks')
    .addColumn('id', text, (c) => c.notNull().unique())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('account', text, (c) => c.notNull())
    .addColumn('region', text, (c) => c.notNull())
    .addColumn('vault', text, (c) => c.notNull())
    .addColumn('vault_no', int, (c) => c.notNull())
    .addColumn('vault_created_ms', int, (c) => c.notNull())
    .addColumn('request', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('message', 'text')
    .addColumn('created_ms', int, (c) => c.notNull())
    .addColumn('due_ms', int)
    .addColumn('completed_ms', int)
    .addColumn('archives', int, (c) => c.notNull())
    .addColumn('bytes', int, (c) => c.notNull())
    .addColumn('done', int, (c) => c.notNull())
    .addColumn('held', int)
    .addColumn('last_no', int, (c) => c.notNull())
    .addColumn('up_to', int, (c) => c.notNull())
    .addColumn('left_archives', int, (c) => c.notNull())
    .addColumn('left_bytes', int, (c) => c.notNull())
    .addColumn('kept_archives', int, (c) => c.notNull())
    .addColumn('kept_bytes', int, (c) => c.notNull())
    .addColumn('kept_ids', int, (c) => c.notNull())
    .addColumn('bulk_id', 'text')
    .addColumn('marked_ms', int)
    .addColumn('hiding_vault_no', int, (c) => c.unique())
    .addColumn('cursor_ms', int, (c) => c.notNull())
    .addColumn('cursor_no', int, (c) => c.notNull())
    .execute();
  await index(db, 'tasks_of_owner', 'tasks', ['account', 'region', 'no']);
  await index(db, 'tasks_in_vault', 'tasks', ['vault_no', 'completed_ms', 'due_ms']);
  await index(db, 'tasks_by_end', 'tasks', ['completed_ms', 'no']);

  const archives = db.schema
    .createTable('task_archives')
    .addColumn('task_no', int, (c) => c.notNull())
    .addColumn('no', int, (c) => c.notNull())
    .addColumn('id', text, (c) => c.notNull())
    .addColumn('size', int, (c) => c.notNull())
    .addColumn('tree_hash', sql.raw(engine.binary), (c) => c.notNull())
    .addColumn('reason', 'text')
    .addPrimaryKeyConstraint('task_archives_key', ['task_no', 'no']);
  await (engine.name === 'sqlite' ? archives.modifyEnd(sql`without rowid`) : archives).execute();

  await db.schema
    .createTable('bulk_bounds')
    .addColumn('account', text, (c) => c.notNull())
    .addColumn('region', text, (c) => c.notNull())
    .addColumn('vault', text, (c) => c.notNull())
    .addColumn('up_to', int, (c) => c.notNull())
    .addPrimaryKeyConstraint('bulk_bounds_key', ['account', 'region', 'vault'])
    .execute();
  await db.schema
    .alterTable('vaults')
    .addColumn('emptied_to', int, (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema
    .alterTable('vault_counts')
    .addColumn('last_number', int, (c) => c.notNull().defaultTo(0))
    .execute();
  await sql`update vault_counts set last_number = (written_ms + ${sql.lit(LATE_MS)}) * 1024`.execute(db);
  await db.schema
    .createIndex('archives_imported')
    .on('archives')
    .columns(['vault_no', 'arrived_ms', 'no', 'created_ms'])
    .where(sql.ref('arrived_ms'), 'is not', null)
    .execute();
}
