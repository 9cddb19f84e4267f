import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { JournalEntry } from '../domain/blob-store.ts';
import { withChangedNothing } from '../domain/errors.ts';
import type { JobMessage } from '../domain/notification.ts';
import { CurrentStamp } from './current-stamp.ts';
import { listOutboxSeqs } from './journal.ts';
import { JournalQueue } from './journal-queue.ts';
import { asCatalogShortage, endsTransaction, isCatalogFull } from './sqlite-shortage.ts';
import { countCommit, requireGeneration } from './store-link.ts';
import type { Source, Tx } from './transaction.ts';
import { waitsForJournal } from './waits-for-journal.ts';
import { runWrite, type StampedWriterDeps, type WriteName, type Writer } from './writes.ts';

/** A flush costs the same for one write as for many. The limit bounds how long a group's first write waits. */
const WRITES_PER_COMMIT = 256;

interface PendingWrite {
  readonly name: WriteName;
  readonly args: unknown;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** A write's outcome inside the transaction; it counts only after the commit. */
type RunWrite = { readonly pending: PendingWrite; readonly entries: readonly JournalEntry[] } & (
  | { readonly result: unknown }
  | { readonly error: unknown }
);

export interface GroupWriterDeps extends StampedWriterDeps {
  /** Frees space on a full disk; false if it cannot free any. Never throws. */
  readonly freeSpace?: (() => Promise<boolean>) | undefined;
  /** Turns an error of SQLite into the error to throw. By default `asCatalogShortage`. */
  readonly explain?: (error: unknown) => unknown;
  /** Called after each commit, failed ones too, with the number of its writes. Never throws. */
  readonly onCommit?: (writes: number) => void;
}

/**
 * The single writer of a SQLite catalog. Writes that arrive during a commit share the next one. Each has its own
 * savepoint, so a refused write rolls back alone.
 */
export class GroupWriter implements Writer {
  readonly #database: DatabaseSync;
  readonly #savepoint: StatementSync;
  readonly #release: StatementSync;
  readonly #source: Source;
  readonly #queue: JournalQueue;
  readonly #stamp: CurrentStamp;
  readonly #jobMessage: JobMessage;
  readonly #freeSpace: () => Promise<boolean>;
  readonly #onCommit: (writes: number) => void;
  readonly #explain: (error: unknown) => unknown;
  #waiting: PendingWrite[] = [];
  #running: Promise<void> | undefined;
  readonly #answers = new Set<Promise<void>>();
  #closed = false;

  constructor(database: DatabaseSync, source: Source, deps: GroupWriterDeps) {
    const { freeSpace, onCommit, explain } = deps;
    this.#database = database;
    this.#savepoint = database.prepare('savepoint one');
    this.#release = database.prepare('release one');
    this.#source = source;
    this.#queue = new JournalQueue(source, deps);
    this.#stamp = new CurrentStamp(deps);
    this.#jobMessage = deps.jobMessage;
    this.#freeSpace = freeSpace ?? (async () => false);
    this.#onCommit = onCommit ?? (() => {});
    this.#explain = explain ?? asCatalogShortage;
  }

