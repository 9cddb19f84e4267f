import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { Engine } from '../engine.ts';
import { first } from './0001-first.ts';
import { jobs } from './0002-jobs.ts';
import { access } from './0003-access.ts';
import { jobLists } from './0004-job-lists.ts';
import { storeLink } from './0005-store-link.ts';

/** Every change of the schema, in order. A released one is never edited. */
const MIGRATIONS = {
  '0001-first': first,
  '0002-jobs': jobs,
  '0003-access': access,
  '0004-job-lists': jobLists,
  '0005-store-link': storeLink,
};

/**
 * Brings the schema up to date; does nothing when it is.
 * @throws when a step fails, or when the catalog was made by a newer version.
 */
export async function migrate<Db>(db: Kysely<Db>, engine: Engine): Promise<void> {
  const steps = Object.entries(MIGRATIONS).map(([name, up]): [string, Migration] => [
    name,
    { up: (target) => up(target, engine) },
  ]);
  const migrator = new Migrator({ db, provider: { getMigrations: async () => Object.fromEntries(steps) } });
  const { error } = await migrator.migrateToLatest();
  if (error) throw new Error(`the catalog cannot be brought up to date: ${String(error)}`, { cause: error });
}
