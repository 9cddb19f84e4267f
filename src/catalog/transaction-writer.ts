import type { Kysely } from 'kysely';
import type { StoreRecord } from '../domain/blob-store.ts';
import { POSTGRES } from './engine.ts';
import { type Journal, type JournalFailure, newestOf } from './journal.ts';
import { nulFreeValue } from './nul-free.ts';
import { restsOnFacts } from './rests-on-facts.ts';
import type { Schema } from './schema.ts';
import type { Source } from './transaction.ts';
import { runWrite, type WriteName, type Writer } from './writes.ts';

/** Serialization failure and deadlock: PostgreSQL asks to try the whole transaction again. */
const TRY_AGAIN = new Set(['40001', '40P01']);
const TRIES = 5;
/** Facts that reached the journal are taken off the list in lots. */
const JOURNALED_PER_LOT = 64;

/** A connection pool or one transaction of it. */
export function postgresSource(db: Kysely<Schema>): Source {
  return {
    db,
    engine: POSTGRES,
    // Compiled queries do not pass the plugin that does this for all others.
    execute: (query) => db.executeQuery({ ...query, parameters: query.parameters.map(nulFreeValue) }),
  };
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

  constructor(db: Kysely<Schema>, journal: Journal, failure: JournalFailure = () => undefined) {
    this.#db = db;
    this.#journal = journal;
    this.#failure = failure;
  }

  run(name: WriteName, args: unknown): Promise<unknown> {
    const running = this.#run(name, args).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#running);
    await this.#dropJournaled();
  }

  async #run(name: WriteName, args: unknown): Promise<unknown> {
    if (!restsOnFacts(name)) return (await this.#transact(name, args)).result;
    const failure = this.#failure();
    if (failure) throw failure;
    // First: who sends a failed request again gets an answer that rests on what is owed, and has no fact to add.
    if (this.#owed.length > 0) await this.#toJournal(this.#owed.splice(0));
    const { result, records } = await this.#transact(name, args);
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
          const result = await runWrite({ ...postgresSource(db), shard, records }, name, args);
          return { result, records };
        });
      } catch (error) {
        const code = (error as { code?: string }).code ?? '';
        if (!TRY_AGAIN.has(code) || tries === TRIES) throw error;
      }
    }
  }

  async #dropJournaled(): Promise<void> {
    const seqs = this.#journaled.splice(0);
    if (seqs.length === 0) return;
    await this.#transact('dropJournaled', { seqs });
    this.#journaled.push(...newestOf(seqs));
  }
}
