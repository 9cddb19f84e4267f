/** Reading the journals of a bucket, and closing those whose process ended without closing its own. */
import { BlobDamaged, type JournalEntry, type JournalSurvey } from '../../domain/blob-store.ts';
import { inOrder } from '../blob/in-order.ts';
import { type Closing, formatClosing, LineTally } from '../disk/journal-lines.ts';
import { decodeHead, encodeObject, HEAD_BYTES, linesOf, type ObjectHead } from './journal-object.ts';
import { JOURNAL, journalKey, parseJournalKey } from './keys.ts';
import { ConditionFailed, type Objects } from './objects.ts';

const READS_AT_ONCE = 8;
/** A running process merges objects, and another start may close a journal, but not again and again. */
const TRIES = 5;

/** Called for damage. Reading goes on if it returns. */
type OnDamage = (damage: BlobDamaged) => void;

function throwDamage(damage: BlobDamaged): never {
  throw damage;
}

/** The objects of one process, by number. */
interface Run {
  readonly run: string;
  readonly keys: readonly string[];
}

async function* listRuns(objects: Objects, only = ''): AsyncGenerator<Run> {
  const keys: string[] = [];
  let current: string | undefined;
  for await (const { key } of objects.list(JOURNAL + only)) {
    const parsed = parseJournalKey(key);
    if (parsed === undefined) continue;
    if (current !== undefined && parsed.run !== current) yield { run: current, keys: keys.splice(0) };
    current = parsed.run;
    keys.push(key);
  }
  if (current !== undefined) yield { run: current, keys };
}

/** Every entry of every process. @param closedBefore every journal of an earlier generation was closed. */
export async function* readJournals(
  objects: Objects,
  closedBefore: number,
  onDamage: OnDamage = throwDamage,
): AsyncIterable<JournalEntry> {
  for await (const { run } of listRuns(objects)) yield* readJournal(objects, run, closedBefore, onDamage);
}

/** Every entry of one process. */
export async function* readJournal(
  objects: Objects,
  run: string,
  closedBefore: number,
  onDamage: OnDamage,
): AsyncIterable<JournalEntry> {
  const reader = new RunReader(objects, run, onDamage);
  yield* reader.entries();
  reader.requireClosed(closedBefore);
}

/** How far the journal goes: the greatest number of an entry, and the greatest commit number. */
export async function findJournalEnd(objects: Objects): Promise<{ seq: number; commitNumber: number }> {
  let [seq, commitNumber] = [0, 0];
  const lasts = lastKeys(objects);
  for await (const { head } of inOrder(lasts, READS_AT_ONCE, (key) => readHead(objects, key))) {
    seq = Math.max(seq, head?.seq ?? 0);
    commitNumber = Math.max(commitNumber, head?.commit ?? 0);
  }
  return { seq, commitNumber };
}

async function* lastKeys(objects: Objects): AsyncGenerator<string> {
  for await (const { keys } of listRuns(objects)) yield keys.at(-1) ?? '';
}

interface KeyedHead {
  readonly key: string;
  /** Undefined if it is damaged or gone. */
  readonly head: ObjectHead | undefined;
}

async function readHead(objects: Objects, key: string): Promise<KeyedHead> {
  const bytes = await objects.read(key, 0, HEAD_BYTES);
  return { key, head: bytes && decodeHead(bytes) };
}

/** Closes the journals of all processes but `own`. @throws the engine's error. */
export async function closeJournals(
  objects: Objects,
  own: string,
): Promise<JournalSurvey & { isComplete: boolean }> {
  const types = new Set<string>();
  const damage: string[] = [];
  for await (const { run } of listRuns(objects)) {
    if (run === own) continue;
    const found: string[] = [];
    const closing = await closeRun(objects, run, (one) => found.push(one.message));
    for (const type of closing.types) types.add(type);
    damage.push(...found);
  }
  return { types: [...types], damage, isComplete: damage.length === 0 };
}

/** Closes a journal, unless it is closed or damaged. Returns what its closing line says, or would say. */
async function closeRun(objects: Objects, run: string, onDamage: OnDamage): Promise<Closing> {
  for (let tries = 1; ; tries++) {
    const damage: BlobDamaged[] = [];
    const reader = new RunReader(objects, run, (one) => damage.push(one));
    const closed = await reader.readClosing();
    if (closed) return closed;
    for await (const _ of reader.entries());
    damage.forEach(onDamage);
    if (damage.length > 0 || reader.last === undefined) return reader.tally.closing();
    try {
      const { last: previous, seq, commit, generation } = reader.last;
      const head = { first: previous + 1, last: previous + 1, seq, commit, generation };
      const bytes = encodeObject(head, [formatClosing(reader.tally.closing())]);
      await objects.put(journalKey(run, head.last), bytes, { absent: true });
      return reader.tally.closing();
    } catch (error) {
      // The process was not dead, or another start closes its journal.
      if (!(error instanceof ConditionFailed) || tries === TRIES) throw error;
    }
  }
}

