/** Everything that a store at rest holds, piece by piece, for rebuilding a catalog. Reading changes nothing. */
import type { BlobDescription, JournalEntry } from './blob-store.ts';

/** A file of the journal. */
export interface JournalFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/** A blob, or a place where one should be. */
export type FoundBlob =
  | { readonly ref: string; readonly description: BlobDescription }
  | { readonly damage: string };

export interface EntriesListener {
  /** Called with what is damaged; reading goes on. */
  onDamage(damage: string): void;
  /**
   * Called at the end with each entry that nothing proves to be flushed. It can be read, but after a failed flush it may
   * never have reached the disk.
   */
  onUnproven?(entry: JournalEntry): void;
}

export interface StoreContents {
  /** The files of the journal, by name. */
  journalFiles(): Promise<readonly JournalFile[]>;
  /** The entries of one file, in the order of its lines. @throws the I/O error. */
  entries(file: string, listener: EntriesListener): AsyncIterable<JournalEntry>;
  /** The names of all packs, and of all folders of blobs in files of their own. */
  containers(): AsyncIterable<string>;
  /** The blobs of one container, without removed ones and without what a crash tore. @throws the I/O error. */
  blobs(container: string): AsyncIterable<FoundBlob>;
  /** The locks in the store's notes, as texts. A damaged note is reported. */
  lockNotes(onDamage: (damage: string) => void): Promise<readonly string[]>;
}
