import type { JournalEntry } from '../domain/blob-store.ts';
import { withChangedNothing } from '../domain/errors.ts';
import { type Journal, type JournalDeps, type JournalFailure, outboxEntries } from './journal.ts';
import type { Source } from './transaction.ts';

/** Entries loaded from the outbox at a time. */
const ENTRIES_PER_BATCH = 500;

/**
 * Moves entries from the outbox to the store's journal, in each process that writes to a catalog. An answer waits until
 * the journal has every entry that the outbox held when its transaction ended, including those of other processes. Two
 * processes may journal the same entry; it keeps its number and counts once.
 */
export class JournalQueue {
  readonly #source: Source;
  readonly #journal: Journal;
  readonly #failure: JournalFailure;
  /** In the journal, and perhaps still in the outbox. */
  readonly #journaled = new Set<number>();
  readonly #appending = new Map<number, Promise<void>>();
  /** Entries that the journal failed to append. */
  readonly #owedEntries = new Set<number>();

  constructor(source: Source, { journal, failure = () => undefined }: JournalDeps) {
    this.#source = source;
    this.#journal = journal;
    this.#failure = failure;
  }

  /** The error for a write that has not begun while the journal accepts no entries; undefined while it does. */
  failure(): unknown {
    const failure = this.#failure();
    return failure && withChangedNothing(failure);
  }

  /**
   * Appends the entries that an earlier append failed on. Until that succeeds no write may begin, because it would only
   * add to them.
   * @throws what the journal throws, as an error that changed nothing.
   */
  async appendOwed(): Promise<void> {
    if (this.#owedEntries.size === 0) return;
    await this.#appendMissing([...this.#owedEntries], []).catch((error) => {
      throw withChangedNothing(error);
    });
  }

  /**
   * Resolves when the journal has all of `listed`.
   * @param listed numbers of all entries in the outbox when a transaction ended. @param own entries of that
   * transaction, which need not be loaded.
   * @throws what the journal throws; the entries that it did not append are retried by the next call of `appendOwed`.
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

  /** Journaled entries that may be dropped from the outbox: all but the newest, which keeps the greatest number. */
  droppableSeqs(): readonly number[] {
    let newest = 0;
    for (const seq of this.#journaled) if (seq > newest) newest = seq;
    return [...this.#journaled].filter((seq) => seq !== newest);
  }

  /** Notes that these were dropped from the outbox, durably or not. */
  markDropped(seqs: readonly number[]): void {
    for (const seq of seqs) this.#journaled.delete(seq);
  }

  /** Forgets journaled entries that another process has dropped from the outbox. */
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

  /** Entries that another process dropped from the outbox meanwhile are in the journal already. */
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
