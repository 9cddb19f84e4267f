import type { StoreRecord } from '../domain/blob-store.ts';
import type { Journal } from './journal.ts';

/** Facts are fetched from the table in lots. */
const FACTS_PER_LOT = 500;

/**
 * The way of facts into the store's journal, for one process that writes to a catalog. The table `store_records` says
 * what the journal is owed, whoever noted it: an answer is given when every fact that stood there when its transaction
 * ended is in the journal. A fact that two processes journal is the same fact.
 */
export class JournalQueue {
  readonly #journal: Journal;
  readonly #load: (seqs: readonly number[]) => Promise<readonly StoreRecord[]>;
  /** In the journal, and perhaps still in the table. */
  readonly #journaled = new Set<number>();
  readonly #underWay = new Map<number, Promise<void>>();
  /** What the journal did not take. */
  readonly #owed = new Set<number>();

  /** @param load fetches facts from the table; those that another process took off meanwhile are in the journal. */
  constructor(journal: Journal, load: (seqs: readonly number[]) => Promise<readonly StoreRecord[]>) {
    this.#journal = journal;
    this.#load = load;
  }

  /**
   * Journals what could not be journaled before: while that fails nothing new is to be done, or it would grow.
   * @throws what the journal throws.
   */
  async payOwed(): Promise<void> {
    if (this.#owed.size > 0) await this.#reach([...this.#owed], []);
  }

  /**
   * Resolves when the journal has all these facts.
   * @param listed numbers of all facts in the table as a transaction ended. @param own those that are at hand.
   * @throws what the journal throws; what it did not take is owed.
   */
  async settle(listed: readonly number[], own: readonly StoreRecord[]): Promise<void> {
    this.#forget(listed);
    await this.#reach(listed, own);
  }

  async #reach(seqs: readonly number[], own: readonly StoreRecord[]): Promise<void> {
    const waits = new Set<Promise<void>>();
    const missing: number[] = [];
    for (const seq of seqs) {
      const underWay = this.#underWay.get(seq);
      if (underWay) waits.add(underWay);
      else if (!this.#journaled.has(seq)) missing.push(seq);
    }
    if (missing.length > 0) waits.add(this.#append(missing, own));
    await Promise.all(waits);
  }

  /** What may be taken off the table: the newest fact stays there, because it tells the greatest number. */
  droppable(): readonly number[] {
    const newest = Math.max(...this.#journaled);
    return [...this.#journaled].filter((seq) => seq !== newest);
  }

  /** These are off the table, durably or not. */
  dropped(seqs: readonly number[]): void {
    for (const seq of seqs) this.#journaled.delete(seq);
  }

  /** Other processes take facts off the table as well. */
  #forget(listed: readonly number[]): void {
    const oldest = Math.min(...listed.slice(0, 1));
    for (const seq of this.#journaled) if (seq < oldest) this.#journaled.delete(seq);
  }

  #append(seqs: readonly number[], own: readonly StoreRecord[]): Promise<void> {
    const appended = this.#toJournal(seqs, own)
      .then(
        () => {
          for (const seq of seqs) {
            this.#journaled.add(seq);
            this.#owed.delete(seq);
          }
        },
        (error) => {
          for (const seq of seqs) this.#owed.add(seq);
          throw error;
        },
      )
      .finally(() => {
        for (const seq of seqs) this.#underWay.delete(seq);
      });
    for (const seq of seqs) this.#underWay.set(seq, appended);
    return appended;
  }

  async #toJournal(seqs: readonly number[], own: readonly StoreRecord[]): Promise<void> {
    const wanted = new Set(seqs);
    const records = own.filter(({ seq }) => wanted.delete(seq));
    const others = [...wanted];
    for (let first = 0; first < others.length; first += FACTS_PER_LOT) {
      records.push(...(await this.#load(others.slice(first, first + FACTS_PER_LOT))));
    }
    if (records.length > 0) await this.#journal(records);
  }
}
