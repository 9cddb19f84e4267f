/**
 * The port under which bytes are kept. A store knows nothing of vaults: it keeps a blob's bytes, the label
 * that describes them and their digests, and answers with a reference that it chose itself.
 */
import { Shortage, withoutPath } from './errors.ts';

/** What a blob says of itself, so that the catalog can be rebuilt from the store alone (docs/format.md). */
export interface BlobLabel {
  readonly kind: 'archive' | 'part' | 'inventory';
  readonly account: string;
  readonly region: string;
  readonly vault: string;
  /** Of an inventory: empty. */
  readonly archiveId: string;
  /** Of the archive; null when none was given. */
  readonly description: string | null;
  /** Creation of the archive, or arrival of the part; ms since the epoch. */
  readonly createdMs: number;
  /** Which of two parts at one offset counts: the greater one. */
  readonly sequence: number;
  /** Parts only. */
  readonly uploadId?: string;
  /** Parts only: bytes. */
  readonly partSize?: number;
  /** Offset of the first byte in the archive. */
  readonly offset: number;
  /** Inventories only: the job whose output it is. */
  readonly jobId?: string;
}

/** The digests of a blob's bytes, hashed while they came in. */
export interface BlobDigests {
  readonly size: number;
  /** 64 lower-case hex digits each. */
  readonly treeHash: string;
  readonly linearHash: string;
  /** SHA-256 of each MiB, n × 32 bytes. */
  readonly leaves: Uint8Array;
}

/** Who wrote something to a store, and how far the catalog had come: stands in everything that is written (form 3). */
export interface WriterStamp {
  /** Of the start that the writer belongs to; 0 where no start was (in tests). */
  readonly generation: number;
  /** The catalog's commit number as the writer knew it; 0 if it knew none. */
  readonly commitNumber: number;
}

/** Gives the stamp of what is written now, without I/O. */
export type Stamp = () => WriterStamp;

/** What writers stamp with that belong to no start. */
export const NO_STAMP: Stamp = () => ({ generation: 0, commitNumber: 0 });

/** A stored blob as it describes itself. */
export interface BlobDescription extends BlobDigests {
  readonly label: BlobLabel;
  /** Undefined for a blob that was written before form 3. */
  readonly writer: WriterStamp | undefined;
}

/** A blob being written. Exactly one of `finish` and `discard` ends it. */
export interface BlobWriter {
  /**
   * Takes the next bytes, hashing them on the way; the caller must not touch them before the promise resolves,
   * and waits for it before the next write.
   * @throws StoreFailure when they cannot be written.
   */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /**
   * Ends the bytes: what they hash to, before the blob comes into being. Call once, before `finish`.
   * @throws StoreFailure when bytes that were taken could not be written.
   */
  digest(): Promise<BlobDigests>;
  /**
   * Makes the blob whole and durable: when this resolves it survives a power cut.
   * @returns the reference, chosen by the store.
   * @throws StoreFailure; then nothing has come into being.
   */
  finish(label: BlobLabel): Promise<string>;
  /** Gives up: nothing remains. Never throws. */
  discard(): Promise<void>;
}

/** A blob that is open: it can be read to its end, also when it is removed meanwhile. */
export interface OpenBlob {
  readonly description: BlobDescription;
  /**
   * Leaves `first`..`last` (both included) of its data, a few at a time, hashed as they were read. Nothing is read
   * before the first is asked for. Whoever ends the iteration early does not use the last run's bytes any more.
   * @param unwanted ends the reading, also what waits for its turn, and with it the iteration.
   * @throws BlobDamaged when the blob ends early; the reason of `unwanted`.
   */
  leaves(first: number, last: number, unwanted?: AbortSignal): AsyncGenerator<LeafRun>;
  /** Not while leaves are being read. */
  close(): Promise<void>;
}

/** Some whole leaves of a blob as they were read, not yet compared with anything. */
export interface LeafRun {
  /** Number of the first leaf. */
  readonly first: number;
  /** The leaves' bytes, good until the next run is asked for. */
  readonly bytes: Uint8Array;
  /** SHA-256 of each, n × 32 bytes. */
  readonly digests: Uint8Array;
}

/** One entry of the store's journal: a fact that only a transaction knew. */
export interface JournalEntry {
  /** Order of the facts; a repeated number is the same fact. */
  readonly seq: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** Who wrote it to the journal; undefined for one that is not written yet, or was before form 3. */
  readonly writer?: WriterStamp;
}

