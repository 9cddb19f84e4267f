import type { CreateTableBuilder, Kysely } from 'kysely';
import type { Engine } from '../engine.ts';

/**
 * A table whose first column numbers its rows. On SQLite `autoincrement` is needed: without it the number of a deleted
 * last row is reused, and a new vault would inherit what an old one left behind.
 */
export function numbered(
  db: Kysely<unknown>,
  engine: Engine,
  table: string,
  column = 'no',
): CreateTableBuilder<string> {
  return db.schema.createTable(table).addColumn(column, engine.integer, (c) => {
    if (engine.name === 'sqlite') return c.primaryKey().autoIncrement();
    return c.primaryKey().generatedByDefaultAsIdentity();
  });
}

/** A plain index. */
export async function index(
  db: Kysely<unknown>,
  name: string,
  table: string,
  columns: string[],
): Promise<void> {
  await db.schema.createIndex(name).on(table).columns(columns).execute();
}
