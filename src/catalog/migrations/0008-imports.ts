import { type Kysely, sql } from 'kysely';
import type { Engine } from '../engine.ts';

/** Ids that imports gave, of archives that are gone too; and what uploads must remember of an import. */
export async function imports(db: Kysely<unknown>, engine: Engine): Promise<void> {
  const { integer: int, binary } = engine;
  await db.schema
    .createTable('imported_ids')
    .addColumn('key', sql.raw(binary), (c) => c.primaryKey())
    .addColumn('vault_no', int, (c) => c.notNull())
    .addColumn('declared', 'text')
    .addColumn('token', 'text')
    .execute();
  await db.schema
    .createIndex('imported_ids_claimed')
    .on('imported_ids')
    .column('token')
    .where(sql.ref('token'), 'is not', null)
    .execute();
  await db.schema.alterTable('uploads').addColumn('import_key', sql.raw(binary)).execute();
  await db.schema.alterTable('uploads').addColumn('imported_by', 'text').execute();
  await db.schema.alterTable('uploads').addColumn('given_ms', int).execute();
  await db.schema
    .createIndex('uploads_by_import')
    .on('uploads')
    .column('import_key')
    .where(sql.ref('import_key'), 'is not', null)
    .execute();
}
