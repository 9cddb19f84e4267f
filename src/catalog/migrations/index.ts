import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { Engine } from '../engine.ts';
import { first } from './0001-first.ts';
import { jobs } from './0002-jobs.ts';
import { access } from './0003-access.ts';
import { jobLists } from './0004-job-lists.ts';
import { storeLink } from './0005-store-link.ts';
import { damage } from './0006-damage.ts';
import { arrival } from './0007-arrival.ts';
import { imports } from './0008-imports.ts';
import { directReads } from './0009-direct-reads.ts';
import { tasks } from './0010-tasks.ts';

/** Every migration, in order. A released one never changes. */
const MIGRATIONS = {
  '0001-first': first,
  '0002-jobs': jobs,
  '0003-access': access,
  '0004-job-lists': jobLists,
  '0005-store-link': storeLink,
  '0006-damage': damage,
  '0007-arrival': arrival,
  '0008-imports': imports,
  '0009-direct-reads': directReads,
  '0010-tasks': tasks,
};

/** The names of all migrations, in order. */
export const MIGRATION_NAMES: readonly string[] = Object.keys(MIGRATIONS);

/**
 * Migrates the schema to the newest version; does nothing if it is.
 * @param schema the schema of PostgreSQL that has the tables; by default the one that the connection uses.
 * @throws when a step fails, or when a newer version made the catalog.
 */
export async function migrate<Db>(db: Kysely<Db>, engine: Engine, schema?: string): Promise<void> {
  const steps = Object.entries(MIGRATIONS).map(([name, up]): [string, Migration] => [
    name,
    { up: (target) => up(target, engine) },
  ]);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => Object.fromEntries(steps) },
    ...(schema === undefined ? {} : { migrationTableSchema: schema }),
  });
  const { error } = await migrator.migrateToLatest();
  if (error) throw new Error(`the catalog cannot be migrated: ${String(error)}`, { cause: error });
}
