import type { JournalEntry } from '../domain/blob-store.ts';
import type { Journal } from './journal.ts';

/** Facts are fetched from the table in lots. */
const ENTRIES_PER_BATCH = 500;

/**
 * The way of facts into the store's journal, for one process that writes to a catalog. The table `store_records` says
 * what the journal is owed, whoever noted it: an answer is given when every fact that stood there when its transaction
 * ended is in the journal. A fact that two processes journal is the same fact.
 */
export class JournalQueue {
  readonly #journal: Journal;
  readonly #load: (seqs: readonly number[]) => Promise<readonly JournalEntry[]>;
  /** In the journal, and perhaps still in the table. */
  readonly #journaled = new Set<number>();
  readonly #appending = new Map<number, Promise<void>>();
  /** What the journal did not take. */
  readonly #owedEntries = new Set<number>();

  /** @param load fetches facts from the table; those that another process took off meanwhile are in the journal. */
  constructor(journal: Journal, load: (seqs: readonly number[]) => Promise<readonly JournalEntry[]>) {
    this.#journal = journal;
    this.#load = load;
  }

  /**
   * Journals what could not be journaled before: while that fails nothing new is to be done, or it would grow.
   * @throws what the journal throws.
   */
  async appendOwed(): Promise<void> {
    if (this.#owedEntries.size > 0) await this.#appendMissing([...this.#owedEntries], []);
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
      entries.push(...(await this.#load(others.slice(first, first + ENTRIES_PER_BATCH))));
    }
    if (entries.length > 0) await this.#journal(entries);
  }
}
