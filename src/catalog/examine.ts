/** Examining a catalog: reading it without writing, and trying out that it can be written. */
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import pg from 'pg';
import type { CatalogReads } from '../domain/catalog.ts';
import { MIGRATION_NAMES } from './migrations/index.ts';
import { unusableDatabase } from './postgres-errors.ts';
import { connectionOptions, PostgresPool } from './postgres-pool.ts';
import { readsOver } from './reads.ts';
import { explainOpening, requireSound } from './sqlite-damage.ts';
import { sqliteSource } from './sqlite-dialect.ts';
import { hasLog, openUnchanged } from './sqlite-unchanged.ts';
import type { Source } from './transaction.ts';

/** How long a statement waits for a writer. */
const BUSY_MS = 5000;

/** A catalog that is read and never written. */
export interface ExaminedCatalog {
  readonly reads: CatalogReads;
  /** Migrations that it still lacks. */
  readonly missingMigrations: readonly string[];
  /** Migrations that a newer version applied. */
  readonly unknownMigrations: readonly string[];
  /** The database's clock, ms since 1970; undefined for SQLite, which has none. */
  now(): Promise<number | undefined>;
  /**
   * Whether a file that nobody used was opened by another process since, so that what was read may be mixed up. False for
   * a database that is read while others write.
   */
  wasDisturbed(): boolean;
  close(): Promise<void>;
}

/** Opens a SQLite catalog, and checks the file if it is not too large. @throws Error that names the file. */
export function examineSqlite(path: string): Promise<ExaminedCatalog> {
  return explainOpening(path, async () => {
    const isInUse = hasLog(path);
    const before = fingerprint(path);
    const database = openUnchanged(path, BUSY_MS);
    try {
      requireSound(database, path);
      const source = sqliteSource(database);
      return {
        ...(await examine(source)),
        now: async () => undefined,
        wasDisturbed: () => !isInUse && (hasLog(path) || fingerprint(path) !== before),
        async close() {
          await source.db.destroy();
          database.close();
        },
      };
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** A text that changes whenever the file is written to. */
function fingerprint(path: string): string {
  const { ino, size, mtimeNs } = statSync(path, { bigint: true });
  return [ino, size, mtimeNs].join('-');
}

/** Opens a catalog in PostgreSQL. @param limitMs for connecting and for a statement. @throws Error that names the database. */
export async function examinePostgres(url: string, limitMs: number): Promise<ExaminedCatalog> {
  const pool = new PostgresPool({
    url: withOption(url, 'default_transaction_read_only=on'),
    limitMs,
    onError() {},
  });
  try {
    const { source } = pool;
    return {
      ...(await examine(source)),
      now: () => databaseTime(source),
      wasDisturbed: () => false,
      close: () => pool.close(),
    };
  } catch (error) {
    await pool.close();
    throw unusableDatabase(url, error);
  }
}

function withOption(url: string, option: string): string {
  const text = encodeURIComponent(`-c ${option}`);
  if (/[?&]options=/.test(url)) return url.replace(/([?&]options=[^&]*)/, `$1%20${text}`);
  return `${url}${url.includes('?') ? '&' : '?'}options=${text}`;
}

async function examine(
  source: Source,
): Promise<Pick<ExaminedCatalog, 'reads' | 'missingMigrations' | 'unknownMigrations'>> {
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(source.db);
  const applied = new Set(rows.map(({ name }) => name));
  return {
    reads: readsOver(source),
    missingMigrations: MIGRATION_NAMES.filter((name) => !applied.has(name)),
    unknownMigrations: [...applied].filter((name) => !MIGRATION_NAMES.includes(name)),
  };
}

async function databaseTime({ db }: Source): Promise<number> {
  const query = sql<{ ms: number }>`select extract(epoch from clock_timestamp())::float8 * 1000 as ms`;
  const { rows } = await query.execute(db);
  return rows[0]?.ms ?? 0;
}

/** Writes, commits, rolls back and reads again in a new database. @throws Error when something else is read. */
export function trySqlite(path: string): void {
  const value = 'a value to read again';
  let database = new DatabaseSync(path);
  try {
    database.exec('pragma journal_mode = wal; pragma synchronous = full; create table trial (value text)');
    database.exec(`begin immediate; insert into trial values ('${value}'); commit`);
    database.exec("begin immediate; insert into trial values ('not committed'); rollback");
    database.close();
    database = new DatabaseSync(path);
    const found = database
      .prepare('select value from trial')
      .all()
      .map((row) => row['value']);
    if (found.length !== 1 || found[0] !== value)
      throw new Error(`a committed row was written to ${path}, and ${JSON.stringify(found)} was read`);
  } finally {
    database.close();
  }
}

/**
 * Adds a row to the settings of a catalog in PostgreSQL, reads it and rolls it back.
 * @param name of the setting; no other may have it. @throws Error when something else is read, or nothing may be written.
 */
export async function tryPostgres(url: string, limitMs: number, name: string): Promise<void> {
  const client = new pg.Client({ ...connectionOptions({ url, limitMs }), query_timeout: limitMs });
  // A lost connection fails the query under way; the event needs a listener.
  client.on('error', () => {});
  const count = async () => (await client.query('select 1 from settings where name = $1', [name])).rowCount;
  try {
    await client.connect();
    await client.query('begin');
    await client.query('insert into settings (name, value) values ($1, $1)', [name]);
    const during = await count();
    await client.query('rollback');
    const after = await count();
    if (during !== 1 || after !== 0)
      throw new Error(`a row was added and taken back: ${during} was read before and ${after} afterwards`);
  } catch (error) {
    throw unusableDatabase(url, error);
  } finally {
    await client.end().catch(() => {});
  }
}
