/** Reading journal files, and closing those whose process ended without closing its own. */
import { join } from 'node:path';
import { BlobDamaged, type JournalEntry, type JournalSurvey } from '../../domain/blob-store.ts';
import { ignoreErrors, isReadError } from '../../durable/errors.ts';
import type { FileSystem } from '../../durable/file-system.ts';
import { flushFile } from '../../durable/flush-file.ts';
import type { Flush } from '../../durable/folder-flusher.ts';
import { realFileSystem } from '../../durable/real-file-system.ts';
import {
  type Closing,
  formatClosing,
  holdsClosing,
  LineTally,
  type ParsedLine,
  parseLine,
} from './journal-lines.ts';
import { isJournalFile } from './paths.ts';

/** Called for damage. Reading goes on if it returns. */
type OnDamage = (damage: BlobDamaged) => void;

function throwDamage(damage: BlobDamaged): never {
  throw damage;
}

interface JournalReading {
  readonly fs?: FileSystem;
  /** Every file of an earlier generation than this was closed: one that is not has lost its end. */
  readonly closedBefore?: number;
  /** By default, damage is thrown. */
  readonly onDamage?: OnDamage | undefined;
  /** See `EntriesListener`. */
  readonly onUnproven?: ((entry: JournalEntry) => void) | undefined;
}

/** Every entry of every journal file in the folder. @throws BlobDamaged by default, the I/O error. */
export async function* readJournals(
  folder: string,
  reading: JournalReading = {},
): AsyncIterable<JournalEntry> {
  for (const path of await journalPaths(reading.fs ?? realFileSystem, folder))
    yield* readJournal(path, reading);
}

/** Every entry of one journal file. @throws BlobDamaged by default, the I/O error. */
export async function* readJournal(
  path: string,
  { fs = realFileSystem, closedBefore = 0, onDamage = throwDamage, onUnproven }: JournalReading,
): AsyncIterable<JournalEntry> {
  const reader = new FileReader(fs, path, onDamage);
  yield* reader.entries();
  reader.requireClosed(closedBefore);
  if (onUnproven) for (const entry of reader.unproven()) onUnproven(entry);
}

async function journalPaths(fs: FileSystem, folder: string): Promise<readonly string[]> {
  return (await fs.names(folder)).filter(isJournalFile).map((name) => join(folder, name));
}

/** Reads one file from beginning to end. */
class FileReader {
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #onDamage: OnDamage;
  readonly #tally = new LineTally();
  #closing: Closing | undefined;
  /** Number of the line, from 0. */
  #at = 0;
  /** The first line that does not match its checksum. A crash tore it, unless it was flushed before a later line. */
  #unmatched: { readonly at: number; readonly line: string } | undefined;
  #isReported = false;
  #last = '';
  /** Lines from this one on are not counted. */
  readonly #uncountedFrom: number;
  /** Entries of lines that no later line says were flushed, by the numbers of their lines. */
  readonly #unproven = new Map<number, JournalEntry>();
  /** The least generation of an entry. */
  #generation = Number.POSITIVE_INFINITY;

  constructor(fs: FileSystem, path: string, onDamage: OnDamage, uncountedFrom = Number.POSITIVE_INFINITY) {
    this.#fs = fs;
    this.#path = path;
    this.#onDamage = onDamage;
    this.#uncountedFrom = uncountedFrom;
  }

  /** The whole lines at the beginning, after `entries` came to its end. */
  get tally(): LineTally {
    return this.#tally;
  }