/** A blob that a start found in the store and not in the catalog. */
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
   * Begins a blob of exactly `size` bytes, or of as many as will be written with null.
   * @throws StoreFailure when the store refuses writes.
   */
  create(size: number | null): Promise<BlobWriter>;
  /** Opens a blob for reading. Whoever opened it closes it. @throws BlobMissing, BlobDamaged. */
  open(ref: string): Promise<OpenBlob>;
  /** What the blob says of itself. @throws BlobMissing, BlobDamaged. */
  describe(ref: string): Promise<BlobDescription>;
  /** Removes a blob; one that is not there is removed already. */
  remove(ref: string): Promise<void>;
  /** Says that the row naming this blob is durable: it is no orphan whatever happens next. */
  confirm(ref: string): void;
  /**
   * Blobs that were stored when their process ended, but perhaps never confirmed: the catalog knows which count.
   */
  unconfirmed(): AsyncIterable<string>;
  /**
   * Says that all of `unconfirmed` were judged, so that the next start need not ask again. At a start only, while
   * no other process writes. @returns what could not be read, and will be asked about again. @throws the I/O error.
   */
  confirmAll(): Promise<readonly string[]>;
  /**
   * Gives back the room of removed blobs where that is worth the work. In one process at a time, the one that
   * removes blobs. @throws the I/O error.
   */
  compact(): Promise<void>;
  /**
   * Lets `compact` have what this process writes small blobs to: to be called while the disk is full, so that what is
   * deleted gives room back. @throws the I/O error.
   */
  sealPack(): Promise<void>;
  /** Every whole blob, in no order. */
  list(): AsyncIterable<string>;
  /** Appends records to the journal; durable when it resolves. @throws StoreFailure. */
  appendEntries(entries: readonly JournalEntry[]): Promise<void>;
  /** Every journal record, in no order; a record may come twice. */
  journalEntries(): AsyncIterable<JournalEntry>;
  /** The greatest number of any journal record; 0 without one. */
  lastEntrySeq(): Promise<number>;
  /**
   * The greatest commit number that the journal or the note of `noteCommitNumber` has; 0 without one.
   * @throws NoteDamaged.
   */
  lastCommitNumber(): Promise<number>;
  /** Keeps a commit number that the catalog has reached durably; durable when it resolves. */
  noteCommitNumber(number: number): Promise<void>;
  /**
   * Sets blobs aside that the catalog does not name: they stay as they are, are no longer unconfirmed, and are found by
   * `listAside`. Durable when it resolves. @throws StoreFailure.
   */
  setAside(blobs: readonly AsideBlob[], nowMs: number): Promise<void>;
  /** What is set aside, the oldest first, as it was set aside together. @throws NoteDamaged. */
  listAside(): AsyncIterable<AsideBatch>;
  /** Forgets a lot: its blobs are removed, or named by the catalog after all. */
  dropAside(batch: AsideBatch): Promise<void>;
  /** Keeps a small named text, replacing an older one; durable when it resolves. @param name of `a-z0-9-`. */
  putNote(name: string, text: string): Promise<void>;
  /** @throws NoteDamaged, which names the file. */
  note(name: string): Promise<string | undefined>;
  removeNote(name: string): Promise<void>;
  /** Names of all notes that begin with this. */
  noteNames(prefix: string): Promise<readonly string[]>;
  /** Why the store takes no more writes (a flush failed), or undefined while all is well. */
  failure(): Error | undefined;
  close(): Promise<void>;
}

/** There is no blob under this reference. */
export class BlobMissing extends Error {
  constructor(ref: string) {
    super(`no blob ${ref}`);
    this.name = 'BlobMissing';
  }
}

/** The blob is there but not what it was when it was stored. */
export class BlobDamaged extends Error {
  constructor(ref: string, why: string) {
    super(`blob ${ref} is damaged: ${why}`);
    this.name = 'BlobDamaged';
  }
}

/** A small text of the store is not what was written. */
export class NoteDamaged extends Error {
  /** @param path of its file. */
  constructor(path: string, why: string) {
    super(
      `${path} is damaged: ${why}. Put the file back from a backup; docs/operating.md, "Restoring", says what each is for`,
    );
    this.name = 'NoteDamaged';
  }
}

/** The store could not do what was asked (disk full, I/O error); nothing came into being. */
export class StoreFailure extends Shortage {
  /** @param what could not be done. Of the cause, the message says what a client may read. */
  constructor(what: string, cause?: unknown) {
    super(cause === undefined ? what : `${what}: ${withoutPath(cause)}`, { cause });
    this.name = 'StoreFailure';
  }
}
