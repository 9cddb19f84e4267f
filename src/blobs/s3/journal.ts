import { type JournalEntry, type Stamp, StoreFailure, type WriterStamp } from '../../domain/blob-store.ts';
import { ignoreErrors } from '../../durable/errors.ts';
import { SharedRun } from '../../durable/shared-run.ts';
import { formatClosing, formatLine, LineTally } from '../disk/journal-lines.ts';
import { encodeObject, Progress } from './journal-object.ts';
import { journalKey } from './keys.ts';
import { ConditionFailed, type Objects } from './objects.ts';

/** So many objects, or objects of so many bytes, are replaced by one. Bounds the memory of their lines, too. */
const MERGED_OBJECTS = 256;
const MERGED_BYTES = 4 * 1024 * 1024;

interface ObjectJournalDeps {
  readonly objects: Objects;
  readonly stamp: Stamp;
  /** Names the objects of this process; 32 hex digits that no other process uses. */
  readonly run: string;
}

/** An object that is stored, or may be. */
interface Group {
  readonly number: number;
  readonly lines: readonly string[];
  readonly entries: readonly JournalEntry[];
  readonly bytes: Buffer;
}

interface WaitingEntry {
  readonly entry: JournalEntry;
  readonly writer: WriterStamp;
}

/**
 * The journal of this process: numbered objects, each stored only if there is none of its number. Entries that wait while
 * an object is being stored share the next one. So an entry waits for two requests at most, beside retries.
 */
export class ObjectJournal {
  readonly #deps: ObjectJournalDeps;
  readonly #appends = new SharedRun(() => this.#write(this.#waiting.splice(0)));
  readonly #tally = new LineTally();
  readonly #progress = new Progress();
  #waiting: WaitingEntry[] = [];
  /** Number of the last object. */
  #last = 0;
  /** The object that was sent last, if no answer said that it is stored. */
  #unsure: Group | undefined;
  /** The objects that are merged next. */
  #tail: Group[] = [];
  #tailBytes = 0;
  #merging: Promise<void> = Promise.resolve();

  constructor(deps: ObjectJournalDeps) {
    this.#deps = deps;
  }

  /**
   * Durable when it resolves. After an error the entries may be in the journal or not, and may be appended again.
   * @throws StoreFailure when a later start has closed this journal; the engine's error.
   */
  append(entries: readonly JournalEntry[]): Promise<void> {
    const writer = this.#deps.stamp();
    for (const entry of entries) this.#waiting.push({ entry, writer });
    return this.#appends.run();
  }

  async #write(waiting: readonly WaitingEntry[]): Promise<void> {
    if (this.#unsure) await this.#store(this.#unsure);
    if (waiting.length === 0) return;
    const lines = waiting.map(({ entry, writer }) => formatLine(entry, writer, 0));
    for (const { entry, writer } of waiting) this.#progress.add(entry.seq, writer);
    await this.#store(
      this.#group(
        lines,
        waiting.map(({ entry }) => entry),
      ),
    );
    this.#mergeTail();
  }

  #group(lines: readonly string[], entries: readonly JournalEntry[]): Group {
    const number = this.#last + 1;
    const head = this.#progress.head(number, number, this.#deps.stamp().generation);
    return { number, lines, entries, bytes: encodeObject(head, lines) };
  }

  /**
   * Stores an object if its number is free. A start closes a journal by taking the next number, so a process that was
   * paused meanwhile can append nothing any more.
   */
  async #store(group: Group): Promise<void> {
    this.#unsure = group;
    const { objects, run } = this.#deps;
    try {
      await objects.put(journalKey(run, group.number), group.bytes, { absent: true });
    } catch (error) {
      if (error instanceof ConditionFailed)
        throw new StoreFailure('a later start has closed the journal of this process', error);
      throw error;
    }
    this.#unsure = undefined;
    this.#last = group.number;
    for (const [i, line] of group.lines.entries()) this.#tally.add(line.trimEnd(), group.entries[i]);
    this.#tail.push(group);
    this.#tailBytes += group.bytes.length;
  }

  /** Replaces many objects by one, beside the next appends. */
  #mergeTail(): void {
    if (this.#tail.length < MERGED_OBJECTS && this.#tailBytes < MERGED_BYTES) return;
    const groups = this.#tail.splice(0);
    this.#tailBytes = 0;
    const head = this.#progress.head(groups[0]?.number ?? 0, this.#last, this.#deps.stamp().generation);
    // If it fails, the objects stay as they are.
    this.#merging = this.#merging.then(() => this.#merge(head, groups)).catch(ignoreErrors);
  }

  async #merge(head: Parameters<typeof encodeObject>[0], groups: readonly Group[]): Promise<void> {
    const { objects, run } = this.#deps;
    const lines = groups.flatMap((group) => group.lines);
    await objects.put(journalKey(run, head.last), encodeObject(head, lines));
    for (const { number } of groups) if (number < head.last) await objects.remove(journalKey(run, number));
  }

  /** Ends the journal with the line that closes it. Nothing may be appended afterwards. @throws the engine's error. */
  async seal(): Promise<void> {
    await this.#appends.settled();
    await this.#merging;
    if (this.#unsure) await this.#store(this.#unsure);
    if (this.#last > 0) await this.#store(this.#group([formatClosing(this.#tally.closing())], []));
  }
}
