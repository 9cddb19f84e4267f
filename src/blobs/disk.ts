import {
  type FileHandle,
  link,
  mkdir,
  open,
  opendir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BlobDescription,
  BlobMissing,
  type BlobStore,
  type BlobWriter,
  type LeafRun,
  StoreFailure,
  type StoreRecord,
} from '../domain/blob-store.ts';
import type { RandomBytes } from '../domain/ids.ts';
import type { HashEngine } from '../hashing/hash-engine.ts';
import { decodeFooter, decodeTrailer, FOOTER_BYTES } from './blob-format.ts';
import { DiskJournal, lastJournaled, readJournals } from './disk-journal.ts';
import { leafRuns } from './disk-leaves.ts';
import { DiskNotes } from './disk-notes.ts';
import { DiskWriter } from './disk-writer.ts';
import { FolderFlusher } from './folder-flusher.ts';
import { Gate } from './gate.ts';

const NAME = /^[0-9a-f]{32}$/;
const FORMAT_FILE = 'format.json';
const FORMAT = { format: 'moraine-store', version: 1 };

/**
 * Makes or checks the folders of a disk store and removes half-written files of processes that died. One
 * process does this before any other opens the store.
 * @throws Error when the folder holds a store of another format.
 */
export async function prepareDiskStore(folder: string): Promise<void> {
  await mkdir(join(folder, 'incoming'), { recursive: true });
  await mkdir(join(folder, 'journal'), { recursive: true });
  await mkdir(join(folder, 'notes'), { recursive: true });
  await makeBlobFolders(folder);
  await checkFormat(join(folder, FORMAT_FILE));
  // The store's own name, too: it stands in the folder above.
  for (const name of ['blobs', '', '..']) await flushOnce(join(folder, name));
  for (const name of await readdir(join(folder, 'incoming'))) {
    // What is no blob of ours is left alone.
    if (!NAME.test(name)) continue;
    if (!(await exists(blobPath(folder, name)))) await unlink(join(folder, 'incoming', name));
  }
}

async function makeBlobFolders(folder: string): Promise<void> {
  for (let i = 0; i < 256; i++) {
    await mkdir(join(folder, 'blobs', i.toString(16).padStart(2, '0')), { recursive: true });
  }
}

async function checkFormat(path: string): Promise<void> {
  if (!(await exists(path))) await writeFile(path, `${JSON.stringify(FORMAT)}\n`, { flush: true });
  const found = JSON.parse(await readFile(path, 'utf8')) as Partial<typeof FORMAT>;
  if (found.format !== FORMAT.format || found.version !== FORMAT.version) {
    throw new Error(
      `${path} is not of format ${FORMAT.format} version ${FORMAT.version}: ${JSON.stringify(found)}`,
    );
  }
}

/**
 * Blobs as files: `incoming/NAME` while written, then linked to `blobs/XX/NAME` (XX: the name's last two
 * digits). The incoming name stays until the catalog's row is durable, so that a start after a crash finds
 * what was whole but never acknowledged without reading every folder.
 */
export class DiskStore implements BlobStore {
  readonly #folder: string;
  readonly #random: RandomBytes;
  readonly #engine: HashEngine;
  readonly #flushers = new Map<string, FolderFlusher>();
  readonly #journal: DiskJournal;
  readonly #notes: DiskNotes;
  /** What flushes is inside; what replaces the folders is alone. */
  readonly #gate = new Gate();
  #failure: Error | undefined;

  /** @param folder made ready by `prepareDiskStore`. @param engine hashes what is written and read. */
  constructor(folder: string, random: RandomBytes, engine: HashEngine) {
    this.#folder = folder;
    this.#random = random;
    this.#engine = engine;
    const name = `${random(16).toString('hex')}.jsonl`;
    const flush = (run: () => Promise<void>) => this.#flushed(run);
    const [journal, notes] = [join(folder, 'journal'), join(folder, 'notes')];
    this.#journal = new DiskJournal(journal, name, this.#flusher(journal), flush);
    this.#notes = new DiskNotes(notes, this.#flusher(notes), random, flush);
  }

