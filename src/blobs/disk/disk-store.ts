import {
  type AsideBatch,
  type AsideBlob,
  type BlobDamaged,
  type BlobDescription,
  type BlobStore,
  type BlobWriter,
  type JournalEntry,
  type JournalSurvey,
  NO_STAMP,
  type OpenBlob,
  type Stamp,
  StoreFailure,
} from '../../domain/blob-store.ts';
import { type DiskSpace, NO_RESERVE, withReserve } from '../../domain/disk-space.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import type { BlobVerdict, ScrubOptions, ScrubStep, ScrubStore } from '../../domain/scrub-store.ts';
import { COMMIT_NOTE, JOURNAL_CLOSED_NOTE } from '../../domain/store-identity.ts';
import { ignoreErrors } from '../../durable/errors.ts';
import type { FileSystem } from '../../durable/file-system.ts';
import { FolderFlusher } from '../../durable/folder-flusher.ts';
import { realFileSystem } from '../../durable/real-file-system.ts';
import type { HashEngine } from '../../hashing/hash-engine.ts';
import { DirectFiles } from '../blob/direct-file.ts';
import type { LeafReadDeps } from '../blob/leaf-reader.ts';
import { describeBlob, openBlob } from '../blob/open.ts';
import type { PlacedBlob } from '../blob/placed-blob.ts';
import { ReadSemaphore } from '../blob/read-semaphore.ts';
import { RunBuffers } from '../blob/run-buffers.ts';
import { PackedWriter, Packs } from '../packs/index.ts';
import { AllocatingWriter } from './allocating-writer.ts';
import { DiskAside } from './aside.ts';
import { DiskFiles } from './files.ts';
import { Gate } from './gate.ts';
import { DiskJournal } from './journal.ts';
import { closeJournals, findJournalEnd, readJournals } from './journal-files.ts';
import { DiskNotes } from './notes.ts';
import { DiskPaths, parseRef } from './paths.ts';
import { makeBlobFolders } from './prepare.ts';
import { fileOf, findAbsent, proveFile, scrubDisk, scrubKey, verifyFileBlob } from './scrub.ts';
import { throwStoreFailure } from './store-failure.ts';

/** Blobs up to this size go into packs: for them, creating a file costs more than writing the bytes. */
export const PACKED_BYTES = 256 * 1024;

/** Lets the engine hash two leaves side by side, and is small enough for many concurrent downloads. */
const READ_LEAVES = 2;
/** Runs of a blob that are in memory while it is verified. */
const VERIFY_RUNS = 2;
/** Number of wide read buffers: at most 96 MiB in all. */
const WIDE_READS = 6;

/** One less than the threads of the pool, so that opening, closing and writing files never wait for long reads. */
const READS_AT_ONCE = 3;
/** A longer pack is followed by the next. Bounds what compacting one pack rewrites. */
export const PACK_BYTES = 64 * 1024 * 1024;

export interface DiskStoreOptions {
  /** Stamps everything that this store writes. */
  readonly stamp?: Stamp;
  /** Called after a blob was confirmed or entries were written, before the change is acknowledged. Not for notes. */
  onWrite?(): void;
  /** Allocates space for new blobs, and has a reserve for entries, notes, removals and compaction. */
  readonly space?: DiskSpace;
  /** A pack of at least this many bytes is followed by the next. */
  readonly packBytes?: number;
  /** Holds the folder: this machine's file system, or that of a simulation. */
  readonly fs?: FileSystem;
}

/** Blobs on a local disk: large ones in files of their own, small ones in packs. */
export class DiskStore implements BlobStore, ScrubStore {
  readonly #paths: DiskPaths;
  readonly #random: RandomBytes;
  readonly #engine: HashEngine;
  readonly #stamp: Stamp;
  readonly #reading: LeafReadDeps;
  /** For scrubs. */
  readonly #direct: DirectFiles;
  readonly #onWrite: () => void;
  readonly #flushers = new Map<string, FolderFlusher>();
  readonly #files: DiskFiles;
  readonly #packs: Packs;
  readonly #journal: DiskJournal;
  /** Name of the journal file that this process writes. */
  readonly #journalName: string;
  readonly #notes: DiskNotes;
  readonly #space: DiskSpace;
  readonly #aside: DiskAside;
  /** Shared by everything that flushes; exclusive for replacing the folders. */
  readonly #gate = new Gate();
  #failure: Error | undefined;

