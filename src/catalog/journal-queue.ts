import type { JournalEntry } from '../domain/blob-store.ts';
import { withChangedNothing } from '../domain/errors.ts';
import { type Journal, type JournalDeps, type JournalFailure, outboxEntries } from './journal.ts';
import type { Source } from './transaction.ts';

/** Facts are fetched from the table in lots. */
const ENTRIES_PER_BATCH = 500;

/**
 * The way of facts into the store's journal, for one process that writes to a catalog. The table `store_records` says
 * what the journal is owed, whoever noted it: an answer is given when every fact that stood there when its transaction
 * ended is in the journal. A fact that two processes journal is the same fact.
 */
export class JournalQueue {
  readonly #source: Source;
  readonly #journal: Journal;
  readonly #failure: JournalFailure;
  /** In the journal, and perhaps still in the table. */
  readonly #journaled = new Set<number>();
  readonly #appending = new Map<number, Promise<void>>();
  /** What the journal did not take. */
  readonly #owedEntries = new Set<number>();

  constructor(source: Source, { journal, failure = () => undefined }: JournalDeps) {
    this.#source = source;
    this.#journal = journal;
    this.#failure = failure;
  }

  /** The error for a write that has not begun while the journal takes no entries; undefined while it does. */
  failure(): unknown {
    const failure = this.#failure();
    return failure && withChangedNothing(failure);
  }

  /**
   * Appends the entries that an earlier append failed on. Until that succeeds no write may begin, or more would be owed.
   * @throws what the journal throws, as an error that changed nothing.
   */
  async appendOwed(): Promise<void> {
    if (this.#owedEntries.size === 0) return;
    await this.#appendMissing([...this.#owedEntries], []).catch((error) => {
      throw withChangedNothing(error);
    });
  }

  /**
   * Resolves when the journal has all these facts.
   * @param listed numbers of all facts in the table as a transaction ended. @param own those that are at hand.
   * @throws what the journal throws; what it did not take is owed.
   */
  async settle(listed: readonly number[], own: readonly JournalEntry[]): Promise<void> {
    this.#forget(listed);
    await this.#appendMissing(listed, own);
  }

  async #appendMissing(seqs: readonly number[], own: readonly JournalEntry[]): Promise<void> {
    const waits = new Set<Promise<void>>();
    const missing: number[] = [];
    for (const seq of seqs) {
      const underWay = this.#appending.get(seq);
      if (underWay) waits.add(underWay);
      else if (!this.#journaled.has(seq)) missing.push(seq);
    }
    if (missing.length > 0) waits.add(this.#append(missing, own));
    await Promise.all(waits);
  }

  /** What may be taken off the table: the newest fact stays there, because it tells the greatest number. */
  droppableSeqs(): readonly number[] {
    const newest = Math.max(...this.#journaled);
    return [...this.#journaled].filter((seq) => seq !== newest);
  }

  /** These are off the table, durably or not. */
  markDropped(seqs: readonly number[]): void {
    for (const seq of seqs) this.#journaled.delete(seq);
  }

  /** Other processes take facts off the table as well. */
  #forget(listed: readonly number[]): void {
    const oldest = Math.min(...listed.slice(0, 1));
    for (const seq of this.#journaled) if (seq < oldest) this.#journaled.delete(seq);
  }

  #append(seqs: readonly number[], own: readonly JournalEntry[]): Promise<void> {
    const appended = this.#appendBatch(seqs, own)
      .then(
        () => {
          for (const seq of seqs) {
            this.#journaled.add(seq);
            this.#owedEntries.delete(seq);
          }
        },
        (error) => {
          for (const seq of seqs) this.#owedEntries.add(seq);
          throw error;
        },
      )
      .finally(() => {
        for (const seq of seqs) this.#appending.delete(seq);
      });
    for (const seq of seqs) this.#appending.set(seq, appended);
    return appended;
  }

  async #appendBatch(seqs: readonly number[], own: readonly JournalEntry[]): Promise<void> {
    const wanted = new Set(seqs);
    const entries = own.filter(({ seq }) => wanted.delete(seq));
    const others = [...wanted];
    for (let first = 0; first < others.length; first += ENTRIES_PER_BATCH) {
      entries.push(...(await outboxEntries(this.#source, others.slice(first, first + ENTRIES_PER_BATCH))));
    }
    if (entries.length > 0) await this.#journal(entries);
  }
}
