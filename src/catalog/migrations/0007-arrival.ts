import type { Kysely } from 'kysely';
import type { Engine } from '../engine.ts';

/** When an imported archive arrived here. */
export async function arrival(db: Kysely<unknown>, engine: Engine): Promise<void> {
  await db.schema.alterTable('archives').addColumn('arrived_ms', engine.integer).execute();
}
