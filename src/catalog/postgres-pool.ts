import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import pg from 'pg';
import { Shortage } from '../domain/errors.ts';
import { POSTGRES } from './engine.ts';
import { nulFree, nulFreeValue } from './nul-free.ts';
import { databaseAwayShortage, endsConnection, NoAnswer, toShortage } from './postgres-errors.ts';
import type { Schema } from './schema.ts';
import type { Source } from './transaction.ts';

const CONNECTIONS = 16;
const INT8 = 20;
/** The server's statement limit applies before ours, because it leaves the connection usable. */
const SERVER_SHARE = 0.9;
/** Ends the transaction of a process that hangs or vanished, before a claim stops waiting for it. */
const IDLE_IN_TRANSACTION_MS = 20_000;

export interface PoolOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string;
  /** Time limit for connecting and for a statement, ms. */
  readonly limitMs: number;
  /** Called when a connection, idle or in use, is lost. The pool replaces it. */
  onError(error: Error): void;
}

/**
 * Settings of every connection. They override those of the URL, the role and the database.
 * @param statementMs the server's own limit for a statement; 0 for none.
 */
export function connectionOptions(
  { url, limitMs }: Pick<PoolOptions, 'url' | 'limitMs'>,
  statementMs = Math.ceil(limitMs * SERVER_SHARE),
): pg.PoolConfig {
  const own = [
    // What was answered must survive a power cut.
    'synchronous_commit=on',
    // A statement that waited for a lock must see what was committed during the wait.
    'default_transaction_isolation=read\\ committed',
    `statement_timeout=${statementMs}`,
    `idle_in_transaction_session_timeout=${IDLE_IN_TRANSACTION_MS}`,
  ];
  const [, given = ''] = /[?&]options=([^&]*)/.exec(url) ?? [];
  const options = [decodeURIComponent(given.replaceAll('+', ' ')), ...own.map((one) => `-c ${one}`)];
  return {
    connectionString: url.replace(/([?&])options=[^&]*&?/, '$1'),
    max: CONNECTIONS,
    types: { getTypeParser },
    connectionTimeoutMillis: limitMs,
    keepAlive: true,
    options: options.join(' ').trim(),
  };
}

