import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { POSTGRES } from '../engine.ts';
import { migrate } from '../migrations/index.ts';
import { nulFree } from '../nul-free.ts';
import { unusableDatabase } from '../postgres-errors.ts';
import { connectionOptions } from '../postgres-pool.ts';
import type { Schema } from '../schema.ts';
import { ADVISORY_KEY } from '../transaction-writer.ts';
import { RebuildTarget } from './target.ts';

/** The schema in which the new catalog is made. */
const SCHEMA = 'moraine_rebuild';

/** A table of the new catalog, and whether the old one has a table of this name. */
interface TableRow {
  readonly here: string;
  readonly name: string;
  readonly is_taken: boolean;
}

/** A database whose catalog is rebuilt. */
export class PostgresRebuild {
  readonly #url: string;
  readonly #limitMs: number;
  readonly #client: pg.Client;

  private constructor(url: string, limitMs: number, client: pg.Client) {
    this.#url = url;
    this.#limitMs = limitMs;
    this.#client = client;
  }

  /**
   * Connects. Until `close`, no transaction of a server or command begins in the database.
   * @throws Error that names the database when it cannot be reached or used.
   */
  static async open(url: string, limitMs: number): Promise<PostgresRebuild> {
    const client = new pg.Client(connectionOptions({ url, limitMs }, 0));
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query(`set lock_timeout = ${limitMs}; select pg_advisory_lock(${ADVISORY_KEY})`);
      return new PostgresRebuild(url, limitMs, client);
    } catch (error) {
      await client.end().catch(() => {});
      throw unusableDatabase(url, error);
    }
  }

  /** Makes the catalog in a schema of its own, in place of one that an interrupted rebuild left. */
  async make<Result>(build: (target: RebuildTarget) => Promise<Result>): Promise<Result> {
    await this.#client.query(`drop schema if exists ${SCHEMA} cascade; create schema ${SCHEMA}`);
    const options = connectionOptions({ url: this.#url, limitMs: this.#limitMs }, 0);
    // The transaction that publishes the schema flushes all that came before.
    const own = `${options.options} -c search_path=${SCHEMA} -c synchronous_commit=off`;
    const pool = new pg.Pool({ ...options, options: own, max: 1 });
    pool.on('connect', (client) => client.on('error', () => {}));
    pool.on('error', () => {});
    const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }), plugins: [nulFree()] });
    try {
      await migrate(db, POSTGRES, SCHEMA);
      const result = await build(new RebuildTarget(db, POSTGRES));
      await sql`analyze`.execute(db);
      return result;
    } finally {
      await db.destroy();
    }
  }

  /** Puts the new catalog in the place of the old one, at once. Tables of an old catalog move to the schema `replaced`. */
  async publish(replaced: string): Promise<void> {
    const client = this.#client;
    const { rows } = await client.query<TableRow>(
      `select current_schema() as here, n.tablename as name,
         exists (select 1 from pg_tables o where o.schemaname = current_schema() and o.tablename = n.tablename) as is_taken
       from pg_tables n where n.schemaname = '${SCHEMA}'`,
    );
    const quoted = (name: string) => client.escapeIdentifier(name);
    const move = (from: string, table: string, to: string) =>
      `alter table ${quoted(from)}.${quoted(table)} set schema ${quoted(to)}`;
    const taken = rows.filter(({ is_taken }) => is_taken);
    const statements = [
      'begin; set local synchronous_commit = on',
      ...(taken.length > 0 ? [`create schema ${quoted(replaced)}`] : []),
      ...taken.map(({ here, name }) => move(here, name, replaced)),
      ...rows.map(({ here, name }) => move(SCHEMA, name, here)),
      `drop schema ${SCHEMA}`,
      'commit',
    ];
    await client.query(statements.join('; '));
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}