/** Reads the journal of one process. */
class RunReader {
  readonly #objects: Objects;
  readonly #run: string;
  readonly #onDamage: OnDamage;
  #tally = new LineTally();
  #closing: Closing | undefined;
  #last: ObjectHead | undefined;

  constructor(objects: Objects, run: string, onDamage: OnDamage) {
    this.#objects = objects;
    this.#run = run;
    this.#onDamage = onDamage;
  }

  /** The lines of entries, after `entries` came to its end. */
  get tally(): LineTally {
    return this.#tally;
  }

  /** Head of the last object, after `entries` came to its end. */
  get last(): ObjectHead | undefined {
    return this.#last;
  }

  /** What the last object says if it closes the journal. */
  async readClosing(): Promise<Closing | undefined> {
    for await (const { keys } of listRuns(this.#objects, `${this.#run}/`)) {
      const found = await this.#objects.get(keys.at(-1) ?? '');
      for (const { parsed } of found ? linesOf(found.bytes) : []) if (parsed?.closing) return parsed.closing;
    }
    return undefined;
  }

  /** Yields some entries again if objects are merged meanwhile. */
  async *entries(): AsyncIterable<JournalEntry> {
    for (let tries = 1; ; tries++) {
      this.#tally = new LineTally();
      const isWhole = yield* this.#read(tries === TRIES);
      if (isWhole) break;
    }
    const { lines, digest } = this.#tally.closing();
    if (this.#closing && (this.#closing.lines !== lines || this.#closing.digest !== digest))
      this.#report(`its lines are not the ${this.#closing.lines} that it was closed with`);
  }

  /** @param isLast whether a missing object is damage. @returns false if an object vanished. */
  async *#read(isLast: boolean): AsyncGenerator<JournalEntry, boolean> {
    const chain = await this.#chain(isLast);
    if (chain === undefined) return false;
    const read = (key: string) => this.#objects.get(key);
    for await (const found of inOrder(chain, READS_AT_ONCE, read)) {
      if (found === undefined && !isLast) return false;
      for (const { text, parsed } of found ? linesOf(found.bytes) : []) {
        if (parsed === undefined) this.#report(`a line does not match its checksum: ${text.slice(0, 80)}`);
        else if (parsed.closing) this.#closing = parsed.closing;
        else this.#tally.add(text, parsed.entry);
        if (parsed?.entry) yield parsed.entry;
      }
    }
    return true;
  }

  /**
   * The keys of the objects that have all lines, each once, in order. An object that replaces others stands under the last
   * of their numbers; those that it replaces may still be there.
   */
  async #chain(isLast: boolean): Promise<readonly string[] | undefined> {
    const heads: KeyedHead[] = [];
    for await (const { keys } of listRuns(this.#objects, `${this.#run}/`))
      for await (const one of inOrder(keys, READS_AT_ONCE, (key) => readHead(this.#objects, key)))
        heads.push(one);
    const chain: string[] = [];
    const lost: string[] = [];
    this.#last = heads.at(-1)?.head;
    let expected = parseJournalKey(heads.at(-1)?.key ?? '')?.last ?? 0;
    for (const { key, head } of heads.reverse()) {
      const number = parseJournalKey(key)?.last ?? 0;
      if (number > expected) continue;
      if (number < expected) lost.push(`its objects ${number + 1} to ${expected} are missing`);
      if (head === undefined) lost.push(`the first line of ${key} does not match its checksum`);
      chain.unshift(key);
      expected = (head?.first ?? number) - 1;
    }
    if (expected > 0) lost.push(`its objects 1 to ${expected} are missing`);
    if (lost.length > 0 && !isLast) return undefined;
    for (const why of lost) this.#report(why);
    return chain;
  }

  requireClosed(closedBefore: number): void {
    if (this.#closing === undefined && this.#last && this.#last.generation < closedBefore)
      this.#report('its end is missing: the journal was closed before');
  }

  #report(why: string): void {
    this.#onDamage(new BlobDamaged(`${JOURNAL}${this.#run}`, why));
  }
}
