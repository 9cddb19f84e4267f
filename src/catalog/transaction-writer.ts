import { type Kysely, sql } from 'kysely';
import type { StoreRecord } from '../domain/blob-store.ts';
import type { CatalogWrites } from '../domain/catalog.ts';
import { Shortage } from '../domain/errors.ts';
import { POSTGRES } from './engine.ts';
import { type Journal, type JournalFailure, newestOf } from './journal.ts';
import { nulFreeValue } from './nul-free.ts';
import type { Schema } from './schema.ts';
import { requireGeneration } from './store-link.ts';
import type { Source } from './transaction.ts';
import { runWrite, type WriteName, type Writer } from './writes.ts';

/** Serialization failure and deadlock: PostgreSQL asks to try the whole transaction again. */
const TRY_AGAIN = new Set(['40001', '40P01']);
const TRIES = 5;
const LOCK_NOT_AVAILABLE = '55P03';

type Claim = Parameters<CatalogWrites['claimGeneration']>[0];
/** Facts that reached the journal are taken off the list in lots. */
const JOURNALED_PER_LOT = 64;

/**
 * The lock of PostgreSQL that fences generations off: every transaction shares it until its end, and a claim takes it
 * alone. In the shared memory of the database, it costs the transactions no write.
 */
const FENCE = sql.raw('1297044993, 1');

/** A connection pool or one transaction of it. */
export function postgresSource(db: Kysely<Schema>): Source {
  return {
    db,
    engine: POSTGRES,
    // Compiled queries do not pass the plugin that does this for all others.
    execute: (query) => db.executeQuery({ ...query, parameters: query.parameters.map(nulFreeValue) }),
  };
}

interface TransactionWriterOptions {
  readonly journal: Journal;
  readonly failure?: JournalFailure | undefined;
  /** Whose writes these are, until a claim. */
  readonly generation: number;
  /** The catalog's, as it was opened. */
  readonly commitNumber: number;
  /** How long a claim waits for the transactions of earlier generations. */
  readonly claimMs: number;
}

/** Each write is a transaction of its own; PostgreSQL groups the flushes of those that run side by side. */
export class TransactionWriter implements Writer {
  readonly #db: Kysely<Schema>;
  readonly #journal: Journal;
  readonly #failure: JournalFailure;
  /** Shards are taken in turn, so that transactions side by side rarely wait for one row of counts. */
  #turn = 0;
  #journaled: number[] = [];
  /** Committed facts that could not be journaled. */
  #owed: StoreRecord[] = [];
  readonly #running = new Set<Promise<unknown>>();
  #generation: number;
  #commitNumber: number;
  readonly #claimMs: number;

  constructor(db: Kysely<Schema>, options: TransactionWriterOptions) {
    this.#db = db;
    this.#journal = options.journal;
    this.#failure = options.failure ?? (() => undefined);
    this.#generation = options.generation;
    this.#commitNumber = options.commitNumber;
    this.#claimMs = options.claimMs;
  }

  commitNumber(): number {
    return this.#commitNumber;
  }

  run(name: WriteName, args: unknown): Promise<unknown> {
    const running = this.#run(name, args).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#running);
    // Tidying: what cannot be taken off now is journaled again by the next start, which does no harm.
    await this.#dropJournaled().catch(() => {});
  }

  async #run(name: WriteName, args: unknown): Promise<unknown> {
    const failure = this.#failure();
    if (failure) throw failure;
    // First: who sends a failed request again gets an answer that rests on what is owed, and has no fact to add.
    if (this.#owed.length > 0) await this.#toJournal(this.#owed.splice(0));
    const { result, records } = await this.#transact(name, args);
    if (name === 'claimGeneration') this.#generation = (args as Claim).generation;
    if (name === 'raiseCommitNumber') this.#learn(result as number);
    if (records.length === 0) return result;
    await this.#toJournal(records);
    if (this.#journaled.length >= JOURNALED_PER_LOT) await this.#dropJournaled();
    return result;
  }

  async #toJournal(records: readonly StoreRecord[]): Promise<void> {
    try {
      await this.#journal(records);
    } catch (error) {
      this.#owed.push(...records);
      throw error;
    }
    this.#journaled.push(...records.map(({ seq }) => seq));
  }

  async #transact(name: WriteName, args: unknown): Promise<{ result: unknown; records: StoreRecord[] }> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#db.transaction().execute(async (db) => {
          const records: StoreRecord[] = [];
          const shard = this.#turn++ % POSTGRES.countShards;
          await this.#enter(db, name);
          const result = await runWrite({ ...postgresSource(db), shard, records }, name, args);
          return { result, records };
        });
      } catch (error) {
        const code = (error as { code?: string }).code ?? '';
        if (!TRY_AGAIN.has(code) || tries === TRIES) throw error;
      }
    }
  }

  /** Makes sure that no claim closes the transaction's generation before it ends. @throws GenerationClosed, Shortage. */
  async #enter(db: Kysely<Schema>, name: WriteName): Promise<void> {
    if (name === 'claimGeneration') return this.#waitForEarlier(db);
    // In a statement of its own: what is read next must be as of after the wait.
    await sql`select pg_advisory_xact_lock_shared(${FENCE})`.execute(db);
    this.#learn(await requireGeneration(postgresSource(db), this.#generation));
  }

  /** A killed server's database sessions may still commit what it had asked them to: their end is waited for. */
  async #waitForEarlier(db: Kysely<Schema>): Promise<void> {
    await sql`set local lock_timeout = ${sql.raw(String(this.#claimMs))}`.execute(db);
    try {
      await sql`select pg_advisory_xact_lock(${FENCE})`.execute(db);
    } catch (error) {
      if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
      throw new Shortage(
        `A transaction of an earlier run of the server is still open in the database after ${this.#claimMs} ms. ` +
          'Wait for it to end, or end its session (pg_terminate_backend), and start again.',
        { cause: error },
      );
    }
  }

  #learn(commitNumber: number): void {
    this.#commitNumber = Math.max(this.#commitNumber, commitNumber);
  }

  async #dropJournaled(): Promise<void> {
    const seqs = this.#journaled.splice(0);
    if (seqs.length === 0) return;
    await this.#transact('dropJournaled', { seqs });
    this.#journaled.push(...newestOf(seqs));
  }
}
