import type { JournalEntry } from '../domain/blob-store.ts';
import { Refusal, Shortage, withChangedNothing } from '../domain/errors.ts';
import type { JobMessage } from '../domain/notification.ts';
import { type BatchedWrite, isBatchable, runBatch } from './batched-writes.ts';
import { CurrentStamp } from './current-stamp.ts';
import { POSTGRES } from './engine.ts';
import { JournalQueue } from './journal-queue.ts';
import { commitUnknownShortage, isRejection } from './postgres-errors.ts';
import type { PostgresConnection, PostgresPool } from './postgres-pool.ts';
import { missingLinkError, requireSame } from './store-link.ts';
import type { Tx } from './transaction.ts';
import { waitsForJournal } from './waits-for-journal.ts';
import { WriteBatcher } from './write-batcher.ts';
import { runWrite, type StampedWriterDeps, type WriteName, type Writer } from './writes.ts';

/** Serialization failure and deadlock: PostgreSQL asks clients to retry the whole transaction. */
const TRY_AGAIN = new Set(['40001', '40P01']);
const TRIES = 5;
/** Journaled entries are dropped from the outbox in batches of at least this many. */
const DROPPED_PER_BATCH = 16;
/**
 * The advisory lock that separates generations. Every transaction shares it until it ends; a claim takes it exclusively.
 * It lives in PostgreSQL's shared memory, so it costs no writes.
 */
export const ADVISORY_KEY = '1297044993, 1';
/** The read is a statement of its own after the lock's, so that it sees what was committed during the wait. */
const BEGIN = `begin; select pg_advisory_xact_lock_shared(${ADVISORY_KEY}); select generation, number from store_link, commit_number`;
const HOLDERS = `select pid from pg_locks where locktype = 'advisory' and classid = 1297044993 and objid = 1 and granted and database = (select oid from pg_database where datname = current_database())`;
/** Runs after the transaction, in the same message: the answer waits for these entries. */
const LIST_OUTBOX = 'select seq from store_records order by seq';

export interface TransactionWriterDeps extends StampedWriterDeps {
  /** How long a claim waits for transactions of earlier generations, ms. */
  readonly claimMs: number;
}

/** What a transaction does between its begin and its commit. */
interface Work<Result> {
  run(tx: Tx): Promise<Result>;
  /** Whether it claims the catalog for another generation. */
  readonly isClaim?: boolean;
  /** A statement to begin with. */
  readonly settings?: string;
}

/** How a transaction ended. */
interface EndedTransaction<Result> {
  readonly end: { readonly result: Result } | { readonly refusal: Refusal };
  readonly entries: readonly JournalEntry[];
  /** Numbers of all entries in the outbox at the end. */
  readonly listed: readonly number[];
}

/**
 * The writer of a PostgreSQL catalog. Frequent writes that arrive together share a transaction; each other one has its
 * own, and PostgreSQL groups the flushes of concurrent ones.
 */
export class TransactionWriter implements Writer {
  readonly #pool: PostgresPool;
  readonly #queue: JournalQueue;
  readonly #stamp: CurrentStamp;
  readonly #jobMessage: JobMessage;
  readonly #claimMs: number;
  /** Shards are used in turn, so that concurrent transactions rarely wait for the same row of counts. */
  #turn = 0;
  readonly #running = new Set<Promise<unknown>>();
  readonly #batcher = new WriteBatcher((batch) => this.#runBatch(batch));
  #droppingFromOutbox: Promise<void> | undefined;

  constructor(pool: PostgresPool, deps: TransactionWriterDeps) {
    this.#pool = pool;
    this.#queue = new JournalQueue(pool.source, deps);
    this.#stamp = new CurrentStamp(deps);
    this.#jobMessage = deps.jobMessage;
    this.#claimMs = deps.claimMs;
  }

  run(name: WriteName, args: unknown): Promise<unknown> {
    const running = this.#run(name, args).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  commitNumber(): number {
    return this.#stamp.commitNumber;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#running);
    await this.#droppingFromOutbox;
    await this.#dropFromOutbox();
  }

  async #run(name: WriteName, args: unknown): Promise<unknown> {
    if (isBatchable(name) && (await this.#batcher.add({ name, args }))) return undefined;
    const work = { run: (tx: Tx) => runWrite(tx, name, args), isClaim: name === 'claimGeneration' };
    if (waitsForJournal(name)) {
      return this.#journaled(work, (result) => this.#stamp.adopt(name, args, result));
    }
    const { end } = await this.#transact(work);
    if ('refusal' in end) throw end.refusal;
    return end.result;
  }

  /** @returns the arguments of the writes that are durable now; the others need transactions of their own. */
  async #runBatch(batch: readonly BatchedWrite[]): Promise<ReadonlySet<unknown>> {
    try {
      return await this.#journaled({ run: (tx) => runBatch(tx, batch) });
    } catch (error) {
      // Each alone, if the database rejected something in it: the others must not fail with that write.
      if (isRejection(error)) return new Set();
      throw error;
    }
  }

