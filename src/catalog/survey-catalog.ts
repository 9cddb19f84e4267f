/** Inspects a catalog before anything, even a migration, writes to it. */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import type { CatalogFound } from '../domain/start-findings.ts';
import { unusableDatabase } from './postgres-errors.ts';
import { explainOpening } from './sqlite-damage.ts';
import { openUnchanged } from './sqlite-unchanged.ts';

const BUSY_MS = 5000;
/** Tables of every version. */
const TABLES = ['vaults', 'archives', 'parts', 'store_records', 'settings'];

/** Runs a query that is valid in both databases. */
type Ask = (query: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** @param olderSetting the setting that is `true` while the catalog counts as older than its store. */
export interface SurveyOptions {
  readonly modeSetting: string;
  readonly olderSetting: string;
  /** Whether to leave no files of the log beside a SQLite catalog that nobody uses. */
  readonly leavesNoFiles?: boolean;
}

/** @throws Error that names the file when it is no database, or damaged. */
export async function surveySqliteCatalog(path: string, options: SurveyOptions): Promise<CatalogFound> {
  if (!existsSync(path)) return { kind: 'none' };
  return explainOpening(path, async () => {
    const database = options.leavesNoFiles
      ? openUnchanged(path, BUSY_MS)
      : new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
    try {
      const ask: Ask = async (query) => database.prepare(query).all();
      const names = await ask("select name from sqlite_master where type = 'table'");
      return await survey(ask, names, { ...options, countsCommits: true });
    } finally {
      database.close();
    }
  });
}

/** @param limitMs for the connection and for each query. @throws Error that names the database when it cannot be reached or used. */
export async function surveyPostgresCatalog(
  url: string,
  limitMs: number,
  options: SurveyOptions,
): Promise<CatalogFound> {
  let client: pg.Client | undefined;
  try {
    client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: limitMs,
      query_timeout: limitMs,
    });
    return await surveyOver(client, options);
  } catch (error) {
    throw unusableDatabase(url, error);
  } finally {
    await client?.end().catch(() => {});
  }
}

async function surveyOver(client: pg.Client, options: SurveyOptions): Promise<CatalogFound> {
  // A lost connection fails the query under way; the event needs a listener.
  client.on('error', () => {});
  await client.connect();
  const ask: Ask = async (query) => (await client.query<Record<string, unknown>>(query)).rows;
  const names = await ask(
    'select tablename as name from pg_tables where schemaname = any (current_schemas(false))',
  );
  return survey(ask, names, { ...options, countsCommits: false });
}

async function survey(
  ask: Ask,
  names: Awaited<ReturnType<Ask>>,
  { countsCommits, modeSetting, olderSetting }: SurveyOptions & { readonly countsCommits: boolean },
): Promise<CatalogFound> {
  const tables = new Set(names.map(({ name }) => name));
  if (!TABLES.every((name) => tables.has(name))) return { kind: 'none' };
  const [row] = await ask(
    `select (select count(*) from (select 1 from archives limit 1) a)
       + (select count(*) from (select 1 from parts limit 1) p) as blobs,
       (select count(*) from (select 1 from vaults limit 1) v) as vaults,
       (select max(seq) from store_records) as last_record`,
  );
  const settings = new Map(
    (await ask('select name, value from settings')).map(({ name, value }) => [name, value]),
  );
  const mode = settings.get(modeSetting);
  return {
    kind: 'catalog',
    ...(await linkOf(ask, tables.has('store_link'))),
    countsCommits,
    namesAnyBlob: Number(row?.['blobs']) > 0,
    hasVaults: Number(row?.['vaults']) > 0,
    lastEntrySeq: Number(row?.['last_record'] ?? 0),
    mode: mode === 'normal' || mode === 'emulator' ? mode : undefined,
    knowsOlder: settings.get(olderSetting) === 'true',
  };
}

/** @param hasLink false before the migration that creates the table. */
async function linkOf(ask: Ask, hasLink: boolean) {
  const none = { catalogId: undefined, storeId: undefined, generation: 0, commitNumber: 0 };
  if (!hasLink) return none;
  const [row] = await ask('select catalog_id, store_id, generation, number from store_link, commit_number');
  if (row === undefined) return none;
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return {
    catalogId: text(row['catalog_id']),
    storeId: text(row['store_id']),
    generation: Number(row['generation']),
    commitNumber: Number(row['number']),
  };
}
