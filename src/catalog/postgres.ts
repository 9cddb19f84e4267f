import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Catalog } from '../domain/catalog.ts';
import type { Generation } from '../domain/store-link.ts';
import { POSTGRES } from './engine.ts';
import type { Journal, JournalFailure } from './journal.ts';
import { migrate } from './migrations/index.ts';
import { nulFree } from './nul-free.ts';
import { readsOver } from './reads.ts';
import type { Schema } from './schema.ts';
import { postgresSource, TransactionWriter } from './transaction-writer.ts';
import { writesOver } from './writes.ts';

const CONNECTIONS = 16;
const LIMIT_MS = 10_000;
/** Longer than a commit takes, shorter than a supervisor waits for a start. */
const CLAIM_MS = 30_000;
const INT8 = 20;

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string;
  readonly journal: Journal;
  readonly failure?: JournalFailure;
  /** 0 by default: a catalog that was never claimed, or is about to be. */
  readonly generation?: Generation;
  /** How long a connection may take to come, ms. */
  readonly limitMs?: number;
  /** How long a claim waits for transactions of earlier generations. */
  readonly claimMs?: number;
  /** Called for errors of idle connections: the pool replaces them. */
  onError(error: Error): void;
}

/** A catalog in PostgreSQL 15 or newer, which every process reads and writes by itself. Migrates it first. */
export async function openPostgresCatalog(options: PostgresOptions): Promise<Catalog> {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: CONNECTIONS,
    types: { getTypeParser },
    connectionTimeoutMillis: options.limitMs ?? LIMIT_MS,
    // Whatever the role or the database is set to: an answer must survive a power cut.
    options: '-c synchronous_commit=on',
  });
  pool.on('error', options.onError);
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }), plugins: [nulFree()] });
  try {
    await migrate(db, POSTGRES);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  const reads = readsOver(postgresSource(db));
  const link = await reads.storeLink();
  const { generation = 0, journal, failure, claimMs = CLAIM_MS } = options;
  const writer = new TransactionWriter(db, {
    journal,
    failure,
    generation: generation === 'current' ? link.generation : generation,
    commitNumber: link.commitNumber,
    claimMs,
  });
  return {
    ...reads,
    knownCommitNumber: () => writer.commitNumber(),
    ...writesOver(writer),
    async close() {
      await writer.close();
      await db.destroy();
    },
  };
}

/** All our whole numbers stay below 2^53 (sizes, times, sequences), so int8 may be a number, not a string. */
const getTypeParser: typeof pg.types.getTypeParser = ((oid: number, format?: 'text' | 'binary') =>
  oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser;
