import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { SQLITE } from '../engine.ts';
import { migrate } from '../migrations/index.ts';
import { sqliteSource } from '../sqlite-dialect.ts';
import { RebuildTarget } from './target.ts';

const CACHE_KIB = 16_384;
const BUSY_MS = 5000;
const SUFFIXES = ['', '-wal', '-shm', '-journal'];

/** Removes a SQLite file with its companions. */
export function removeSqliteFile(path: string): void {
  for (const suffix of SUFFIXES) rmSync(`${path}${suffix}`, { force: true });
}

/**
 * Makes a new SQLite catalog, in place of a file that an interrupted rebuild left. Nothing is flushed: the caller flushes
 * the file before it gets its name.
 * @param build fills it. @throws what `build` throws; then the file is of no use.
 */
export async function makeSqliteCatalog<Result>(
  path: string,
  build: (target: RebuildTarget) => Promise<Result>,
): Promise<Result> {
  removeSqliteFile(path);
  const database = new DatabaseSync(path);
  try {
    database.exec(`pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -${CACHE_KIB}`);
    const { db } = sqliteSource(database);
    await migrate(db, SQLITE);
    database.exec('begin immediate');
    const indexes = dropIndexes(database);
    const result = await build(new RebuildTarget(db, SQLITE));
    for (const index of indexes) database.exec(index);
    database.exec('commit; pragma journal_mode = wal');
    return result;
  } finally {
    database.close();
  }
}

/**
 * Drops the indexes of the tables that may be large. Making them at the end sorts their rows once, where adding row by row
 * would touch a page of each index for each row.
 * @returns the statements that make them again.
 */
function dropIndexes(database: DatabaseSync): readonly string[] {
  const found = database
    .prepare(
      "select name, sql from sqlite_master where type = 'index' and sql is not null and tbl_name in ('archives', 'parts')",
    )
    .all() as { name: string; sql: string }[];
  for (const { name } of found) database.exec(`drop index ${name}`);
  return found.map(({ sql }) => sql);
}

/** The old catalog of a rebuild, to which commands must not write any more. */
export interface HeldCatalog {
  /** Refuses writes of earlier generations from now on, and lets go of the file. */
  retire(generation: number): void;
  /** Lets go of the file, which stays as it was. */
  release(): void;
}

/** Holds a SQLite catalog: until it is let go, nobody else writes to it. @throws Error of SQLite, if it is damaged. */
export function holdSqliteCatalog(path: string): HeldCatalog {
  const database = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    database.exec('begin immediate');
  } catch (error) {
    database.close();
    throw error;
  }
  return {
    retire(generation) {
      const hasLink = database.prepare("select 1 from sqlite_master where name = 'store_link'").get();
      if (hasLink) database.prepare('update store_link set generation = ?').run(generation);
      database.exec('commit');
      database.close();
    },
    release: () => database.close(),
  };
}
