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

export interface DropFromOutboxArgs {
  readonly seqs: readonly number[];
}

export interface OutboxWrites {
  /**
   * Adds entries of all accounts, users, policies, keys, capacity units and settings that were made before this version,
   * which left none. Does nothing the second time. Call it when new entries are numbered above those of the store.
   */
  journalPeople(args: Record<string, never>): Promise<void>;
  /** Numbers new entries from above `beyond`. */
  skipEntrySeqs(args: SkipEntrySeqsArgs): Promise<void>;
  /** Removes entries that the journal has from the outbox, but for the newest, which keeps the number. */
  dropFromOutbox(args: DropFromOutboxArgs): Promise<void>;
}
