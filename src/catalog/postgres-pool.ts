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
/** The server's own limit for a statement comes first: it ends the statement, and the connection stays good. */
const SERVER_SHARE = 0.9;
/** A transaction whose process stands still, or is gone without a word, ends before a claim gives up on it. */
const IDLE_IN_TRANSACTION_MS = 20_000;

export interface PoolOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string;
  /** How long a connection may take to come, and a statement to be done; ms. */
  readonly limitMs: number;
  /** Called for a connection that was lost, whether idle or in use. Another takes its place. */
  onError(error: Error): void;
}

/**
 * Settings of every connection; those of the URL, of the role and of the database come before and do not count.
 * @param statementMs the server's own limit for a statement; 0 for none.
 */
export function connectionOptions(
  { url, limitMs }: Pick<PoolOptions, 'url' | 'limitMs'>,
  statementMs = Math.ceil(limitMs * SERVER_SHARE),
): pg.PoolConfig {
  const own = [
    // An answer must survive a power cut.
    'synchronous_commit=on',
    // A statement that waited for a lock must see what was committed meanwhile.
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

/** All our whole numbers stay below 2^53 (sizes, times, sequences), so int8 may be a number, not a string. */
const getTypeParser: typeof pg.types.getTypeParser = ((oid: number, format?: 'text' | 'binary') =>
  oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser;

/** Connections to one database, each of which may be lost at any time. */
export class PostgresPool {
  readonly #pool: pg.Pool;
  readonly #limitMs: number;
  readonly #connections = new WeakMap<pg.PoolClient, PostgresConnection>();
  readonly #kysely: Kysely<Schema>;
  #failure: Shortage | undefined;
  /** Each query on any connection. */
  readonly source: Source;

  constructor(options: PoolOptions) {
    this.#limitMs = options.limitMs;
    this.#pool = new pg.Pool(connectionOptions(options));
    // The pool itself listens to idle connections only; an error that nobody hears ends the process.
    this.#pool.on('connect', (client) => client.on('error', options.onError));
    this.#pool.on('error', () => {});
    this.#kysely = new Kysely<Schema>({ dialect: dialectOver(this), plugins: [nulFree()] });
    this.source = sourceOver(this.#kysely);
  }

  /** Why the database was not there when it was last asked; undefined while it is. */
  failure(): Shortage | undefined {
    return this.#failure;
  }

  /** Gives a connection, for the caller alone until it is released. @throws Shortage when none comes in time. */
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

  /** @param error of the last statement; undefined if it was done. */
  #noteOutcome<Told>(error: Told): Told {
    this.#failure = error instanceof Shortage ? error : undefined;
    return error;
  }
}

/** One connection, while somebody has it. */
export class PostgresConnection implements DatabaseConnection {
  readonly #client: pg.PoolClient;
  readonly #limitMs: number;
  readonly #noteOutcome: (error: unknown) => unknown;
  readonly source: Source;
  #broken = false;

  /** @param told hears of each statement: the error that it ended with, or undefined. */
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

  /** Several statements in one message, without parameters; gives the rows of the last one. */
  async statements(sql: string, limitMs = this.#limitMs): Promise<readonly Record<string, unknown>[]> {
    const answer: pg.QueryResult | pg.QueryResult[] = await this.#query(sql, [], limitMs);
    const results = Array.isArray(answer) ? answer : [answer];
    // A transaction that failed before ends a COMMIT as a ROLLBACK.
    if (/^commit\b/.test(sql) && results[0]?.command !== 'COMMIT') {
      throw new Error('the database rolled the transaction back instead of committing it');
    }
    return results.at(-1)?.rows ?? [];
  }

  /** Gives the connection back, or closes it if it cannot be used again. */
  release(): void {
    this.#client.release(this.#broken);
  }

  /** @throws Shortage when the database is away or does not answer within the limit, and what else it says. */
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

  /** A server that stands still answers neither a cancellation nor a farewell. */
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
    // Compiled queries do not pass the plugin that does this for all others.
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
  const ours = () => Promise.reject(new Error('transactions are the writer’s'));
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
