/** The port to the scratch database of a rebuild, in which what the store holds is sorted and matched. */
import type { BlobDescription, JournalEntry, WriterStamp } from './blob-store.ts';
import type { Entry } from './entries.ts';
import type { RebuildState } from './rebuild-state.ts';

/** Where something is damaged. Damage of the journal may hide that anything was made or deleted. */
export type DamageKind = 'journal' | 'blob' | 'archive';

export interface RebuildScratch {
  readonly state: RebuildState;
  isDone(step: string): boolean;
  /** Runs a step in a transaction that notes it as done. After a failure or a kill it never happened. */
  runStep(step: string, work: () => Promise<void>): Promise<void>;
  /** Keeps an entry until all are there; the same number counts once. */
  keepEntry(entry: JournalEntry): void;
  /** Keeps an entry that may not be on the disk: the new catalog's outbox gets it. */
  keepUnproven(entry: JournalEntry): void;
  /** The kept entries by number. */
  keptEntries(): Iterable<Entry>;
  /** Notes the number of an entry, and the stamp of something in the store. */
  noteSeq(seq: number): void;
  noteWriter(writer: WriterStamp | undefined): void;
  addBlob(ref: string, description: BlobDescription): void;
  addDamage(kind: DamageKind, what: string): void;
}
