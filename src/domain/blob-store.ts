/**
 * The port to the blob store. A store knows nothing of vaults: it keeps a blob's bytes, their digests and the label that
 * describes them, and returns a reference that it chose.
 */
import { Shortage, withoutPath } from './errors.ts';

/** Describes a blob, so that the catalog can be rebuilt from the store alone (docs/format.md). */
export interface BlobLabel {
  readonly kind: 'archive' | 'part' | 'inventory';
  readonly account: string;
  readonly region: string;
  readonly vault: string;
  /** Empty for an inventory. */
  readonly archiveId: string;
  /** The archive's description; null when none was given. */
  readonly description: string | null;
  /** Creation of the archive, or arrival of the part; ms since the epoch. */
  readonly createdMs: number;
  /** When an imported archive arrived here; absent if it was not imported. */
  readonly arrivedMs?: number;
  /** Of two parts at one offset, the one with the greater sequence counts. */
  readonly sequence: number;
  /** Parts only. */
  readonly uploadId?: string;
  /** Parts only: bytes. */
  readonly partSize?: number;
  /** Offset of the first byte in the archive. */
  readonly offset: number;
  /** Inventories only: the job that made it. */
  readonly jobId?: string;
}

/** When the blob was written, whatever date an import gave its archive; ms since the epoch. */
export function storedMs({ createdMs, arrivedMs }: Pick<BlobLabel, 'createdMs' | 'arrivedMs'>): number {
  return arrivedMs ?? createdMs;
}

/** The digests of a blob's bytes, computed while they came in. */
export interface BlobDigests {
  readonly size: number;
  /** 64 lower-case hex digits each. */
  readonly treeHash: string;
  readonly linearHash: string;
  /** SHA-256 of each MiB, n × 32 bytes. */
  readonly leaves: Uint8Array;
}

/** Generation and commit number of a writer. Everything written to the store carries it (form 3). */
export interface WriterStamp {
  /** Of the start that the writer belongs to; 0 without a start, as in tests. */
  readonly generation: number;
  /** The newest commit number of the catalog that the writer knew; 0 if it knew none. */
  readonly commitNumber: number;
}

/** Returns the stamp for what is written now. No I/O. */
export type Stamp = () => WriterStamp;

/** For writers that belong to no start. */
export const NO_STAMP: Stamp = () => ({ generation: 0, commitNumber: 0 });

/** A stored blob's own description. */
export interface BlobDescription extends BlobDigests {
  readonly label: BlobLabel;
  /** Undefined for a blob that was written before form 3. */
  readonly writer: WriterStamp | undefined;
}

/** A blob being written. Exactly one of `finish` and `discard` ends it. */
export interface BlobWriter {
  /**
   * Writes and hashes the next bytes. The caller must not change them, nor write again, before the promise resolves.
   * @throws StoreFailure when they cannot be written.
   */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /**
   * Ends the bytes and returns their digests. Call once, before `finish`.
   * @throws StoreFailure when bytes passed to `write` could not be written.
   */
  digest(): Promise<BlobDigests>;
  /**
   * Completes the blob; when this resolves, it survives a power cut.
   * @returns the reference, chosen by the store.
   * @throws StoreFailure; then there is no blob.
   */
  finish(label: BlobLabel): Promise<string>;
  /** Removes what was written. Never throws. */
  discard(): Promise<void>;
}

/** An open blob. It can be read to its end even if it is removed meanwhile. */
export interface OpenBlob {
  readonly description: BlobDescription;
  /**
   * Reads and hashes leaves `first`..`last` (both included) of its data, a few at a time. Reading begins with the first
   * `next`. A caller that ends the iteration early must not use the last run's bytes any more.
   * @param unwanted aborts the iteration, including reads that are queued.
   * @throws BlobDamaged when the blob ends early; the reason of `unwanted`.
   */
  leaves(first: number, last: number, unwanted?: AbortSignal): AsyncGenerator<LeafRun>;
  /** Must not be called while leaves are being read. */
  close(): Promise<void>;
}

/** Some whole leaves of a blob as they were read, not yet verified. */
export interface LeafRun {
  /** Number of the first leaf. */
  readonly first: number;
  /** The leaves' bytes, valid until the next run is requested. */
  readonly bytes: Uint8Array;
  /** SHA-256 of each, n × 32 bytes. */
  readonly digests: Uint8Array;
}

/** One entry of the store's journal: a change that no blob shows. */
export interface JournalEntry {
  /** Order of the entries; a repeated number means the same entry. */
  readonly seq: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** The stamp of its writer; undefined before it is written, and for one written before form 3. */
  readonly writer?: WriterStamp;
}

/** What a start found in the journal files of earlier runs. */
export interface JournalSurvey {
  /** Types of all entries, in no order. */
  readonly types: readonly string[];
  /** What is damaged in which file. */
  readonly damage: readonly string[];
}

/** A blob that a start found in the store but not in the catalog. */
export interface AsideBlob {
  readonly ref: string;
  /** Bytes of its data. */
  readonly size: number;
  readonly kind: BlobLabel['kind'];
  readonly account: string;
  readonly region: string;
  readonly vault: string;
  readonly archiveId: string;
  readonly createdMs: number;
}

/** Blobs that were set aside together. */
export interface AsideBatch {
  /** Chosen by the store. */
  readonly name: string;
  /** When they were set aside; ms since the epoch. */
  readonly asideMs: number;
  readonly blobs: readonly AsideBlob[];
}