  /** Entries that nothing proves to be flushed, after `entries` came to its end. */
  *unproven(): Iterable<JournalEntry> {
    for (const [at, entry] of this.#unproven) if (at >= (this.#closing?.lines ?? 0)) yield entry;
  }

  async *entries(): AsyncIterable<JournalEntry> {
    this.#closing = await findClosing(this.#fs, this.#path);
    for await (const line of this.#fs.readLines(this.#path)) {
      const entry = this.#read(line);
      if (entry) yield entry;
      this.#at++;
    }
    this.#end();
  }

  #read(line: string): JournalEntry | undefined {
    const parsed = parseLine(line);
    this.#last = line;
    if (parsed === undefined) {
      this.#readUnmatched(line);
      return undefined;
    }
    this.#judgeUnmatched(parsed);
    this.#judgeUnproven(parsed);
    if (this.#at === this.#tally.lines) this.#count(line, parsed.entry);
    if (parsed.entry) this.#generation = Math.min(this.#generation, parsed.entry.writer?.generation ?? 0);
    return parsed.entry;
  }

  /** Lines that are appended together share a flush, so few are unproven at a time. Older lines do not tell. */
  #judgeUnproven({ entry, flushed }: ParsedLine): void {
    if (flushed === undefined) return;
    for (const at of this.#unproven.keys()) {
      if (at >= flushed) break;
      this.#unproven.delete(at);
    }
    if (entry) this.#unproven.set(this.#at, entry);
  }

  /** Behind the lines that the closing line counts, a line can have been torn before the file was closed. */
  #readUnmatched(line: string): void {
    if (this.#closing === undefined) this.#unmatched ??= { at: this.#at, line };
    else if (this.#at < this.#closing.lines) this.#reportLine(line);
  }

  /** Lines that are appended together may be torn in any combination, but those that were flushed before cannot. */
  #judgeUnmatched({ flushed = Number.POSITIVE_INFINITY }: ParsedLine): void {
    if (this.#unmatched === undefined || this.#isReported || flushed <= this.#unmatched.at) return;
    this.#isReported = true;
    this.#reportLine(this.#unmatched.line);
  }

  #reportLine(line: string): void {
    this.#report(`a journal line does not match its checksum: ${line.slice(0, 80)}`);
  }

  /** Counts a line at the beginning of the file, up to where the closing line counts them. */
  #count(line: string, entry: JournalEntry | undefined): void {
    if (this.#at >= (this.#closing?.lines ?? this.#uncountedFrom)) return;
    this.#tally.add(line, entry);
  }

  #end(): void {
    if (this.#closing === undefined) {
      if (this.#unmatched?.at === this.#at - 1 && holdsClosing(this.#last, this.#tally.closing()))
        this.#report('the line that closes the file was changed');
      return;
    }
    const { lines, digest } = this.#tally.closing();
    if (lines === this.#closing.lines && digest === this.#closing.digest) return;
    this.#report(`its lines are not the ${this.#closing.lines} that it was closed with`);
  }

  /** Reports a file that a later start had closed and that has lost its end. */
  requireClosed(before: number): void {
    if (this.#closing === undefined && this.#generation < before)
      this.#report('its end is missing: the file was closed before');
  }

  #report(why: string): void {
    this.#onDamage(new BlobDamaged(this.#path, why));
  }
}

/** Longer than any line: the longest holds a policy of 20 KiB, escaped once. */
const TAIL_BYTES = 262_144;
/** Longer than any closing line. */
const CLOSING_BYTES = 4096;

/** The closing line, if the file ends with one. */
async function findClosing(fs: FileSystem, path: string): Promise<Closing | undefined> {
  const last = (await readTail(fs, path, CLOSING_BYTES)).split('\n').at(-2);
  return last === undefined ? undefined : parseLine(last)?.closing;
}

async function readTail(fs: FileSystem, path: string, bytes: number): Promise<string> {
  const file = await fs.open(path, 'read');
  try {
    const size = await file.size();
    const length = Math.min(size, bytes);
    return (await file.readAt(size - length, length)).toString();
  } finally {
    await file.close();
  }
}

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
  for (const path of await journalPaths(fs, folder)) ends.push(await findFileEnd(fs, path));
  return greatest(ends);
}

function greatest(ends: readonly JournalEnd[]): JournalEnd {
  const seq = ends.reduce((most, end) => Math.max(most, end.seq), 0);
  return { seq, commitNumber: ends.reduce((most, end) => Math.max(most, end.commitNumber), 0) };
}

