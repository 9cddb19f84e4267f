import {
  type AsideBatch,
  type AsideBlob,
  type BlobDamaged,
  type BlobDescription,
  BlobMissing,
  type BlobStore,
  type BlobWriter,
  type JournalEntry,
  type JournalSurvey,
  type LeafRun,
  NO_STAMP,
  type OpenBlob,
  type Stamp,
  StoreFailure,
} from '../../domain/blob-store.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import { COMMIT_NOTE, JOURNAL_CLOSED_NOTE } from '../../domain/store-identity.ts';
import { ignoreErrors } from '../../durable/errors.ts';
import type { HashEngine } from '../../hashing/hash-engine.ts';
import { BufferPool, type Schedule } from '../blob/buffer-pool.ts';
import { type LeafReadDeps, readLeafRuns } from '../blob/leaf-reader.ts';
import { ReadSemaphore } from '../blob/read-semaphore.ts';
import { RunBuffers } from '../blob/run-buffers.ts';
import { type PackedName, parseRef } from '../disk/paths.ts';
import { throwStoreFailure } from '../disk/store-failure.ts';
import { PackedWriter } from '../packs/index.ts';
import { describeBytes, describeEnd } from './describe.ts';
import { ObjectJournal } from './journal.ts';
import { closeJournals, findJournalEnd, readJournals } from './journal-reader.ts';
import { dataKey, ENDS, endKey, NOTES, nameOfEnd } from './keys.ts';
import { Names } from './names.ts';
import { DataFile } from './object-file.ts';
import type { Objects } from './objects.ts';
import { ObjectPacks } from './packs.ts';
import { ObjectAside, ObjectTexts } from './texts.ts';
import { LeftBehind } from './unconfirmed.ts';
import { ObjectWriter, PIECE_BYTES } from './writer.ts';

/** Blobs up to this size are grouped: for them, a request costs more than the bytes. */
const PACKED_BYTES = 256 * 1024;
/** Enough for few requests, and few enough for many concurrent downloads. */
const READ_LEAVES = 4;
const WIDE_READS = 6;
/** Requests take longer than a disk, and the engine serves many at once. */
const READS_AT_ONCE = 16;
/** Free buffers for pieces that are kept. */
const PIECES_KEPT = 8;

export interface S3StoreDeps {
  readonly objects: Objects;
  readonly random: RandomBytes;
  /** Hashes what is written and read. */
  readonly engine: HashEngine;
  /** Wall clock, ms since 1970. */
  now(): number;
  readonly later: Schedule;
}

export interface S3StoreOptions {
  /** Stamps everything that this store writes. */
  readonly stamp?: Stamp;
  /** Called after a blob was confirmed or entries were written, before the change is acknowledged. Not for notes. */
  onWrite?(): void;
}

/** Blobs in a bucket: large ones in two objects each, small ones in packs. */
export class S3Store implements BlobStore {
  readonly #deps: S3StoreDeps;
  readonly #stamp: Stamp;
  readonly #onWrite: () => void;
  readonly #objects: Objects;
  readonly #names: Names;
  readonly #packs: ObjectPacks;
  readonly #run: string;
  readonly #journal: ObjectJournal;
  readonly #notes: ObjectTexts;
  readonly #aside: ObjectAside;
  readonly #left: LeftBehind;
  readonly #reading: LeafReadDeps;
  readonly #pieces: BufferPool;
  /** Blobs of this process in objects of their own that are neither confirmed nor removed. */
  readonly #unconfirmed = new Set<string>();
  #failure: Error | undefined;