  run(name: WriteName, args: unknown): Promise<unknown> {
    if (this.#closed) return Promise.reject(new Error('the catalog is closed'));
    const failure = waitsForJournal(name) ? this.#queue.failure() : undefined;
    if (failure) return Promise.reject(failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ name, args, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  commitNumber(): number {
    return this.#stamp.commitNumber;
  }

  async close(): Promise<void> {
    await this.#running;
    await Promise.all(this.#answers);
    // Best effort: the next start journals again whatever stays in the outbox, which is harmless.
    if (this.#queue.droppableSeqs().length > 0)
      await this.run('dropFromOutbox', { seqs: [] }).catch(() => {});
    this.#closed = true;
  }

  async #drain(): Promise<void> {
    // One turn of the event loop, so that writes that arrived together share a commit.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch();
      try {
        await this.#queue.appendOwed();
        await this.#commit(batch);
      } catch (error) {
        for (const pending of batch) if (waitsForJournal(pending.name)) pending.reject(error);
        // Writes that reads depend on continue while the journal cannot be written.
        const others = batch.filter(({ name }) => !waitsForJournal(name));
        if (others.length > 0) await this.#commit(others);
      }
    }
    this.#running = undefined;
  }

  /** A claim has a transaction to itself, because it changes the generation that other writes must belong to. */
  #nextBatch(): PendingWrite[] {
    const claim = this.#waiting.findIndex(({ name }) => name === 'claimGeneration');
    return this.#waiting.splice(
      0,
      claim === -1 ? WRITES_PER_COMMIT : Math.min(claim || 1, WRITES_PER_COMMIT),
    );
  }

  async #commit(batch: readonly PendingWrite[]): Promise<void> {
    // Read before the batch: entries journaled while it runs are dropped by the next commit.
    const settled = this.#queue.droppableSeqs();
    let isCommitting = false;
    try {
      this.#database.exec('begin immediate');
      if (batch[0]?.name !== 'claimGeneration') await requireGeneration(this.#source, this.#stamp.generation);
      const commitNumber = await countCommit(this.#source);
      if (settled.length > 0) await runWrite(this.#tx([]), 'dropFromOutbox', { seqs: settled });
      const ran: RunWrite[] = [];
      for (const pending of batch) ran.push(await this.#runOne(pending));
      const listed = await listOutboxSeqs(this.#source);
      isCommitting = true;
      this.#database.exec('commit');
      this.#stamp.reached(commitNumber);
      this.#queue.markDropped(settled);
      for (const one of ran) {
        if ('result' in one) this.#stamp.adopt(one.pending.name, one.pending.args, one.result);
      }
      this.#answer(ran, listed);
    } catch (error) {
      this.#rollback();
      // A full disk changed nothing, so the whole transaction can run again.
      if (isCatalogFull(error) && (await this.#freeSpace())) return this.#commit(batch);
      const explained = this.#explain(error);
      const told = isCommitting ? explained : withChangedNothing(explained);
      for (const pending of batch) pending.reject(told);
    }
    this.#onCommit(batch.length);
  }

  async #runOne(pending: PendingWrite): Promise<RunWrite> {
    const entries: JournalEntry[] = [];
    this.#savepoint.run();
    try {
      const result = await runWrite(this.#tx(entries), pending.name, pending.args);
      this.#release.run();
      return { pending, entries, result };
    } catch (error) {
      if (endsTransaction(error)) throw error;
      this.#database.exec('rollback to one; release one');
      return { pending, entries: [], error };
    }
  }

  /**
   * Answers the writes, refused ones too, once the journal has every entry that the outbox held at the commit. A retry
   * may write no entry of its own but rely on one of those. Neither the next commit nor writes that reads depend on
   * wait for the journal.
   */
  #answer(all: readonly RunWrite[], listed: readonly number[]): void {
    for (const one of all) if (!waitsForJournal(one.pending.name)) answerWrite(one);
    const ran = all.filter(({ pending }) => waitsForJournal(pending.name));
    const answered = this.#queue
      .settle(
        listed,
        ran.flatMap(({ entries }) => entries),
      )
      .then(
        () => {
          for (const one of ran) answerWrite(one);
        },
        (error) => {
          for (const { pending } of ran) pending.reject(error);
        },
      )
      .finally(() => this.#answers.delete(answered));
    this.#answers.add(answered);
  }

  #tx(entries: JournalEntry[]): Tx {
    return { ...this.#source, shard: 0, entries, jobMessage: this.#jobMessage };
  }

  #rollback(): void {
    if (this.#database.isTransaction) this.#database.exec('rollback');
  }
}

function answerWrite(ran: RunWrite): void {
  if ('error' in ran) ran.pending.reject(ran.error);
  else ran.pending.resolve(ran.result);
}