/** All whole numbers here (sizes, times, sequences) stay below 2^53, so int8 is parsed as a number. */
const getTypeParser: typeof pg.types.getTypeParser = ((oid: number, format?: 'text' | 'binary') =>
  oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser;

/** Connections to one database, each of which may be lost at any time. */
export class PostgresPool {
  readonly #pool: pg.Pool;
  readonly #limitMs: number;
  readonly #connections = new WeakMap<pg.PoolClient, PostgresConnection>();
  readonly #kysely: Kysely<Schema>;
  #failure: Shortage | undefined;
  /** Runs each query on any free connection. */
  readonly source: Source;

  constructor(options: PoolOptions) {
    this.#limitMs = options.limitMs;
    this.#pool = new pg.Pool(connectionOptions(options));
    // The pool listens to idle connections only, and an error event without a listener ends the process.
    this.#pool.on('connect', (client) => client.on('error', options.onError));
    this.#pool.on('error', () => {});
    this.#kysely = new Kysely<Schema>({ dialect: dialectOver(this), plugins: [nulFree()] });
    this.source = sourceOver(this.#kysely);
  }

  /** Why the last statement could not reach the database; undefined if it did. */
  failure(): Shortage | undefined {
    return this.#failure;
  }

  /** Takes a connection for the caller alone, until it is released. @throws Shortage when none is free in time. */
  async acquire(): Promise<PostgresConnection> {
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      throw this.#noteOutcome(databaseAwayShortage(error));
    }
    const known = this.#connections.get(client);
    if (known) return known;
    const made = new PostgresConnection(client, this.#limitMs, (error) => this.#noteOutcome(error));
    this.#connections.set(client, made);
    return made;
  }

  async close(): Promise<void> {
    await this.#kysely.destroy();
    await this.#pool.end();
  }

  /** @param error of the last statement; undefined if it succeeded. @returns the error. */
  #noteOutcome<Told>(error: Told): Told {
    this.#failure = error instanceof Shortage ? error : undefined;
    return error;
  }
}

/** One connection, taken from the pool. */
export class PostgresConnection implements DatabaseConnection {
  readonly #client: pg.PoolClient;
  readonly #limitMs: number;
  readonly #noteOutcome: (error: unknown) => unknown;
  readonly source: Source;
  #broken = false;

  /** @param told called after each statement with its error, or undefined; returns the error to throw. */
  constructor(client: pg.PoolClient, limitMs: number, told: (error: unknown) => unknown) {
    this.#client = client;
    this.#limitMs = limitMs;
    this.#noteOutcome = told;
    this.source = sourceOver(new Kysely<Schema>({ dialect: dialectOn(this), plugins: [nulFree()] }));
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const { command, rowCount, rows } = await this.#query(sql, parameters, this.#limitMs);
    const changes = command === 'INSERT' || command === 'UPDATE' || command === 'DELETE';
    return changes
      ? { rows: rows as Row[], numAffectedRows: BigInt(rowCount ?? 0) }
      : { rows: rows as Row[] };
  }

  // biome-ignore lint/correctness/useYield: no caller streams; Kysely's interface asks for the method.
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('the catalog pages its reads and never streams them');
  }

  /** Runs several statements without parameters in one message; returns the rows of the last one. */
  async statements(sql: string, limitMs = this.#limitMs): Promise<readonly Record<string, unknown>[]> {
    const answer: pg.QueryResult | pg.QueryResult[] = await this.#query(sql, [], limitMs);
    const results = Array.isArray(answer) ? answer : [answer];
    // COMMIT of a transaction that failed earlier reports a ROLLBACK.
    if (/^commit\b/.test(sql) && results[0]?.command !== 'COMMIT') {
      throw new Error('the database rolled the transaction back instead of committing it');
    }
    return results.at(-1)?.rows ?? [];
  }

  /** Returns the connection to the pool, or closes it if it is unusable. */
  release(): void {
    this.#client.release(this.#broken);
  }

  /** @throws Shortage when the database is unavailable or too slow; other errors of the database as they are. */
  async #query(sql: string, parameters: readonly unknown[], limitMs: number): Promise<pg.QueryResult> {
    const timer = setTimeout(() => this.#cut(new NoAnswer(limitMs)), limitMs);
    try {
      const result = await this.#client.query(sql, parameters as unknown[]);
      this.#noteOutcome(undefined);
      return result;
    } catch (error) {
      this.#broken ||= endsConnection(error);
      throw this.#noteOutcome(toShortage(error));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Cuts the connection: a server that hangs answers neither a cancellation nor an orderly close. */
  #cut(error: Error): void {
    const { connection } = this.#client as unknown as {
      connection: { stream: { destroy(error: Error): void } };
    };
    connection.stream.destroy(error);
  }
}

function sourceOver(db: Kysely<Schema>): Source {
  return {
    db,
    engine: POSTGRES,
    // Compiled queries bypass the plugin that does this for all others.
    execute: (query) => db.executeQuery({ ...query, parameters: query.parameters.map(nulFreeValue) }),
  };
}

function dialectOver(pool: PostgresPool): Dialect {
  return dialectWith({
    acquireConnection: () => pool.acquire(),
    releaseConnection: async (connection) => (connection as PostgresConnection).release(),
  });
}

function dialectOn(connection: PostgresConnection): Dialect {
  return dialectWith({ acquireConnection: async () => connection, releaseConnection: async () => {} });
}

function dialectWith(connections: Pick<Driver, 'acquireConnection' | 'releaseConnection'>): Dialect {
  const ours = () => Promise.reject(new Error('only the writer begins transactions'));
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => ({
      ...connections,
      init: async () => {},
      destroy: async () => {},
      beginTransaction: ours,
      commitTransaction: ours,
      rollbackTransaction: ours,
    }),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}
