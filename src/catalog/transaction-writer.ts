import type { JournalEntry } from '../domain/blob-store.ts';
import { ApiError, Shortage, withChangedNothing } from '../domain/errors.ts';
import { CurrentStamp } from './current-stamp.ts';
import { POSTGRES } from './engine.ts';
import { JournalQueue } from './journal-queue.ts';
import { commitUnknownShortage } from './postgres-errors.ts';
import type { PostgresConnection, PostgresPool } from './postgres-pool.ts';
import { requireSame } from './store-link.ts';
import { waitsForJournal } from './waits-for-journal.ts';
import { runWrite, type WriteName, type Writer, type WriterDeps } from './writes.ts';

/** Serialization failure and deadlock: PostgreSQL asks to try the whole transaction again. */
const TRY_AGAIN = new Set(['40001', '40P01']);
const TRIES = 5;
/** Facts that reached the journal are taken off the table in lots. */
const DROPPED_PER_BATCH = 16;
/**
 * The lock that fences generations off: every transaction shares it until its end, and a claim takes it alone. It lies
 * in the memory that the sessions of the database share, so the transactions write nothing for it.
 */
const ADVISORY_KEY = '1297044993, 1';
/** In a statement after the lock's: what is read must be as of after the wait. */
const BEGIN = `begin; select pg_advisory_xact_lock_shared(${ADVISORY_KEY}); select generation, number from store_link, commit_number`;
const HOLDERS = `select pid from pg_locks where locktype = 'advisory' and classid = 1297044993 and objid = 1 and granted and database = (select oid from pg_database where datname = current_database())`;
/** After the transaction, in the same message: what the answer may rest on. */
const LIST_OUTBOX = 'select seq from store_records order by seq';

export interface TransactionWriterDeps extends WriterDeps {
  /** How long a claim waits for the transactions of earlier generations; ms. */
  readonly claimMs: number;
}

/** How a transaction ended, with the numbers of all facts in the table then. */
interface EndedTransaction {
  readonly end: { readonly result: unknown } | { readonly refusal: ApiError };
  readonly entries: readonly JournalEntry[];
  readonly listed: readonly number[];
}

/** Each write is a transaction of its own; PostgreSQL groups the flushes of those that run side by side. */
export class TransactionWriter implements Writer {
  readonly #pool: PostgresPool;
  readonly #queue: JournalQueue;
  readonly #stamp: CurrentStamp;
  readonly #claimMs: number;
  /** Shards are taken in turn, so that transactions side by side rarely wait for one row of counts. */
  #turn = 0;
  readonly #running = new Set<Promise<unknown>>();
  #droppingFromOutbox: Promise<void> | undefined;

  constructor(pool: PostgresPool, deps: TransactionWriterDeps) {
    this.#pool = pool;
    this.#queue = new JournalQueue(pool.source, deps);
    this.#stamp = new CurrentStamp(deps);
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
    if (!waitsForJournal(name)) {
      const { end } = await this.#transact(name, args);
      if ('refusal' in end) throw end.refusal;
      return end.result;
    }
    const failure = this.#queue.failure();
    if (failure) throw failure;
    await this.#queue.appendOwed();
    const { end, entries, listed } = await this.#transact(name, args);
    if ('result' in end) this.#stamp.adopt(name, args, end.result);
    // A refusal rests on facts as well as a success.
    await this.#queue.settle(listed, entries);
    if (this.#queue.droppableSeqs().length >= DROPPED_PER_BATCH)
      this.#droppingFromOutbox ??= this.#dropFromOutbox();
    if ('refusal' in end) throw end.refusal;
    return end.result;
  }

  async #transact(name: WriteName, args: unknown, settings?: string): Promise<EndedTransaction> {
    for (let tries = 1; ; tries++) {
      const connection = await this.#pool.acquire().catch((error) => {
        throw withChangedNothing(error);
      });
      try {
        return await this.#transactOn(connection, name, args, settings);
      } catch (error) {
        const code = (error as { code?: string }).code ?? '';
        if (!TRY_AGAIN.has(code) || tries === TRIES) throw error;
      } finally {
        connection.release();
      }
    }
  }

  async #transactOn(
    connection: PostgresConnection,
    name: WriteName,
    args: unknown,
    settings?: string,
  ): Promise<EndedTransaction> {
    const entries: JournalEntry[] = [];
    let result: unknown;
    try {
      await this.#begin(connection, name);
      if (settings !== undefined) await connection.statements(settings);
      const shard = this.#turn++ % POSTGRES.countShards;
      result = await runWrite({ ...connection.source, shard, entries }, name, args);
    } catch (error) {
      const refusal = error instanceof ApiError ? error : undefined;
      // What cannot be rolled back is closed, and the database rolls it back.
      const rolledBack = connection.statements(`rollback; ${LIST_OUTBOX}`);
      if (refusal) return { end: { refusal }, entries: [], listed: numbersOf(await rolledBack) };
      await rolledBack.catch(() => {});
      // The database was not asked to commit.
      throw withChangedNothing(error);
    }
    return { end: { result }, entries, listed: await commit(connection) };
  }

  /** From here on no claim closes the transaction's generation before it ends. @throws GenerationClosed, Shortage. */
  async #begin(connection: PostgresConnection, name: WriteName): Promise<void> {
    if (name === 'claimGeneration') return this.#waitForEarlier(connection);
    const [found] = (await connection.statements(BEGIN)) as { generation: number; number: number }[];
    if (!found) throw new Error('the catalog has lost the row of the table store_link or of commit_number');
    requireSame(found.generation, this.#stamp.generation);
    this.#stamp.reached(found.number);
  }

  /** A killed server's sessions may still commit what it had asked them to: a claim waits for their end. */
  async #waitForEarlier(connection: PostgresConnection): Promise<void> {
    const ms = this.#claimMs;
    const wait = `set local statement_timeout = 0; set local lock_timeout = ${ms}; select pg_advisory_xact_lock(${ADVISORY_KEY})`;
    try {
      // The database's limit comes first.
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

  /** Takes off the table what is in the journal. Never throws: what stays is journaled again, which does no harm. */
  async #dropFromOutbox(): Promise<void> {
    const seqs = this.#queue.droppableSeqs();
    try {
      // No answer rests on it, so no flush is waited for.
      if (seqs.length > 0)
        await this.#transact('dropFromOutbox', { seqs }, 'set local synchronous_commit = off');
      this.#queue.markDropped(seqs);
    } catch {
      // They are tried again with the next ones.
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
