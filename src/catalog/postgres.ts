import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Catalog } from '../domain/catalog.ts';
import type { Generation } from '../domain/store-link.ts';
import { POSTGRES } from './engine.ts';
import { migrate } from './migrations/index.ts';
import { unusableDatabase } from './postgres-errors.ts';
import { connectionOptions, PostgresPool } from './postgres-pool.ts';
import { readsOver } from './reads.ts';
import { TransactionWriter } from './transaction-writer.ts';
import { type WriterDeps, writesOver } from './writes.ts';

/** Default time limit for connecting and for a statement. */
const LIMIT_MS = 10_000;
/** Longer than any transaction may be idle, and shorter than supervisors wait for a start. */
const CLAIM_MS = 30_000;

export interface PostgresCatalogDeps extends WriterDeps {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string;
  /** 0 by default, for a catalog that was never claimed or is about to be. */
  readonly generation?: Generation;
  /** Time limit for connecting and for a statement, ms. */
  readonly limitMs?: number;
  /** How long a claim waits for transactions of earlier generations, ms. */
  readonly claimMs?: number;
  /** Called when a connection is lost. The pool replaces it. */
  onError(error: Error): void;
}

/**
 * Opens a catalog in PostgreSQL 15 or newer, which every process reads and writes directly. Migrates it first.
 * @throws Error that names the database when it cannot be reached or used.
 */
export async function openPostgresCatalog(deps: PostgresCatalogDeps): Promise<Catalog> {
  const { limitMs = LIMIT_MS } = deps;
  const pool = new PostgresPool({ ...deps, limitMs });
  try {
    return await openOver(pool, { ...deps, limitMs });
  } catch (error) {
    await pool.close();
    throw unusableDatabase(deps.url, error);
  }
}

async function openOver(
  pool: PostgresPool,
  { limitMs, ...options }: PostgresCatalogDeps & { limitMs: number },
): Promise<Catalog> {
  // A migration has no time limit, so a database that cannot be reached must fail here.
  (await pool.acquire()).release();
  await migrateDatabase(options.url, limitMs);
  const reads = readsOver(pool.source);
  const link = await reads.storeLink();
  const { generation = 0, journal, failure, jobMessage, claimMs = CLAIM_MS } = options;
  const writer = new TransactionWriter(pool, {
    journal,
    failure,
    jobMessage,
    generation: generation === 'current' ? link.generation : generation,
    commitNumber: link.commitNumber,
    claimMs,
  });
  return {
    ...reads,
    ...writesOver(writer),
    knownCommitNumber: () => writer.commitNumber(),
    failure: () => pool.failure(),
    async close() {
      await writer.close();
      await pool.close();
    },
  };
}

/** Uses its own connection without a statement limit: changing a large table may take long. */
async function migrateDatabase(url: string, limitMs: number): Promise<void> {
  const pool = new pg.Pool({ ...connectionOptions({ url, limitMs }, 0), max: 1 });
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('error', () => {});
  const db = new Kysely({ dialect: new PostgresDialect({ pool }) });
  try {
    await migrate(db, POSTGRES);
  } finally {
    await db.destroy();
  }
}