/** Keeps blobs. All methods may be called concurrently, by several processes over one store. */
export interface BlobStore {
  /**
   * Begins a blob of exactly `size` bytes, or of unknown size with null.
   * @throws StoreFailure when the store refuses writes.
   */
  create(size: number | null): Promise<BlobWriter>;
  /** Opens a blob for reading. The caller closes it. @throws BlobMissing, BlobDamaged. */
  open(ref: string): Promise<OpenBlob>;
  /** Reads a blob's description. @throws BlobMissing, BlobDamaged. */
  describe(ref: string): Promise<BlobDescription>;
  /** Removes a blob; does nothing if there is none. */
  remove(ref: string): Promise<void>;
  /** Confirms a blob: the row that names it is durable. */
  confirm(ref: string): void;
  /**
   * Blobs that may have been stored without being confirmed before their process ended. Ask the catalog which of them
   * it names.
   */
  unconfirmed(): AsyncIterable<string>;
  /**
   * Notes that every blob of `unconfirmed` was confirmed or set aside, so that the next start need not ask again. At a
   * start only, while no other process writes.
   * @param unsettled references that could not be described, so that the next start must ask again.
   * @returns what could not be read and stays unconfirmed. @throws the I/O error.
   */
  confirmAll(unsettled?: ReadonlySet<string>): Promise<readonly string[]>;
  /**
   * Frees the disk space of removed blobs where that is worth the work. Only in the process that removes blobs.
   * @throws the I/O error.
   */
  compact(): Promise<void>;
  /**
   * Closes the pack that this process appends to, so that `compact` may shrink it. Call while the disk is full, so that
   * deletions free space. @throws the I/O error.
   */
  sealPack(): Promise<void>;
  /** Every whole blob, in any order. */
  list(): AsyncIterable<string>;
  /** Appends entries to the journal; durable when it resolves. @throws StoreFailure. */
  appendEntries(entries: readonly JournalEntry[]): Promise<void>;
  /**
   * Every journal entry, in any order; one may come twice.
   * @param onDamage called for damage, after which reading goes on. @throws BlobDamaged by default.
   */
  journalEntries(onDamage?: (damage: BlobDamaged) => void): AsyncIterable<JournalEntry>;
  /**
   * Closes the journal files that earlier processes left open: from then on, a change at a file's end is damage. At a start
   * only, while no server writes. Leaves a damaged file as it is. @throws StoreFailure, the I/O error.
   */
  closeJournals(): Promise<JournalSurvey>;
  /** The greatest number of any journal entry; 0 without one. */
  lastEntrySeq(): Promise<number>;
  /**
   * The greatest commit number in the journal and in the note of `noteCommitNumber`; 0 without one.
   * @throws NoteDamaged.
   */
  lastCommitNumber(): Promise<number>;
  /** Notes a commit number that the catalog has durably reached; durable when it resolves. */
  noteCommitNumber(number: number): Promise<void>;
  /**
   * Sets aside blobs that the catalog does not name: they stay in place, are no longer unconfirmed, and are listed by
   * `listAside`. Durable when it resolves. @throws StoreFailure.
   */
  setAside(blobs: readonly AsideBlob[], nowMs: number): Promise<void>;
  /** The batches that were set aside, oldest first. @throws NoteDamaged. */
  listAside(): AsyncIterable<AsideBatch>;
  /** Forgets a batch whose blobs are removed, or named by the catalog after all. */
  dropAside(batch: AsideBatch): Promise<void>;
  /** Keeps a small named text, replacing an older one; durable when it resolves. @param name of `a-z0-9-`. */
  putNote(name: string, text: string): Promise<void>;
  /** @throws NoteDamaged, which names the file. */
  note(name: string): Promise<string | undefined>;
  removeNote(name: string): Promise<void>;
  /** Names of all notes that begin with this. */
  noteNames(prefix: string): Promise<readonly string[]>;
  /** Why the store accepts no more writes (a flush failed); undefined while it does. */
  failure(): Error | undefined;
  close(): Promise<void>;
}

/** There is no blob under this reference. */
export class BlobMissing extends Error {
  readonly ref: string;

  constructor(ref: string) {
    super(`no blob ${ref}`);
    this.name = 'BlobMissing';
    this.ref = ref;
  }
}

/** The blob exists but is not what was stored. */
export class BlobDamaged extends Error {
  readonly ref: string;
  /** Number of the damaged leaf; null if its description or its size is wrong. */
  readonly leaf: number | null;

  constructor(ref: string, why: string, leaf: number | null = null) {
    super(`blob ${ref} is damaged: ${why}`);
    this.name = 'BlobDamaged';
    this.ref = ref;
    this.leaf = leaf;
  }
}

/** A note of the store is not what was written. */
export class NoteDamaged extends Error {
  /** @param path of its file. */
  constructor(path: string, why: string) {
    super(
      `${path} is damaged: ${why}. Put the file back from a backup; docs/operating.md, "Restoring", says what each is for`,
    );
    this.name = 'NoteDamaged';
  }
}

/** The store could not do what was asked (disk full, I/O error) and stored nothing. */
export class StoreFailure extends Shortage {
  /** @param what could not be done. @param cause of which the message holds what a client may read. */
  constructor(what: string, cause?: unknown) {
    super(cause === undefined ? what : `${what}: ${withoutPath(cause)}`, { cause });
    this.name = 'StoreFailure';
  }
}