  /**
   * @param folder prepared by `prepareDiskStore`. @param engine hashes what is written and read.
   */
  constructor(folder: string, random: RandomBytes, engine: HashEngine, options: DiskStoreOptions = {}) {
    const { stamp = NO_STAMP, onWrite = () => {}, space = NO_RESERVE, packBytes = PACK_BYTES } = options;
    const { fs = realFileSystem } = options;
    const paths = new DiskPaths(folder, fs);
    this.#space = space;
    this.#paths = paths;
    this.#random = random;
    this.#engine = engine;
    this.#stamp = stamp;
    this.#onWrite = onWrite;
    const lengths = { narrow: READ_LEAVES, wide: engine.leavesAtOnce, wideBuffers: WIDE_READS };
    this.#reading = { engine, buffers: new RunBuffers(lengths), turns: new ReadSemaphore(READS_AT_ONCE) };
    this.#direct = new DirectFiles(fs, engine);
    const flush = (run: () => Promise<void>) => this.#runFlush(run);
    const flusher = (of: string) => this.#flusher(of);
    const publishing = (publish: () => Promise<void>) => this.#publishing(publish);
    this.#files = new DiskFiles({ paths, random, engine, stamp, flush, flusher, publishing });
    this.#packs = new Packs({ paths, random, engine, flush, flusher, packBytes });
    this.#journalName = `${random(16).toString('hex')}.jsonl`;
    const texts = (path: string) => ({ fs, folder: path, flusher: flusher(path), flush, stamp });
    this.#journal = new DiskJournal({ ...texts(paths.journal), name: this.#journalName });
    const notesIn = (path: string) => new DiskNotes({ ...texts(path), random });
    this.#notes = notesIn(paths.notes);
    this.#aside = new DiskAside(notesIn(paths.aside), random);
  }

  async create(size: number | null): Promise<BlobWriter> {
    this.#requireWritable();
    const allocation = await this.#space.allocate(size);
    try {
      return new AllocatingWriter(await this.#writer(size), allocation);
    } catch (error) {
      allocation.end(error);
      throw error;
    }
  }

  async #writer(size: number | null): Promise<BlobWriter> {
    if (size === null || size > PACKED_BYTES) return this.#files.create(size);
    return new PackedWriter(this.#engine, size, this.#stamp, (pieces) =>
      this.#publishing(() => this.#packs.append(pieces)),
    );
  }

