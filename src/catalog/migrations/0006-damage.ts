import { type Kysely, sql } from 'kysely';
import type { Engine } from '../engine.ts';
import { index } from './columns.ts';

/** Damage of stored bytes, and indexes that lead from a blob to what it belongs to. */
export async function damage(db: Kysely<unknown>, engine: Engine): Promise<void> {
  const text = sql.raw(`text${engine.byteOrder}`);
  const int = engine.integer;
  await db.schema
    .createTable('damage')
    .addColumn('ref', text, (c) => c.notNull())
    // -1: all of the blob.
    .addColumn('leaf', int, (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('first_seen_ms', int, (c) => c.notNull())
    .addColumn('last_seen_ms', int, (c) => c.notNull())
    .addPrimaryKeyConstraint('damage_key', ['ref', 'leaf'])
    .execute();
  await index(db, 'damage_by_time', 'damage', ['last_seen_ms']);
  await index(db, 'parts_by_ref', 'parts', ['ref']);
  for (const [name, column] of [
    ['archives_by_ref', 'ref'],
    ['archives_by_upload', 'upload_no'],
    ['archives_damaged', 'damaged_ms'],
  ] as const) {
    const plain = db.schema.createIndex(name).on('archives').column(column);
    await plain.where(sql.ref(column), 'is not', null).execute();
  }
}
