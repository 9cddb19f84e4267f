import type { JournalEntry } from './blob-store.ts';

export interface OutboxReads {
  /** Committed entries that may not have reached the store's journal, oldest first. */
  listOutbox(limit: number): Promise<readonly JournalEntry[]>;
  /** The greatest number that any entry ever had; 0 before the first. */
  lastEntrySeq(): Promise<number>;
}

export interface SkipEntrySeqsArgs {
  readonly beyond: number;
}

export interface JournalCatalogArgs {
  /** The number of a vault; null at first. */
  readonly after: number | null;
}

export interface DropFromOutboxArgs {
  readonly seqs: readonly number[];
}

export interface OutboxWrites {
  /**
   * Adds entries of all accounts, users, policies, keys, capacity units and settings that were made before this version,
   * which left none. Does nothing the second time. Call it when new entries are numbered above those of the store.
   */
  journalPeople(args: Record<string, never>): Promise<void>;
  /**
   * Adds entries of what the catalog has: at first of all that `journalPeople` adds, then of some vaults with their
   * settings and open uploads. For an older catalog that is accepted: the journal has entries of what this catalog lost,
   * and they no longer hold.
   * @returns the number of the last vault, after which to go on; null after the last of all.
   */
  journalCatalog(args: JournalCatalogArgs): Promise<number | null>;
  /** Numbers new entries from above `beyond`. */
  skipEntrySeqs(args: SkipEntrySeqsArgs): Promise<void>;
  /** Removes entries that the journal has from the outbox, but for the newest, which keeps the number. */
  dropFromOutbox(args: DropFromOutboxArgs): Promise<void>;
}