  #publishing<Result>(publish: () => Promise<Result>): Promise<Result> {
    return this.#gate.runShared(() => {
      this.#requireWritable();
      return publish();
    });
  }

  /**
   * A failed flush is final: the kernel may have dropped the pages and report success for the next flush, so nothing
   * written since the last good one can be trusted (invariant 1).
   */
  async #runFlush(flush: () => Promise<void>): Promise<void> {
    this.#requireWritable();
    try {
      await flush();
    } catch (error) {
      this.#failure ??= new StoreFailure('the disk store takes no more writes: a flush failed', error);
      throw this.#failure;
    }
  }

  async open(ref: string): Promise<OpenBlob> {
    return openBlob(this.#reading, await this.#place(ref));
  }

  async describe(ref: string): Promise<BlobDescription> {
    const blob = await this.#place(ref);
    try {
      return await describeBlob(blob);
    } finally {
      await blob.file.close();
    }
  }

  async #place(ref: string): Promise<PlacedBlob> {
    const found = parseRef(ref);
    return 'name' in found ? this.#files.open(found.name) : this.#packs.open(found);
  }

  remove(ref: string): Promise<void> {
    return this.#gate.runShared(async () => {
      this.#requireWritable();
      const found = parseRef(ref);
      await withReserve(this.#space, () =>
        'name' in found ? this.#files.remove(found.name) : this.#packs.remove(found),
      );
    });
  }

  confirm(ref: string): void {
    this.#onWrite();
    const found = parseRef(ref);
    if ('name' in found) this.#files.confirm(found.name);
    else this.#packs.confirm(found);
  }

  async *unconfirmed(): AsyncIterable<string> {
    yield* this.#files.unconfirmed();
    yield* this.#packs.unconfirmed();
  }

  confirmAll(unsettled?: ReadonlySet<string>): Promise<readonly string[]> {
    return this.#packs.confirmAll(unsettled);
  }

  async *list(): AsyncIterable<string> {
    yield* this.#files.list();
    yield* this.#packs.list();
  }

  async compact(): Promise<void> {
    this.#requireWritable();
    await this.#gate.runShared(() => this.#packs.compact((task) => withReserve(this.#space, task)));
  }

  /** Begins a new pack with the next small blob, so that the current one can be compacted, as a full disk requires. */
  sealPack(): Promise<void> {
    return this.#packs.seal();
  }

  async appendEntries(entries: readonly JournalEntry[]): Promise<void> {
    this.#requireWritable();
    await this.#gate
      .runShared(() => withReserve(this.#space, () => this.#journal.append(entries)))
      .catch(throwStoreFailure('a journal entry cannot be kept'));
    this.#onWrite();
  }

  async *journalEntries(onDamage?: (damage: BlobDamaged) => void): AsyncIterable<JournalEntry> {
    const note = await this.note(JOURNAL_CLOSED_NOTE);
    const closedBefore = note === undefined ? 0 : (JSON.parse(note) as { generation: number }).generation;
    yield* readJournals(this.#paths.journal, { fs: this.#paths.fs, closedBefore, onDamage });
  }

  async closeJournals(): Promise<JournalSurvey> {
    this.#requireWritable();
    const { fs, journal: folder } = this.#paths;
    const flush = (run: () => Promise<void>) => this.#runFlush(run);
    const { isComplete, ...survey } = await withReserve(this.#space, () =>
      closeJournals({ fs, folder, flush, own: this.#journalName }),
    );
    const { generation } = this.#stamp();
    // Without the note, a reader notices less damage; the next start writes it.
    if (isComplete)
      await this.putNote(JOURNAL_CLOSED_NOTE, JSON.stringify({ generation })).catch(ignoreErrors);
    return survey;
  }

  /** Removes all blobs and entries, for the emulator: renames the old folders and deletes them in the background. */
  clear(): Promise<void> {
    return this.#gate.runExclusive(() => this.#clear());
  }

  async #clear(): Promise<void> {
    for (const flusher of this.#flushers.values()) await flusher.close();
    await this.#journal.clear();
    const [files, packs] = ['', ''].map(() =>
      this.#paths.other(`cleared-${this.#random(8).toString('hex')}`),
    ) as [string, string];
    await this.#files.clear(files);
    await this.#packs.clear(packs);
    await makeBlobFolders(this.#paths);
    for (const old of [files, packs]) this.#paths.fs.removeTree(old).catch(ignoreErrors);
  }

  async lastEntrySeq(): Promise<number> {
    return (await findJournalEnd(this.#paths.journal, this.#paths.fs)).seq;
  }

  async lastCommitNumber(): Promise<number> {
    const text = await this.note(COMMIT_NOTE);
    const noted = text === undefined ? 0 : (JSON.parse(text) as { number: number }).number;
    return Math.max(noted, (await findJournalEnd(this.#paths.journal, this.#paths.fs)).commitNumber);
  }

  noteCommitNumber(number: number): Promise<void> {
    return this.putNote(COMMIT_NOTE, JSON.stringify({ number }));
  }

  async setAside(blobs: readonly AsideBlob[], nowMs: number): Promise<void> {
    this.#requireWritable();
    await this.#gate
      .runShared(() => this.#aside.add(blobs, nowMs))
      .catch(throwStoreFailure('blobs cannot be set aside'));
    for (const { ref } of blobs) this.confirm(ref);
  }

  listAside(): AsyncIterable<AsideBatch> {
    return this.#aside.list();
  }

  async dropAside(batch: AsideBatch): Promise<void> {
    this.#requireWritable();
    await this.#gate.runShared(() => this.#aside.drop(batch));
  }

  async putNote(name: string, text: string): Promise<void> {
    this.#requireWritable();
    await this.#gate
      .runShared(() => withReserve(this.#space, () => this.#notes.put(name, text)))
      .catch(throwStoreFailure('a note cannot be kept'));
  }

  note(name: string): Promise<string | undefined> {
    return this.#notes.get(name);
  }

  async removeNote(name: string): Promise<void> {
    this.#requireWritable();
    await this.#gate.runShared(() => this.#notes.remove(name));
  }

  noteNames(prefix: string): Promise<readonly string[]> {
    return this.#notes.names(prefix);
  }

  scrub(options: ScrubOptions): AsyncGenerator<ScrubStep> {
    return scrubDisk({ paths: this.#paths, files: this.#direct }, options);
  }

  async verify(ref: string, only?: ReadonlySet<number>): Promise<BlobVerdict> {
    const found = parseRef(ref);
    const deps = this.#verifying;
    return 'name' in found ? verifyFileBlob(deps, found.name, only) : this.#packs.verify(deps, found);
  }

  verifyFile(path: string): Promise<string | undefined> {
    return proveFile(this.#verifying, path);
  }

  /** For reads that do not wait for anything. */
  get #verifying() {
    return { paths: this.#paths, files: this.#direct, rest: async () => {}, atOnce: VERIFY_RUNS };
  }

  findAbsent(refs: readonly string[]): Promise<readonly string[]> {
    return findAbsent(this.#paths, refs);
  }

  scrubKey(ref: string): string {
    return scrubKey(ref);
  }

  fileOf(ref: string): string {
    return fileOf(ref);
  }

  get isDirect(): boolean {
    return this.#direct.isDirect;
  }

  failure(): Error | undefined {
    return this.#failure;
  }

  /** Refuses all writes from now on, as after a failed flush. The first reason stays. */
  stopWriting(reason: string): void {
    this.#failure ??= new StoreFailure(reason);
  }

  async close(): Promise<void> {
    await this.#packs.close();
    // If this fails, the next start closes the file.
    if (!this.#failure) await this.#gate.runShared(() => this.#journal.seal()).catch(ignoreErrors);
    await this.#journal.close();
    for (const flusher of this.#flushers.values()) await flusher.close();
  }

  #requireWritable(): void {
    if (this.#failure) throw this.#failure;
  }

  #flusher(folder: string): FolderFlusher {
    const known = this.#flushers.get(folder);
    if (known) return known;
    const flusher = new FolderFlusher(folder, (run) => this.#runFlush(run), this.#paths.fs);
    this.#flushers.set(folder, flusher);
    return flusher;
  }
}