  /**
   * Runs a transaction, and resolves when the journal has what the result relies on.
   * @param adopt called with the result once it is committed.
   */
  async #journaled<Result>(work: Work<Result>, adopt?: (result: Result) => void): Promise<Result> {
    const failure = this.#queue.failure();
    if (failure) throw failure;
    await this.#queue.appendOwed();
    const { end, entries, listed } = await this.#transact(work);
    if ('result' in end) adopt?.(end.result);
    // A refusal may rely on earlier entries too.
    await this.#queue.settle(listed, entries);
    if (this.#queue.droppableSeqs().length >= DROPPED_PER_BATCH)
      this.#droppingFromOutbox ??= this.#dropFromOutbox();
    if ('refusal' in end) throw end.refusal;
    return end.result;
  }

  async #transact<Result>(work: Work<Result>): Promise<EndedTransaction<Result>> {
    for (let tries = 1; ; tries++) {
      const connection = await this.#pool.acquire().catch((error) => {
        throw withChangedNothing(error);
      });
      try {
        return await this.#transactOn(connection, work);
      } catch (error) {
        const code = (error as { code?: string }).code ?? '';
        if (!TRY_AGAIN.has(code) || tries === TRIES) throw error;
      } finally {
        connection.release();
      }
    }
  }

  async #transactOn<Result>(
    connection: PostgresConnection,
    { run, isClaim = false, settings }: Work<Result>,
  ): Promise<EndedTransaction<Result>> {
    const entries: JournalEntry[] = [];
    let result: Result;
    try {
      await this.#begin(connection, isClaim);
      if (settings !== undefined) await connection.statements(settings);
      const shard = this.#turn++ % POSTGRES.countShards;
      result = await run({ ...connection.source, shard, entries, jobMessage: this.#jobMessage });
    } catch (error) {
      const refusal = error instanceof Refusal ? error : undefined;
      // If the rollback fails, the connection is closed, and the database rolls back.
      const rolledBack = connection.statements(`rollback; ${LIST_OUTBOX}`);
      if (refusal) return { end: { refusal }, entries: [], listed: numbersOf(await rolledBack) };
      await rolledBack.catch(() => {});
      // The database was not asked to commit.
      throw withChangedNothing(error);
    }
    return { end: { result }, entries, listed: await commit(connection) };
  }

  /** Begins a transaction. No claim can complete until it ends. @throws GenerationClosed, Shortage. */
  async #begin(connection: PostgresConnection, isClaim: boolean): Promise<void> {
    if (isClaim) return this.#waitForEarlier(connection);
    const [found] = (await connection.statements(BEGIN)) as { generation: number; number: number }[];
    if (!found) throw missingLinkError();
    requireSame(found.generation, this.#stamp.generation);
    this.#stamp.reached(found.number);
  }

  /** Sessions of a killed server may still commit its last requests, so a claim waits until they end. */
  async #waitForEarlier(connection: PostgresConnection): Promise<void> {
    const ms = this.#claimMs;
    const wait = `set local statement_timeout = 0; set local lock_timeout = ${ms}; select pg_advisory_xact_lock(${ADVISORY_KEY})`;
    try {
      // Twice the limit here, so that the database's own limit applies first.
      await connection.statements(`begin; ${wait}`, 2 * ms);
    } catch (error) {
      const holders = await connection.statements(`rollback; ${HOLDERS}`).catch(() => []);
      if (holders.length === 0) throw error;
      const pids = holders.map(({ pid }) => pid).join(', ');
      throw new Shortage(
        `A transaction of an earlier run is still open in the catalog's database after ${ms} ms. Start again when it ` +
          `has ended, or end it: select pg_terminate_backend(PID), with PID ${pids}.`,
        { cause: error },
      );
    }
  }

  /** Drops journaled entries from the outbox. Never throws: an entry that stays is journaled again, which is harmless. */
  async #dropFromOutbox(): Promise<void> {
    const seqs = this.#queue.droppableSeqs();
    try {
      // No answer depends on this commit, so it need not wait for a flush.
      if (seqs.length > 0)
        await this.#transact({
          run: (tx) => runWrite(tx, 'dropFromOutbox', { seqs }),
          settings: 'set local synchronous_commit = off',
        });
      this.#queue.markDropped(seqs);
    } catch {
      // The next batch includes them.
    } finally {
      this.#droppingFromOutbox = undefined;
    }
  }
}

/** @throws Shortage when the database did not say whether it committed. */
async function commit(connection: PostgresConnection): Promise<readonly number[]> {
  try {
    return numbersOf(await connection.statements(`commit; ${LIST_OUTBOX}`));
  } catch (error) {
    throw error instanceof Shortage ? commitUnknownShortage(error.cause) : error;
  }
}

function numbersOf(rows: readonly Record<string, unknown>[]): readonly number[] {
  return rows.map(({ seq }) => seq as number);
}