async function findFileEnd(fs: FileSystem, path: string): Promise<JournalEnd> {
  // Not just the last line: on PostgreSQL, entries that are committed side by side may change places.
  const lines = (await readTail(fs, path, TAIL_BYTES)).split('\n');
  const entries = lines.flatMap((line) => parseLine(line)?.entry ?? []);
  return greatest(entries.map(({ seq, writer }) => ({ seq, commitNumber: writer?.commitNumber ?? 0 })));
}

interface ClosingDeps {
  readonly fs: FileSystem;
  readonly folder: string;
  readonly flush: Flush;
  /** Name of the file that this process writes. */
  readonly own: string;
}

/**
 * Closes the files that other processes left open. Leaves damaged files as they are: closing one would hide the damage.
 * If a line cannot be written (a full disk), its file stays open.
 * @returns also whether every file is closed now. @throws the I/O error of a read or flush.
 */
export async function closeJournals({
  fs,
  folder,
  flush,
  own,
}: ClosingDeps): Promise<JournalSurvey & { readonly isComplete: boolean }> {
  const types = new Set<string>();
  const damage: string[] = [];
  let isComplete = true;
  for (const path of await journalPaths(fs, folder)) {
    if (path === join(folder, own)) continue;
    const found =
      (await findClosing(fs, path)) ?? (await surveyFile(fs, path, (one) => damage.push(one.message)));
    for (const type of found.types) types.add(type);
    if (!('isOpen' in found)) continue;
    if (found.types.length > 0) isComplete = (await closeFile(fs, path, flush, found)) && isComplete;
    // Lines that were cut off must not come back when every file counts as closed.
    else await flushFile(fs, path, flush);
  }
  return { types: [...types], damage, isComplete: isComplete && damage.length === 0 };
}

/** Reads a file without a closing line. @returns the line that would close it, and whether it may be closed. */
async function surveyFile(
  fs: FileSystem,
  path: string,
  onDamage: OnDamage,
): Promise<Closing & { readonly isOpen?: true }> {
  const types = new Set<string>();
  let isDamaged = false;
  const report = (damage: BlobDamaged) => {
    isDamaged = true;
    onDamage(damage);
  };
  const reader = new FileReader(fs, path, report, await countFlushed(fs, path));
  try {
    for await (const { body } of reader.entries()) types.add(String(body['type']));
  } catch (error) {
    if (!isReadError(error)) throw error;
    isDamaged = true;
    onDamage(new BlobDamaged(path, (error as Error).message));
  }
  const closing = { ...reader.tally.closing(), types: [...types].sort() };
  return isDamaged ? closing : { ...closing, isOpen: true };
}

/**
 * How many lines of an open file are certain to be on the disk. The last flush of its process may have failed, and then
 * the system shows lines that the disk does not have. Their entries were not acknowledged.
 */
async function countFlushed(fs: FileSystem, path: string): Promise<number> {
  const lines = (await readTail(fs, path, TAIL_BYTES)).split('\n');
  const counts = lines.flatMap((line) => {
    const parsed = parseLine(line);
    return parsed?.entry ? [parsed.flushed ?? Number.POSITIVE_INFINITY] : [];
  });
  return counts.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...counts);
}

/** @returns false if the line cannot be written. @throws the I/O error of the flush. */
async function closeFile(fs: FileSystem, path: string, flush: Flush, closing: Closing): Promise<boolean> {
  const file = await fs.open(path, 'append');
  try {
    // Torn lines stay. The disk may also lack the end of the last one, so the closing line brings its own beginning.
    const bytes = Buffer.from(`\n${formatClosing(closing)}`);
    if ((await file.appendOnce(bytes).catch(ignoreErrors)) !== bytes.length) return false;
    await flush(() => file.flushData());
    return true;
  } finally {
    await file.close();
  }
}
