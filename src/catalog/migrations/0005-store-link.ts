import { type Kysely, sql } from 'kysely';
import type { Engine } from '../engine.ts';

/** Ties the catalog to a store. Each table has one row from the start. */
export async function storeLink(db: Kysely<unknown>, engine: Engine): Promise<void> {
  const int = engine.integer;
  await db.schema
    .createTable('store_link')
    .addColumn('catalog_id', 'text')
    .addColumn('store_id', 'text')
    .addColumn('generation', int, (c) => c.notNull())
    .execute();
  await sql`insert into store_link (generation) values (0)`.execute(db);
  // A separate table: it is written all the time, while every transaction reads the link.
  await db.schema
    .createTable('commit_number')
    .addColumn('number', int, (c) => c.notNull())
    .execute();
  await sql`insert into commit_number (number) values (0)`.execute(db);
}