  async create(size: number | null): Promise<BlobWriter> {
    this.#refuseAfterFailure();
    const name = this.#random(16).toString('hex');
    const incoming = this.#incomingPath(name);
    try {
      const file = await open(incoming, 'wx');
      return new DiskWriter(this.#engine, file, size, {
        publish: () => this.#gate.enter(() => this.#publish(name, file)),
        withdraw: () => unlink(incoming).catch(() => {}),
        name,
      });
    } catch (error) {
      throw new StoreFailure(`a new blob cannot be begun: ${String(error)}`, error);
    }
  }

  /** The save ritual's second half: flush the bytes, give them their name, flush the name. */
  async #publish(name: string, file: FileHandle): Promise<void> {
    this.#refuseAfterFailure();
    await this.#flushed(() => file.datasync());
    const path = blobPath(this.#folder, name);
    await link(this.#incomingPath(name), path);
    try {
      await this.#flushed(() => this.#flusher(blobFolder(this.#folder, name)).flush());
    } catch (error) {
      await unlink(path).catch(() => {});
      throw error;
    }
  }

  /**
   * A failed flush is final: the kernel may have dropped the pages and call the next flush good, so nothing
   * written since the last good one can be trusted (invariant 1).
   */
  async #flushed(flush: () => Promise<void>): Promise<void> {
    try {
      await flush();
    } catch (error) {
      this.#failure ??= new StoreFailure(
        `the disk store takes no more writes: a flush failed: ${String(error)}`,
        error,
      );
      throw this.#failure;
    }
  }

  async *readLeaves(ref: string, first: number, last: number): AsyncIterable<LeafRun> {
    const file = await open(this.#pathOf(ref), 'r').catch((error) => {
      throw missingOr(ref, error);
    });
    try {
      const { size: total } = await file.stat();
      const footer = await readAt(file, Math.max(0, total - FOOTER_BYTES), Math.min(total, FOOTER_BYTES));
      const { size } = decodeFooter(ref, footer, total);
      yield* leafRuns(this.#engine, { ref, fd: file.fd, size }, first, last);
    } finally {
      await file.close();
    }
  }

  async describe(ref: string): Promise<BlobDescription> {
    const file = await open(this.#pathOf(ref), 'r').catch((error) => {
      throw missingOr(ref, error);
    });
    try {
      const { size: total } = await file.stat();
      const footer = await readAt(file, Math.max(0, total - FOOTER_BYTES), Math.min(total, FOOTER_BYTES));
      const layout = decodeFooter(ref, footer, total);
      return decodeTrailer(ref, await readAt(file, layout.size, layout.trailerBytes), layout);
    } finally {
      await file.close();
    }
  }

  remove(ref: string): Promise<void> {
    return this.#gate.enter(async () => {
      const removed = await unlinked(this.#pathOf(ref));
      await unlinked(this.#incomingPath(ref));
      if (removed) await this.#flushed(() => this.#flusher(blobFolder(this.#folder, ref)).flush());
    });
  }

  confirm(ref: string): void {
    unlink(this.#incomingPath(ref)).catch(() => {});
  }

  async *unconfirmed(): AsyncIterable<string> {
    for (const name of await readdir(join(this.#folder, 'incoming'))) {
      if (NAME.test(name) && (await exists(blobPath(this.#folder, name)))) yield name;
    }
  }

  async *list(): AsyncIterable<string> {
    for (const folder of await readdir(join(this.#folder, 'blobs'))) {
      for await (const entry of await opendir(join(this.#folder, 'blobs', folder))) yield entry.name;
    }
  }

  async appendRecords(records: readonly StoreRecord[]): Promise<void> {
    this.#refuseAfterFailure();
    await this.#gate.enter(() => this.#journal.append(records)).catch(asFailure('a record cannot be kept'));
  }

  records(): AsyncIterable<StoreRecord> {
    return readJournals(join(this.#folder, 'journal'));
  }

  /** Removes every blob and record at once, for the emulator: the old folder is renamed, then emptied at leisure. */
  clear(): Promise<void> {
    return this.#gate.alone(() => this.#clear());
  }

  async #clear(): Promise<void> {
    for (const flusher of this.#flushers.values()) await flusher.close();
    this.#flushers.clear();
    await this.#journal.clear();
    const old = join(this.#folder, `cleared-${this.#random(8).toString('hex')}`);
    await rename(join(this.#folder, 'blobs'), old);
    await makeBlobFolders(this.#folder);
    rm(old, { recursive: true, force: true }).catch(() => {});
  }

  lastRecord(): Promise<number> {
    return lastJournaled(join(this.#folder, 'journal'));
  }

  async putNote(name: string, text: string): Promise<void> {
    this.#refuseAfterFailure();
    await this.#gate.enter(() => this.#notes.put(name, text)).catch(asFailure('a note cannot be kept'));
  }

  note(name: string): Promise<string | undefined> {
    return this.#notes.get(name);
  }

  async removeNote(name: string): Promise<void> {
    await this.#gate.enter(() => this.#notes.remove(name));
  }

  noteNames(prefix: string): Promise<readonly string[]> {
    return this.#notes.names(prefix);
  }

  failure(): Error | undefined {
    return this.#failure;
  }

  async close(): Promise<void> {
    await this.#journal.close();
    for (const flusher of this.#flushers.values()) await flusher.close();
  }

  #refuseAfterFailure(): void {
    if (this.#failure) throw this.#failure;
  }

  #flusher(folder: string): FolderFlusher {
    const flusher = this.#flushers.get(folder) ?? new FolderFlusher(folder);
    this.#flushers.set(folder, flusher);
    return flusher;
  }

  #incomingPath(name: string): string {
    return join(this.#folder, 'incoming', requireName(name));
  }

  #pathOf(ref: string): string {
    return blobPath(this.#folder, ref);
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}

function blobFolder(folder: string, name: string): string {
  return join(folder, 'blobs', requireName(name).slice(-2));
}

function blobPath(folder: string, name: string): string {
  return join(blobFolder(folder, name), name);
}

/** References come from our own catalog, but a path is never built from what was not looked at. */
function requireName(name: string): string {
  if (NAME.test(name)) return name;
  throw new BlobMissing(name);
}

/** Turns whatever went wrong into a StoreFailure that says what was tried. */
function asFailure(what: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof StoreFailure ? error : new StoreFailure(`${what}: ${String(error)}`, error);
  };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function unlinked(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function missingOr(ref: string, error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code === 'ENOENT' ? new BlobMissing(ref) : error;
}

async function flushOnce(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync();
  await folder.close();
}