  constructor(deps: S3StoreDeps, options: S3StoreOptions = {}) {
    const { objects, random, engine, later, now } = deps;
    const { stamp = NO_STAMP, onWrite = () => {} } = options;
    this.#deps = deps;
    this.#objects = objects;
    this.#stamp = stamp;
    this.#onWrite = onWrite;
    this.#names = new Names({ objects, random, stamp, later });
    this.#packs = new ObjectPacks({ objects, engine, names: this.#names });
    this.#run = random(16).toString('hex');
    this.#journal = new ObjectJournal({ objects, stamp, run: this.#run });
    this.#notes = new ObjectTexts(objects, NOTES, stamp);
    this.#aside = new ObjectAside(objects, random, stamp);
    const owns = (seed: string) => this.#names.owns(seed);
    const listPack = (pack: string) => this.#packs.list(pack);
    this.#left = new LeftBehind({ objects, stamp, owns, listPack, now });
    const lengths = { narrow: READ_LEAVES, wide: READ_LEAVES, wideBuffers: WIDE_READS };
    this.#reading = { engine, buffers: new RunBuffers(lengths), turns: new ReadSemaphore(READS_AT_ONCE) };
    this.#pieces = new BufferPool(PIECE_BYTES, PIECES_KEPT, Buffer.allocUnsafeSlow, later);
  }

