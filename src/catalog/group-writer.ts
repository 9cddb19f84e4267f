import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { StoreRecord } from '../domain/blob-store.ts';
import { type Journal, type JournalFailure, newestOf } from './journal.ts';
import { restsOnFacts } from './rests-on-facts.ts';
import { asCatalogShortage, endsTransaction, isCatalogFull } from './sqlite-shortage.ts';
import type { Source, Tx } from './transaction.ts';
import { runWrite, type WriteName, type Writer } from './writes.ts';

/** A flush costs the same for one write as for many; this bounds how long the first one waits for the last. */
const WRITES_PER_COMMIT = 256;

interface Pending {
  readonly name: WriteName;
  readonly args: unknown;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** How a write went inside the transaction; it counts only once that is committed. */
type Ran = { readonly pending: Pending; readonly records: readonly StoreRecord[] } & (
  | { readonly result: unknown }
  | { readonly error: unknown }
);

interface GroupWriterOptions {
  readonly journal: Journal;
  readonly failure?: JournalFailure | undefined;
  /** Makes room when the disk is full; false when there is none to make. Never throws. */
  readonly makeRoom?: (() => Promise<boolean>) | undefined;
  /** Told after each commit how many writes were in it. Never throws. */
  readonly onCommit?: (writes: number) => void;
}

/**
 * The one writer of a SQLite catalog. Writes that arrive while a commit is under way share the next one;
 * each has a savepoint of its own, so that a refused one takes nothing else with it.
 */
export class GroupWriter implements Writer {
  readonly #database: DatabaseSync;
  readonly #savepoint: StatementSync;
  readonly #release: StatementSync;
  readonly #source: Source;
  readonly #journal: Journal;
  readonly #failure: JournalFailure;
  readonly #makeRoom: () => Promise<boolean>;
  readonly #onCommit: (writes: number) => void;
  #queue: Pending[] = [];
  #running: Promise<void> | undefined;
  #journaled: number[] = [];
  /** Committed facts that could not be journaled. */
  #owed: StoreRecord[] = [];
  readonly #answers = new Set<Promise<void>>();
  #closed = false;

  constructor(
    database: DatabaseSync,
    source: Source,
    { journal, failure, makeRoom, onCommit }: GroupWriterOptions,
  ) {
    this.#database = database;
    this.#savepoint = database.prepare('savepoint one');
    this.#release = database.prepare('release one');
    this.#source = source;
    this.#journal = journal;
    this.#failure = failure ?? (() => undefined);
    this.#makeRoom = makeRoom ?? (async () => false);
    this.#onCommit = onCommit ?? (() => {});
  }

  run(name: WriteName, args: unknown): Promise<unknown> {
    if (this.#closed) return Promise.reject(new Error('the catalog is closed'));
    const failure = restsOnFacts(name) ? this.#failure() : undefined;
    if (failure) return Promise.reject(failure);
    return new Promise((resolve, reject) => {
      this.#queue.push({ name, args, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  async close(): Promise<void> {
    await this.#running;
    await Promise.all(this.#answers);
    if (this.#journaled.length > 0) await this.run('dropJournaled', { seqs: [] });
    this.#closed = true;
  }

  async #drain(): Promise<void> {
    // One turn of the loop: whatever else arrived with this write joins its commit.
    await new Promise(setImmediate);
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, WRITES_PER_COMMIT);
      try {
        await this.#payOwed();
        await this.#commit(batch);
      } catch (error) {
        for (const pending of batch) if (restsOnFacts(pending.name)) pending.reject(error);
        // What archives are read with goes on while the journal cannot be written.
        const others = batch.filter(({ name }) => !restsOnFacts(name));
        if (others.length > 0) await this.#commit(others);
      }
    }
    this.#running = undefined;
  }

  /**
   * Nothing new is done before the journal has what it could not take: who sends a failed request again gets an answer
   * that rests on that, and has no fact to add. @throws what the journal throws.
   */
  async #payOwed(): Promise<void> {
    if (this.#owed.length === 0) return;
    const records = this.#owed.splice(0);
    try {
      await this.#journal(records);
    } catch (error) {
      this.#owed.unshift(...records);
      throw error;
    }
    this.#journaled.push(...records.map(({ seq }) => seq));
  }

  async #commit(batch: readonly Pending[]): Promise<void> {
    // Taken now: what reaches the journal while the batch runs is for the next commit.
    const settled = this.#journaled.splice(0);
    try {
      this.#database.exec('begin immediate');
      // The newest fact stays in the table: alone, there is nothing to take off.
      if (settled.length > 1) await runWrite(this.#tx([]), 'dropJournaled', { seqs: settled });
      const ran: Ran[] = [];
      for (const pending of batch) ran.push(await this.#runOne(pending));
      this.#database.exec('commit');
      this.#journaled.unshift(...newestOf(settled));
      this.#answer(ran);
    } catch (error) {
      this.#rollback();
      this.#journaled.unshift(...settled);
      // Nothing was changed: the whole transaction runs again.
      if (isCatalogFull(error) && (await this.#makeRoom())) return this.#commit(batch);
      for (const pending of batch) pending.reject(asCatalogShortage(error));
    }
    this.#onCommit(batch.length);
  }

  async #runOne(pending: Pending): Promise<Ran> {
    const records: StoreRecord[] = [];
    this.#savepoint.run();
    try {
      const result = await runWrite(this.#tx(records), pending.name, pending.args);
      this.#release.run();
      return { pending, records, result };
    } catch (error) {
      if (endsTransaction(error)) throw error;
      this.#database.exec('rollback to one; release one');
      return { pending, records: [], error };
    }
  }

  /** Answers after the journal has the facts; the next commit need not wait for that. */
  #answer(ran: readonly Ran[]): void {
    const records = ran.flatMap((one) => one.records);
    const journaled = records.length > 0 ? this.#journal(records) : Promise.resolve();
    const answered = journaled
      .then(
        () => {
          this.#journaled.push(...records.map(({ seq }) => seq));
          for (const one of ran) settle(one);
        },
        (error) => {
          this.#owed.push(...records);
          for (const one of ran) settle(one.records.length > 0 ? { ...one, error } : one);
        },
      )
      .finally(() => this.#answers.delete(answered));
    this.#answers.add(answered);
  }

  #tx(records: StoreRecord[]): Tx {
    return { ...this.#source, shard: 0, records };
  }

  #rollback(): void {
    if (this.#database.isTransaction) this.#database.exec('rollback');
  }
}

function settle(ran: Ran): void {
  if ('error' in ran) ran.pending.reject(ran.error);
  else ran.pending.resolve(ran.result);
}
