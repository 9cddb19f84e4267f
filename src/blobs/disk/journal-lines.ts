/** The lines of a journal file. Specified in docs/format.md; a change here needs a new version there. */
import { createHash, hash } from 'node:crypto';
import type { JournalEntry, WriterStamp } from '../../domain/blob-store.ts';

const SUM_CHARS = 32;

/** The members of a line. */
interface JournalLine {
  readonly seq: number;
  readonly entry: JournalEntry['body'];
  /** Absent in lines that were written before form 3. */
  readonly generation?: number;
  readonly commit?: number;
  /** How many lines of the file were flushed when this one was written; absent in older lines. */
  readonly flushed?: number;
}

/** The members of the line that closes a file. */
export interface Closing {
  /** The file begins with this many whole lines. */
  readonly lines: number;
  /** SHA-256 of their bytes, line feeds included; 64 hex digits. */
  readonly digest: string;
  /** The types of their entries, sorted. */
  readonly types: readonly string[];
}

/** What a whole line says: an entry, or that the file is closed, or nothing that is known. */
export interface ParsedLine {
  readonly entry?: JournalEntry;
  /** How many lines were flushed when the entry was written. */
  readonly flushed?: number | undefined;
  readonly closing?: Closing;
}

/** Makes the line of an entry, with its line feed. @param flushed how many lines of the file are flushed. */
export function formatLine(
  { seq, body }: JournalEntry,
  { generation, commitNumber }: WriterStamp,
  flushed: number,
): string {
  const line: JournalLine = { seq, generation, commit: commitNumber, flushed, entry: body };
  return withSum(JSON.stringify(line));
}

/** Makes the line that closes a file, with its line feed. */
export function formatClosing({ lines, digest, types }: Closing): string {
  return withSum(JSON.stringify({ closed: { lines, digest, types } }));
}

/** Makes a line of any JSON object: with its checksum and its line feed. */
export function withSum(json: string): string {
  // Some line readers, Node's among them, also break lines at these two characters.
  const text = json.replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`);
  return `${sumOf(text)} ${text}\n`;
}

/** The members of a line without its line feed; undefined if it does not match its checksum, or is not a JSON object. */
export function lineMembers(line: string): object | undefined {
  const text = line.slice(SUM_CHARS + 1);
  if (line.length <= SUM_CHARS || line.slice(0, SUM_CHARS) !== sumOf(text)) return undefined;
  return parseMembers(text);
}

/** Parses a line without its line feed; undefined if it does not match its checksum, or is not a JSON object. */
export function parseLine(line: string): ParsedLine | undefined {
  const members: LineMembers | undefined = lineMembers(line);
  if (members === undefined) return undefined;
  const { seq, entry: body, generation, commit, flushed, closed } = members;
  if (isObject(closed)) return { closing: closed };
  if (seq === undefined || !isObject(body)) return {};
  if (generation === undefined || commit === undefined) return { entry: { seq, body }, flushed };
  return { entry: { seq, body, writer: { generation, commitNumber: commit } }, flushed };
}

type LineMembers = Partial<JournalLine> & { readonly closed?: Closing };

function parseMembers(text: string): LineMembers | undefined {
  try {
    const members: unknown = JSON.parse(text);
    return isObject(members) ? (members as LineMembers) : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function sumOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, SUM_CHARS);
}

/** Counts and hashes the lines of one file, for the line that closes it. */
export class LineTally {
  readonly #hash = createHash('sha256');
  readonly #types = new Set<string>();
  #lines = 0;

  get lines(): number {
    return this.#lines;
  }

  /** @param line without its line feed. @param entry what it holds, if it holds one. */
  add(line: string, entry: JournalEntry | undefined): void {
    this.#lines++;
    this.#hash.update(`${line}\n`);
    if (entry) this.#types.add(String(entry.body['type']));
  }

  closing(): Closing {
    const digest = this.#hash.copy().digest('hex');
    return { lines: this.#lines, digest, types: [...this.#types].sort() };
  }
}

/**
 * Whether a last line that does not match its checksum holds the line that closed the file, and was changed since. What a
 * crash tore is the beginning of a line.
 * @param closing the line that would close the file before this line.
 */
export function holdsClosing(line: string, closing: Closing): boolean {
  // The line feed before the closing line was changed.
  const at = line.lastIndexOf(' {"closed":');
  if (at > SUM_CHARS && parseLine(line.slice(at - SUM_CHARS))?.closing) return true;
  const expected = formatClosing(closing).trimEnd();
  if (expected.startsWith(line)) return false;
  let same = 0;
  for (let i = 0; i < line.length && i < expected.length; i++) if (line[i] === expected[i]) same++;
  return same > expected.length / 2;
}
