import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BlobDamaged, type StoreRecord } from '../domain/blob-store.ts';
import type { Flush, FolderFlusher } from './folder-flusher.ts';

const SUM_CHARS = 32;

/**
 * The store's journal: one file for each process that wrote, one line a record, each line with a checksum of
 * its own. Appends that arrive together are flushed together.
 */
export class DiskJournal {
  readonly #folder: string;
  readonly #name: string;
  readonly #flusher: FolderFlusher;
  readonly #flush: Flush;
  #file: FileHandle | undefined;
  /** Bytes in the file that were flushed. */
  #length = 0;
  #waiting: string[] = [];
  #appending: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** @param name a file name that no other process uses. */
  constructor(folder: string, name: string, flusher: FolderFlusher, flush: Flush) {
    this.#folder = folder;
    this.#name = name;
    this.#flusher = flusher;
    this.#flush = flush;
  }

  /**
   * Durable when it resolves. @throws the I/O error. That of a flush is final for the store. After that of a write nothing
   * was written, and the same records may be appended again.
   */
  append(records: readonly StoreRecord[]): Promise<void> {
    this.#waiting.push(...records.map(toLine));
    this.#next ??= (this.#appending ?? Promise.resolve()).catch(() => {}).then(() => this.#start());
    return this.#next;
  }

  /** Forgets what this process appended. */
  async clear(): Promise<void> {
    await this.#appending?.catch(() => {});
    await this.#file?.truncate(0);
    this.#length = 0;
  }

  async close(): Promise<void> {
    await this.#next?.catch(() => {});
    await this.#appending?.catch(() => {});
    await this.#file?.close();
  }

  #start(): Promise<void> {
    this.#next = undefined;
    this.#appending = this.#write(this.#waiting.splice(0).join(''));
    return this.#appending;
  }

  async #write(lines: string): Promise<void> {
    // A file that could not be opened has torn nothing: the next append tries again.
    this.#file ??= await this.#open();
    const file = this.#file;
    try {
      await file.appendFile(lines);
    } catch (error) {
      // A write that failed (a full disk) has lost nothing that was flushed, but a line that it tore would hide those
      // after it. Where that cannot be taken back, the failure is as final as that of a flush.
      await this.#flush(() => file.truncate(this.#length));
      throw error;
    }
    await this.#flush(() => file.datasync());
    this.#length += Buffer.byteLength(lines);
  }

  async #open(): Promise<FileHandle> {
    const file = await open(join(this.#folder, this.#name), 'a');
    try {
      await this.#flusher.flush();
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}

/** Every record of every journal file in the folder. @throws BlobDamaged for a line that was changed. */
export async function* readJournals(folder: string): AsyncIterable<StoreRecord> {
  for (const name of await readdir(folder)) yield* readJournal(join(folder, name));
}

async function* readJournal(path: string): AsyncIterable<StoreRecord> {
  let torn: string | undefined;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    // Only the last line can be torn, by a crash before its flush: such a record was never answered for.
    if (torn !== undefined)
      throw new BlobDamaged(path, `a journal line does not match its checksum: ${torn.slice(0, 80)}`);
    const text = line.slice(SUM_CHARS + 1);
    if (line.slice(0, SUM_CHARS) === sumOf(text)) yield JSON.parse(text);
    else torn = line;
  }
}

/** Longer than any line: a policy of 20 KiB, escaped once, is the longest thing in one. */
const TAIL_BYTES = 262_144;

/** The greatest number in the folder's journals, from the end of each file: their numbers grow, nearly in order. */
export async function lastJournaled(folder: string): Promise<number> {
  let last = 0;
  for (const name of await readdir(folder)) last = Math.max(last, await lastOf(join(folder, name)));
  return last;
}

async function lastOf(path: string): Promise<number> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    await file.read(tail, 0, tail.length, size - tail.length);
    // Not just the last line: on PostgreSQL, facts that are committed side by side may change places.
    const lines = tail.toString().split('\n').filter(isWhole);
    return Math.max(0, ...lines.map((line) => (JSON.parse(line.slice(SUM_CHARS + 1)) as StoreRecord).seq));
  } finally {
    await file.close();
  }
}

function isWhole(line: string): boolean {
  return line.length > SUM_CHARS && line.slice(0, SUM_CHARS) === sumOf(line.slice(SUM_CHARS + 1));
}

function toLine({ seq, entry }: StoreRecord): string {
  // Some readers of lines, Node's among them, end one at these two characters too.
  const text = JSON.stringify({ seq, entry }).replace(
    /[\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16)}`,
  );
  return `${sumOf(text)} ${text}\n`;
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, SUM_CHARS);
}
