import { type Kysely, sql } from 'kysely';
import type { Engine } from '../engine.ts';
import { index, numbered } from './columns.ts';

/** Vaults, archives, uploads, parts, garbage, journal outbox, keys, settings. */
export async function first(db: Kysely<unknown>, engine: Engine): Promise<void> {
  const text = sql.raw(`text${engine.byteOrder}`);
  const int = engine.integer;
  const bytes = engine.binary;

  await numbered(db, engine, 'vaults')
    .addColumn('account', text, (c) => c.notNull())
    .addColumn('region', text, (c) => c.notNull())
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('created_ms', int, (c) => c.notNull())
    .addUniqueConstraint('vaults_key', ['account', 'region', 'name'])
    .execute();

  await db.schema
    .createTable('vault_counts')
    .addColumn('vault_no', int, (c) => c.notNull())
    .addColumn('shard', int, (c) => c.notNull())
    .addColumn('archives', int, (c) => c.notNull())
    .addColumn('bytes', int, (c) => c.notNull())
    .addColumn('written_ms', int, (c) => c.notNull())
    .addPrimaryKeyConstraint('vault_counts_key', ['vault_no', 'shard'])
    .execute();

  await db.schema
    .createTable('tags')
    .addColumn('vault_no', int, (c) => c.notNull())
    .addColumn('key', text, (c) => c.notNull())
    .addColumn('value', text, (c) => c.notNull())
    .addPrimaryKeyConstraint('tags_key', ['vault_no', 'key'])
    .execute();

  await numbered(db, engine, 'archives')
    .addColumn('id', text, (c) => c.notNull())
    .addColumn('vault_no', int, (c) => c.notNull())
    .addColumn('description', text)
    .addColumn('created_ms', int, (c) => c.notNull())
    .addColumn('size', int, (c) => c.notNull())
    .addColumn('tree_hash', sql.raw(bytes), (c) => c.notNull())
    .addColumn('ref', text)
    .addColumn('upload_no', int)
    .addUniqueConstraint('archives_id', ['vault_no', 'id'])
    .execute();
  // Inventories run by creation time; the number makes the order total.
  await index(db, 'archives_by_time', 'archives', ['vault_no', 'created_ms', 'no']);

  await numbered(db, engine, 'uploads')
    .addColumn('id', text, (c) => c.notNull())
    .addColumn('vault_no', int, (c) => c.notNull())
    .addColumn('archive_id', text, (c) => c.notNull())
    .addColumn('description', text)
    .addColumn('part_size', int, (c) => c.notNull())
    .addColumn('created_ms', int, (c) => c.notNull())
    .addColumn('state', text, (c) => c.notNull())
    .addColumn('ended_ms', int)
    .addColumn('size', int)
    .addColumn('tree_hash', sql.raw(bytes))
    .addUniqueConstraint('uploads_id', ['vault_no', 'id'])
    .execute();
  await index(db, 'uploads_in_vault', 'uploads', ['vault_no', 'state', 'no']);
  await index(db, 'uploads_by_age', 'uploads', ['state', 'created_ms']);
  await index(db, 'uploads_by_end', 'uploads', ['ended_ms']);

  await db.schema
    .createTable('parts')
    .addColumn('upload_no', int, (c) => c.notNull())
    .addColumn('first', int, (c) => c.notNull())
    .addColumn('size', int, (c) => c.notNull())
    .addColumn('tree_hash', sql.raw(bytes), (c) => c.notNull())
    .addColumn('linear_hash', sql.raw(bytes), (c) => c.notNull())
    .addColumn('sequence', int, (c) => c.notNull())
    .addColumn('stored_ms', int, (c) => c.notNull())
    .addColumn('ref', text, (c) => c.notNull())
    .addPrimaryKeyConstraint('parts_key', ['upload_no', 'first'])
    .execute();

  await numbered(db, engine, 'garbage')
    .addColumn('ref', text)
    .addColumn('upload_no', int)
    .addColumn('noted_ms', int, (c) => c.notNull())
    .execute();

  await numbered(db, engine, 'store_records', 'seq')
    .addColumn('entry', text, (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('access_keys')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('account', text, (c) => c.notNull())
    .addColumn('sealed_secret', text, (c) => c.notNull())
    .addColumn('status', text, (c) => c.notNull())
    .addColumn('origin', text, (c) => c.notNull())
    .addColumn('created_ms', int, (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('settings')
    .addColumn('name', text, (c) => c.primaryKey())
    .addColumn('value', text, (c) => c.notNull())
    .execute();
}