  async create(size: number | null): Promise<BlobWriter> {
    this.#requireWritable();
    const { engine } = this.#deps;
    if (size !== null && size <= PACKED_BYTES)
      return new PackedWriter(engine, size, this.#stamp, (pieces) => {
        this.#requireWritable();
        return this.#packs.append(pieces);
      });
    const name = await this.#names.draw().catch(throwStoreFailure('a blob cannot be stored'));
    return new ObjectWriter(name, size, {
      objects: this.#objects,
      engine,
      stamp: this.#stamp,
      pieces: this.#pieces,
      onStored: (stored) => this.#unconfirmed.add(stored),
      onNothingLeft: (gone) => this.#names.settle(gone),
    });
  }

  async open(ref: string): Promise<OpenBlob> {
    const found = parseRef(ref);
    if ('pack' in found) return this.#openPacked(ref, found);
    const description = await this.describe(ref);
    const file = new DataFile(this.#objects, dataKey(found.name), ref);
    const bytes = { ref, file, start: 0, size: description.size };
    const leaves = (first: number, last: number, unwanted?: AbortSignal): AsyncGenerator<LeafRun> =>
      readLeafRuns(this.#reading, bytes, first, last, unwanted);
    return { description, leaves, close: async () => {} };
  }

  /** Reads all of a small blob, which has one leaf. */
  async #openPacked(ref: string, name: PackedName): Promise<OpenBlob> {
    const blob = await this.#packs.read(name);
    const description = describeBytes(ref, blob);
    const bytes = blob.subarray(0, description.size);
    const { engine } = this.#deps;
    async function* leaves(_first: number, _last: number, unwanted?: AbortSignal): AsyncGenerator<LeafRun> {
      unwanted?.throwIfAborted();
      yield { first: 0, bytes, digests: engine.hashLeavesSync(bytes) };
    }
    return { description, leaves, close: async () => {} };
  }

  async describe(ref: string): Promise<BlobDescription> {
    const found = parseRef(ref);
    if ('pack' in found) return describeBytes(ref, await this.#packs.read(found));
    const end = await this.#objects.get(endKey(found.name));
    if (end === undefined) throw new BlobMissing(ref);
    return describeEnd(ref, end.bytes);
  }

  async remove(ref: string): Promise<void> {
    this.#requireWritable();
    const found = parseRef(ref);
    if ('pack' in found) return this.#packs.remove(found);
    // The end goes last: without it, nothing would show that there are data to remove.
    await this.#objects.remove(dataKey(found.name));
    await this.#objects.remove(endKey(found.name));
    this.#settle(found.name);
  }

  confirm(ref: string): void {
    this.#onWrite();
    const found = parseRef(ref);
    if ('pack' in found) this.#packs.confirm(found);
    else this.#settle(found.name);
  }

  #settle(name: string): void {
    if (this.#unconfirmed.delete(name)) this.#names.settle(name);
  }

  async *unconfirmed(): AsyncIterable<string> {
    yield* this.#unconfirmed;
    yield* this.#packs.unconfirmed();
    yield* this.#left.unconfirmed();
  }

  async confirmAll(unsettled: ReadonlySet<string> = new Set()): Promise<readonly string[]> {
    await this.#left.settleAll(unsettled);
    return [];
  }

  async compact(): Promise<void> {
    this.#requireWritable();
    await this.#packs.compact();
  }

  /** Does nothing: no pack is ever appended to. */
  async sealPack(): Promise<void> {}

  async *list(): AsyncIterable<string> {
    for await (const { key } of this.#objects.list(ENDS)) {
      const name = nameOfEnd(key);
      if (name !== undefined) yield name;
    }
    yield* this.#packs.list();
  }

  async appendEntries(entries: readonly JournalEntry[]): Promise<void> {
    this.#requireWritable();
    await this.#journal.append(entries).catch((error: unknown) => {
      // Final: another start has taken over.
      if (error instanceof StoreFailure) this.#failure ??= error;
      return throwStoreFailure('a journal entry cannot be kept')(error);
    });
    this.#onWrite();
  }

  async *journalEntries(onDamage?: (damage: BlobDamaged) => void): AsyncIterable<JournalEntry> {
    const note = await this.note(JOURNAL_CLOSED_NOTE);
    const closedBefore = note === undefined ? 0 : (JSON.parse(note) as { generation: number }).generation;
    yield* readJournals(this.#objects, closedBefore, onDamage);
  }

  async closeJournals(): Promise<JournalSurvey> {
    this.#requireWritable();
    const { isComplete, ...survey } = await closeJournals(this.#objects, this.#run);
    const { generation } = this.#stamp();
    // Without the note, a reader notices less damage; the next start writes it.
    if (isComplete)
      await this.putNote(JOURNAL_CLOSED_NOTE, JSON.stringify({ generation })).catch(ignoreErrors);
    return survey;
  }

  async lastEntrySeq(): Promise<number> {
    return (await findJournalEnd(this.#objects)).seq;
  }

  async lastCommitNumber(): Promise<number> {
    const text = await this.note(COMMIT_NOTE);
    const noted = text === undefined ? 0 : (JSON.parse(text) as { number: number }).number;
    return Math.max(noted, (await findJournalEnd(this.#objects)).commitNumber);
  }

  noteCommitNumber(number: number): Promise<void> {
    return this.putNote(COMMIT_NOTE, JSON.stringify({ number }));
  }

  async setAside(blobs: readonly AsideBlob[], nowMs: number): Promise<void> {
    this.#requireWritable();
    await this.#aside.add(blobs, nowMs).catch(throwStoreFailure('blobs cannot be set aside'));
    for (const { ref } of blobs) this.confirm(ref);
  }

  listAside(): AsyncIterable<AsideBatch> {
    return this.#aside.list();
  }

  async dropAside(batch: AsideBatch): Promise<void> {
    this.#requireWritable();
    await this.#aside.drop(batch);
  }

  async putNote(name: string, text: string): Promise<void> {
    this.#requireWritable();
    await this.#notes.put(name, text).catch(throwStoreFailure('a note cannot be kept'));
  }

  note(name: string): Promise<string | undefined> {
    return this.#notes.get(name);
  }

  async removeNote(name: string): Promise<void> {
    this.#requireWritable();
    await this.#notes.remove(name);
  }

  async noteNames(prefix: string): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const name of this.#notes.names(prefix)) names.push(name);
    return names;
  }

  /** Where a scrub would read the blob. None reads a bucket yet, so no blob counts as read by one. */
  scrubKey(ref: string): string {
    return ref;
  }

  failure(): Error | undefined {
    return this.#failure;
  }

  /** Refuses all writes from now on. The first reason stays. */
  stopWriting(reason: string): void {
    this.#failure ??= new StoreFailure(reason);
  }

  async close(): Promise<void> {
    await this.#packs.close();
    // If this fails, the next start closes the journal.
    if (!this.#failure) await this.#journal.seal().catch(ignoreErrors);
    await this.#names.close();
    this.#objects.close();
  }

  #requireWritable(): void {
    if (this.#failure) throw this.#failure;
  }
}
