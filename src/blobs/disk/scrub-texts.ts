/** Proving the files of a store that hold no blobs: journals, notes, lists of what is set aside, identity, format. */
import { NoteDamaged } from '../../domain/blob-store.ts';
import { IDENTITY_FILE } from '../../domain/store-identity.ts';
import { isMissing, isReadError } from '../../durable/errors.ts';
import { type DirectFile, type DirectFiles, RUN_BYTES } from '../blob/direct-file.ts';
import { type Closing, holdsClosing, LineTally, parseLine } from './journal-lines.ts';
import type { DiskPaths } from './paths.ts';
import { decodeStamped } from './stamped-text.ts';
import { FORMAT_NAME, isKnownVersion } from './survey.ts';

const FORMAT_FILE = 'format.json';
const LINE_FEED = 0x0a;

/** Longer than any line of a journal and than any note. */
const LONGEST_BYTES = 4 * RUN_BYTES;

interface TextDeps {
  readonly paths: DiskPaths;
  readonly files: DirectFiles;
  rest(bytes: number): Promise<void>;
}

/** Their paths within the store. */
export async function* listTexts(paths: DiskPaths): AsyncGenerator<string> {
  yield* [FORMAT_FILE, IDENTITY_FILE];
  for (const [folder, isOne] of [
    ['notes', (name: string) => /^[a-z0-9-]+$/.test(name)],
    ['aside', (name: string) => /^[a-z0-9-]+$/.test(name)],
    ['journal', (name: string) => name.endsWith('.jsonl')],
  ] as const) {
    for await (const { name } of await paths.fs.list(paths.other(folder)))
      if (isOne(name)) yield `${folder}/${name}`;
  }
}

/** Reads such a file. @returns why it is damaged; undefined if it is not, or gone. @throws the I/O error. */
export async function proveText(deps: TextDeps, path: string): Promise<string | undefined> {
  let file: DirectFile | undefined;
  try {
    file = await deps.files.open(deps.paths.other(path));
    if (file === undefined) return undefined;
    if (path.startsWith('journal/')) return await proveJournal(deps, file);
    const text = (await file.readAt(0, Math.min(file.size, LONGEST_BYTES))).toString('utf8');
    await deps.rest(file.size);
    return path === FORMAT_FILE ? proveFormat(text) : proveStamped(path, text);
  } catch (error) {
    if (isReadError(error)) return 'the disk fails to read it';
    if (isMissing(error)) return undefined;
    throw error;
  } finally {
    await file?.close();
  }
}

function proveStamped(path: string, text: string): string | undefined {
  try {
    const { writer } = decodeStamped(path, text);
    return writer === undefined && path === IDENTITY_FILE ? 'its end is missing' : undefined;
  } catch (error) {
    if (error instanceof NoteDamaged) return 'it is not what was written';
    throw error;
  }
}

function proveFormat(text: string): string | undefined {
  try {
    const { format, version } = JSON.parse(text) as { format?: unknown; version?: unknown };
    return format === FORMAT_NAME && isKnownVersion(version) ? undefined : 'it names another format';
  } catch {
    return 'it is not JSON';
  }
}

/** Proves each line, and the line that closes the file against the lines before it. */
async function proveJournal({ rest }: TextDeps, file: DirectFile): Promise<string | undefined> {
  const lines = new JournalProof();
  let before = Buffer.alloc(0);
  for (let at = 0; at < file.size; at += RUN_BYTES) {
    const bytes = Buffer.concat([before, await file.readAt(at, RUN_BYTES)]);
    let from = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, from)) {
      const damage = lines.add(bytes.toString('utf8', from, end));
      if (damage !== undefined) return damage;
      from = end + 1;
    }
    before = bytes.subarray(from);
    if (before.length > LONGEST_BYTES) return 'a line has no end';
    await rest(Math.min(RUN_BYTES, file.size - at));
  }
  return lines.end(before.toString('utf8'));
}

/** The lines of a journal file, proved one after the other (docs/format.md). */
class JournalProof {
  readonly #tally = new LineTally();
  /** Number of lines so far. */
  #lines = 0;
  /** Index of the first line that does not match its checksum. A crash may have torn it, unless it was flushed. */
  #unmatched: number | undefined;
  #last = '';

  /** @returns why the file is damaged; undefined if it is not so far. */
  add(line: string): string | undefined {
    const at = this.#lines++;
    this.#last = line;
    const parsed = parseLine(line);
    if (parsed?.closing) return this.#close(parsed.closing);
    if (parsed === undefined) this.#unmatched ??= at;
    else if (this.#unmatched !== undefined && (parsed.flushed ?? Number.POSITIVE_INFINITY) > this.#unmatched)
      return `line ${this.#unmatched + 1} is not what was written`;
    else if (at === this.#tally.lines) this.#tally.add(line, parsed.entry);
    return undefined;
  }

  /** @param rest what follows the last line feed. */
  end(rest: string): string | undefined {
    if (rest !== '') {
      const damage = this.add(rest);
      if (damage !== undefined) return damage;
    }
    return this.#unmatched === this.#lines - 1 && holdsClosing(this.#last, this.#tally.closing())
      ? 'the line that closes the file was changed'
      : undefined;
  }

  #close({ lines, digest }: Closing): string | undefined {
    this.#unmatched = undefined;
    const own = this.#tally.closing();
    // A start counts only what is certain to be flushed. Each line has proved itself.
    const isSame = lines < own.lines || (lines === own.lines && digest === own.digest);
    return isSame ? undefined : `its lines are not the ${lines} that it was closed with`;
  }
}
