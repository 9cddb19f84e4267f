import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { SQLITE } from './engine.ts';
import type { Schema } from './schema.ts';
import type { Source } from './transaction.ts';

/** Prepared statements that a connection keeps; the server uses about a hundred. */
const STATEMENTS_KEPT = 500;

/**
 * Kysely over one connection of Node's own SQLite. Queries run synchronously, so the connection needs no lock. The
 * caller manages transactions (see group-writer.ts).
 * @param explain turns an error of SQLite into the error to throw.
 */
export function sqliteSource(database: DatabaseSync, explain = asItIs): Source {
  const connection = new SqliteConnection(database, explain);
  const db = new Kysely<Schema>({ dialect: dialectOver(connection) });
  return { db, engine: SQLITE, execute: (query) => connection.executeQuery(query) };
}

const asItIs = (error: unknown): unknown => error;

function dialectOver(connection: SqliteConnection): Dialect {
  return {
    createAdapter: () => new TransactionalAdapter(),
    createDriver: () => new SqliteDriver(connection),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** SQLite can change its schema in a transaction: all migrations of a start are one, with one flush. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class SqliteDriver implements Driver {
  readonly #connection: SqliteConnection;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'));
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}

interface Prepared {
  readonly statement: StatementSync;
  /** Names of its columns; empty if it returns no rows. */
  readonly names: readonly string[];
}

class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #explain: (error: unknown) => unknown;
  readonly #statements = new Map<string, Prepared>();

  constructor(database: DatabaseSync, explain: (error: unknown) => unknown) {
    this.#database = database;
    this.#explain = explain;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      return this.#run(query);
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #run<Row>(query: CompiledQuery): QueryResult<Row> {
    const { statement, names } = this.#prepare(query.sql);
    const parameters = query.parameters as (string | number | null | Uint8Array)[];
    if (names.length > 0) {
      const rows = statement.all(...parameters) as unknown as unknown[][];
      return { rows: rows.map((values) => toRow(names, values)) as Row[] };
    }
    const { changes, lastInsertRowid } = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  // biome-ignore lint/correctness/useYield: no caller streams; Kysely's interface asks for the method.
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('the catalog pages its reads and never streams them');
  }

  #prepare(sql: string): Prepared {
    const kept = this.#statements.get(sql);
    if (kept) return kept;
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    const prepared = { statement, names: statement.columns().map(({ name }) => name) };
    if (this.#statements.size >= STATEMENTS_KEPT) this.#statements.clear();
    this.#statements.set(sql, prepared);
    return prepared;
  }
}

/** The rows of Node's binding are dictionary-mode objects, which take several times the memory of these. */
function toRow(names: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (let i = 0; i < names.length; i++) row[names[i] as string] = values[i];
  return row;
}
