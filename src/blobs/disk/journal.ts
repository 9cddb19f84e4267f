import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BlobDamaged, type JournalEntry, type Stamp, type WriterStamp } from '../../domain/blob-store.ts';
import type { Flush, FolderFlusher } from '../durable/folder-flusher.ts';

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
  readonly #stamp: Stamp;
  #file: FileHandle | undefined;
  /** Bytes in the file that were flushed. */
  #length = 0;
  #waiting: string[] = [];
  #appending: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** @param name a file name that no other process uses. */
  constructor(folder: string, name: string, flusher: FolderFlusher, flush: Flush, stamp: Stamp) {
    this.#folder = folder;
    this.#name = name;
    this.#flusher = flusher;
    this.#flush = flush;
    this.#stamp = stamp;
  }

  /**
   * Durable when it resolves. @throws the I/O error. That of a flush is final for the store. After that of a write nothing
   * was written, and the same records may be appended again.
   */
  append(entries: readonly JournalEntry[]): Promise<void> {
    const writer = this.#stamp();
    this.#waiting.push(...entries.map((entry) => formatLine(entry, writer)));
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
export async function* readJournals(folder: string): AsyncIterable<JournalEntry> {
  for (const name of await readdir(folder)) yield* readJournal(join(folder, name));
}

async function* readJournal(path: string): AsyncIterable<JournalEntry> {
  let torn: string | undefined;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    // Only the last line can be torn, by a crash before its flush: such a record was never answered for.
    if (torn !== undefined)
      throw new BlobDamaged(path, `a journal line does not match its checksum: ${torn.slice(0, 80)}`);
    const text = line.slice(SUM_CHARS + 1);
    if (line.slice(0, SUM_CHARS) !== sumOf(text)) torn = line;
    else {
      const entry = parseLine(text);
      if (entry) yield entry;
    }
  }
}

/** What stands in a line. */
interface JournalLine {
  readonly seq: number;
  readonly entry: JournalEntry['body'];
  /** Absent in lines that were written before form 3. */
  readonly generation?: number;
  readonly commit?: number;
}

/** Undefined for a line that is no fact: a later version's end of a file. */
function parseLine(text: string): JournalEntry | undefined {
  const { seq, entry: body, generation, commit } = JSON.parse(text) as Partial<JournalLine>;
  if (seq === undefined || body === undefined) return undefined;
  if (generation === undefined || commit === undefined) return { seq, body };
  return { seq, body, writer: { generation, commitNumber: commit } };
}

/** Longer than any line: a policy of 20 KiB, escaped once, is the longest thing in one. */
const TAIL_BYTES = 262_144;

/** How far journals go. */
export interface JournalEnd {
  /** The greatest number of any fact; 0 without one. */
  readonly seq: number;
  /** The greatest commit number that a writer of facts knew; 0 without one. */
  readonly commitNumber: number;
}

/** From the end of each file: their numbers grow, nearly in order. @throws the I/O error. */
export async function findJournalEnd(folder: string): Promise<JournalEnd> {
  const ends: JournalEnd[] = [];
  for (const name of await readdir(folder)) ends.push(await findFileEnd(join(folder, name)));
  return greatest(ends);
}

function greatest(ends: readonly JournalEnd[]): JournalEnd {
  const seq = ends.reduce((most, end) => Math.max(most, end.seq), 0);
  return { seq, commitNumber: ends.reduce((most, end) => Math.max(most, end.commitNumber), 0) };
}

async function findFileEnd(path: string): Promise<JournalEnd> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    await file.read(tail, 0, tail.length, size - tail.length);
    // Not just the last line: on PostgreSQL, facts that are committed side by side may change places.
    const lines = tail.toString().split('\n').filter(isWhole);
    const entries = lines.flatMap((line) => parseLine(line.slice(SUM_CHARS + 1)) ?? []);
    return greatest(entries.map(({ seq, writer }) => ({ seq, commitNumber: writer?.commitNumber ?? 0 })));
  } finally {
    await file.close();
  }
}

function isWhole(line: string): boolean {
  return line.length > SUM_CHARS && line.slice(0, SUM_CHARS) === sumOf(line.slice(SUM_CHARS + 1));
}

function formatLine({ seq, body }: JournalEntry, { generation, commitNumber }: WriterStamp): string {
  const line: JournalLine = { seq, generation, commit: commitNumber, entry: body };
  // Some readers of lines, Node's among them, end one at these two characters too.
  const text = JSON.stringify(line).replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`);
  return `${sumOf(text)} ${text}\n`;
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, SUM_CHARS);
}
