import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { BlobDamaged, type JournalEntry, type Stamp, type WriterStamp } from '../../domain/blob-store.ts';
import type { FileSystem, OpenFile } from '../../durable/file-system.ts';
import type { Flush, FolderFlusher } from '../../durable/folder-flusher.ts';
import { realFileSystem } from '../../durable/real-file-system.ts';
import { SharedRun } from '../../durable/shared-run.ts';

const SUM_CHARS = 32;

interface DiskJournalDeps {
  readonly fs: FileSystem;
  readonly folder: string;
  /** A file name that no other process uses. */
  readonly name: string;
  readonly flusher: FolderFlusher;
  readonly flush: Flush;
  readonly stamp: Stamp;
}

/**
 * The store's journal: a file for each process that writes, a line for each entry, each line with its own checksum.
 * Appends that arrive together are flushed together.
 */
export class DiskJournal {
  readonly #deps: DiskJournalDeps;
  readonly #appends = new SharedRun(() => this.#write(this.#waiting.splice(0).join('')));
  #file: OpenFile | undefined;
  /** Bytes in the file that were flushed. */
  #length = 0;
  #waiting: string[] = [];

  constructor(deps: DiskJournalDeps) {
    this.#deps = deps;
  }

  /**
   * Durable when it resolves. @throws the I/O error. A failed flush is final for the store. After a failed write
   * nothing is left in the file, and the same entries may be appended again.
   */
  append(entries: readonly JournalEntry[]): Promise<void> {
    const writer = this.#deps.stamp();
    this.#waiting.push(...entries.map((entry) => formatLine(entry, writer)));
    return this.#appends.run();
  }

  /** Forgets what this process appended. */
  async clear(): Promise<void> {
    await this.#appends.settled();
    await this.#file?.truncate(0);
    this.#length = 0;
  }

  async close(): Promise<void> {
    await this.#appends.settled();
    await this.#file?.close();
  }

  async #write(lines: string): Promise<void> {
    const { flush } = this.#deps;
    // Failing to open the file leaves no torn line, so the next append opens it again.
    this.#file ??= await this.#open();
    const file = this.#file;
    try {
      await file.append(lines);
    } catch (error) {
      // A failed write (a full disk) loses nothing that was flushed, but a torn line would hide those after it. If it
      // cannot be cut off, the failure is as final as that of a flush.
      await flush(() => file.truncate(this.#length));
      throw error;
    }
    await flush(() => file.flushData());
    this.#length += Buffer.byteLength(lines);
  }

  async #open(): Promise<OpenFile> {
    const { fs, folder, name, flusher } = this.#deps;
    const file = await fs.open(join(folder, name), 'append');
    try {
      await flusher.flush();
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}

/** Every entry of every journal file in the folder. @throws BlobDamaged for a line that was changed. */
export async function* readJournals(
  folder: string,
  fs: FileSystem = realFileSystem,
): AsyncIterable<JournalEntry> {
  for (const name of await fs.names(folder)) yield* readJournal(fs, join(folder, name));
}

async function* readJournal(fs: FileSystem, path: string): AsyncIterable<JournalEntry> {
  let torn: string | undefined;
  for await (const line of fs.readLines(path)) {
    // Only the last line can be torn, by a crash before its flush: such an entry was never acknowledged.
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

/** The members of a line. */
interface JournalLine {
  readonly seq: number;
  readonly entry: JournalEntry['body'];
  /** Absent in lines that were written before form 3. */
  readonly generation?: number;
  readonly commit?: number;
}

/** Undefined for a line without an entry, which a later version may write at the end of a file. */
function parseLine(text: string): JournalEntry | undefined {
  const { seq, entry: body, generation, commit } = JSON.parse(text) as Partial<JournalLine>;
  if (seq === undefined || body === undefined) return undefined;
  if (generation === undefined || commit === undefined) return { seq, body };
  return { seq, body, writer: { generation, commitNumber: commit } };
}

/** Longer than any line: the longest holds a policy of 20 KiB, escaped once. */
const TAIL_BYTES = 262_144;

/** How far journals go. */
export interface JournalEnd {
  /** The greatest number of an entry; 0 without one. */
  readonly seq: number;
  /** The greatest commit number in a stamp; 0 without one. */
  readonly commitNumber: number;
}

/** Reads only the end of each file: numbers grow nearly in order. @throws the I/O error. */
export async function findJournalEnd(folder: string, fs: FileSystem = realFileSystem): Promise<JournalEnd> {
  const ends: JournalEnd[] = [];
  for (const name of await fs.names(folder)) ends.push(await findFileEnd(fs, join(folder, name)));
  return greatest(ends);
}

function greatest(ends: readonly JournalEnd[]): JournalEnd {
  const seq = ends.reduce((most, end) => Math.max(most, end.seq), 0);
  return { seq, commitNumber: ends.reduce((most, end) => Math.max(most, end.commitNumber), 0) };
}

async function findFileEnd(fs: FileSystem, path: string): Promise<JournalEnd> {
  const file = await fs.open(path, 'read');
  try {
    const size = await file.size();
    const length = Math.min(size, TAIL_BYTES);
    const tail = await file.readAt(size - length, length);
    // Not just the last line: on PostgreSQL, entries of concurrent commits may change places.
    const lines = tail.toString().split('\n').filter(isWhole);
    const entries = lines.flatMap((line) => parseLine(line.slice(SUM_CHARS + 1)) ?? []);
    return greatest(entries.map(({ seq, writer }) => ({ seq, commitNumber: writer?.commitNumber ?? 0 })));
  } finally {
    await file.close();
  }
}

/** Whether a line, without its end, is what was written. */
export function isWhole(line: string): boolean {
  return line.length > SUM_CHARS && line.slice(0, SUM_CHARS) === sumOf(line.slice(SUM_CHARS + 1));
}

function formatLine({ seq, body }: JournalEntry, { generation, commitNumber }: WriterStamp): string {
  const line: JournalLine = { seq, generation, commit: commitNumber, entry: body };
  // Some line readers, Node's among them, also break lines at these two characters.
  const text = JSON.stringify(line).replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`);
  return `${sumOf(text)} ${text}\n`;
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, SUM_CHARS);
}
