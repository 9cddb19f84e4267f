import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { undefinedIfMissing } from '../durable/errors.ts';
import { type Anchor, furtherOf, openAnchor } from './anchor.ts';
import { headName, logName } from './audit-log.ts';
import { type ChainKey, type Head, parseEvent } from './chain.ts';
import { eventTimeMs } from './events.ts';
import { digestOf, type HeadLine, type Position } from './head-line.ts';
import { chainsIn, linesOf } from './read.ts';

/** A fault, and where it is. */
interface AuditProblem {
  /** Empty for the log as a whole. */
  readonly file: string;
  /** Line in the file, from 1; 0 for the file as a whole. */
  readonly line: number;
  readonly fault: string;
}

/** Anchors outside the audit folder: the text by chain. */
export interface Remembered {
  /** Has every chain that was begun. An earlier version wrote `{}`, which says only that. */
  readonly store: ReadonlyMap<string, string>;
  /** The catalog's anchors. A catalog that was restored from a backup lacks later chains. */
  readonly catalog: ReadonlyMap<string, string>;
}

/** The result of `verifyAudit`. */
export interface Verified {
  readonly problems: readonly AuditProblem[];
  /** Number of chains that have events. */
  readonly chains: number;
  /** Number of whole events. */
  readonly events: number;
  /** How many of these events the anchors in the store cover, and those in the catalog. */
  readonly anchored: { readonly store: number; readonly catalog: number };
  /** When the newest anchor was written, ms since the epoch; undefined if there is none. */
  readonly anchoredMs: number | undefined;
  /** Chains without an anchor, because they were begun after the store was copied. */
  readonly newer: readonly string[];
}

/** One chain while it is being checked. */
interface Chain {
  readonly name: string;
  readonly store: Anchor | undefined;
  readonly catalog: Anchor | undefined;
  /** Where its lines ended. */
  end: Head;
  /** Where it ended when the expected line was printed. */
  expected: Head | undefined;
}

/**
 * Checks every chain: each line follows the one before, no file is missing, and the chain goes as far as its head, its
 * anchors and the expected line say. A crash, or a copy made in the right order, may leave three things that are not
 * faults: whole lines beyond the head, one torn last line, and a chain that was begun after all anchors in the store.
 * @throws the I/O error of a file that exists but cannot be read.
 */
export async function verifyAudit(
  folder: string,
  key: ChainKey,
  remembered: Remembered,
  expected?: HeadLine,
): Promise<Verified> {
  const problems: AuditProblem[] = [];
  const chains: Chain[] = [];
  const newer: string[] = [];
  const names = [...remembered.store.keys(), ...remembered.catalog.keys(), ...(await chainsIn(folder))];
  const anchors = [...remembered.store.values(), ...remembered.catalog.values()].flatMap(
    (text) => openAnchor(key, text) ?? [],
  );
  const anchoredMs = anchors.length === 0 ? undefined : Math.max(...anchors.map(({ atMs }) => atMs));
  for (const name of new Set(names)) {
    const store = anchorOf(key, name, 'store', remembered.store.get(name), problems);
    const catalog = anchorOf(key, name, 'catalog', remembered.catalog.get(name), problems);
    const chain: Chain = { name, store, catalog, end: key.beginning(name), expected: undefined };
    if (!remembered.store.has(name) && !remembered.catalog.has(name)) {
      const first = await firstTime(folder, name);
      if (first === undefined) continue;
      if (anchoredMs !== undefined && first > anchoredMs) newer.push(name);
      else problems.push({ ...whole(name), fault: 'the store has no anchor of this chain' });
    } else if (!remembered.store.has(name)) {
      problems.push({
        ...whole(name),
        fault: 'the catalog has an anchor of this chain, but the store has none',
      });
    } else if (catalog && catalog.head.seq > (store?.head.seq ?? -1)) {
      // The store's anchor is always written first.
      problems.push({
        ...whole(name),
        fault: 'the anchor in the store is older than the one in the catalog',
      });
    }
    problems.push(...(await verifyChain(folder, key, chain, newer.includes(name), expected)));
    chains.push(chain);
  }
  // A fault in a chain names its place, which the comparison of the whole cannot.
  if (expected && problems.length === 0) problems.push(...compareWithLine(chains, expected));
  const sum = (of: (chain: Chain) => number) => chains.reduce((total, chain) => total + of(chain), 0);
  return {
    problems,
    chains: chains.filter(({ end }) => end.seq > 0).length,
    events: sum(({ end }) => end.seq),
    anchored: {
      store: sum(({ store }) => store?.head.seq ?? 0),
      catalog: sum(({ catalog }) => catalog?.head.seq ?? 0),
    },
    anchoredMs,
    newer,
  };
}

function whole(chain: string): { readonly file: string; readonly line: 0 } {
  return { file: headName(chain), line: 0 };
}

/** Opens the anchor of a chain in one place. A changed one is a fault. */
function anchorOf(
  key: ChainKey,
  chain: string,
  place: 'store' | 'catalog',
  text: string | undefined,
  faults: AuditProblem[],
): Anchor | undefined {
  if (text === undefined || text === '{}') return undefined;
  const anchor = openAnchor(key, text);
  if (anchor?.chain === chain) return anchor;
  faults.push({ ...whole(chain), fault: `the anchor in the ${place} was changed` });
  return undefined;
}

/** Time of a chain's first event, ms since the epoch; undefined if it has none. */
async function firstTime(folder: string, chain: string): Promise<number | undefined> {
  for await (const { text } of linesOf(folder, chain)) return eventTimeMs(parseEvent(text) ?? {});
  return undefined;
}

/** A point that a chain must reach. */
interface Milestone {
  readonly head: Head;
  /** Describes the fault of a log that ends before it. */
  fault(endsAt: number): string;
}

async function verifyChain(
  folder: string,
  key: ChainKey,
  chain: Chain,
  mayLackHead: boolean,
  expected: HeadLine | undefined,
): Promise<AuditProblem[]> {
  const sealed = await readFile(join(folder, headName(chain.name)), 'utf8').catch(undefinedIfMissing);
  if (sealed === undefined && !mayLackHead) return [{ ...whole(chain.name), fault: 'the head is missing' }];
  const head = sealed === undefined ? undefined : key.openHead(chain.name, sealed);
  if (sealed !== undefined && !head) return [{ ...whole(chain.name), fault: 'the head was changed' }];
  const marks = [
    ...(head ? [markOf(head)] : []),
    ...anchorMarks(chain.store, 'store'),
    ...anchorMarks(chain.catalog, 'catalog'),
  ];
  return verifyLines(folder, key, chain, marks, expectedSeq(chain, expected));
}

function markOf(head: Head): Milestone {
  return { head, fault: (endsAt) => `the log ends at event ${endsAt}, but ${head.seq} were written` };
}

function anchorMarks(anchor: Anchor | undefined, place: string): Milestone[] {
  if (!anchor) return [];
  const { head, atMs } = anchor;
  const at = new Date(atMs).toISOString();
  const fault = (endsAt: number) =>
    `the log ends at event ${endsAt}, but the anchor of ${at} in the ${place} says ${head.seq}: ` +
    'events were cut off, or this is an earlier copy';
  return [{ head, fault }];
}

/** Number of events that this chain had by the expected line; undefined if the line does not cover it. */
function expectedSeq(chain: Chain, expected: HeadLine | undefined): number | undefined {
  const anchor = furtherOf(chain.store, chain.catalog);
  if (!expected || !anchor || anchor.number === 0 || anchor.number > expected.upTo) return undefined;
  return expected.open.get(anchor.number) ?? anchor.head.seq;
}

async function verifyLines(
  folder: string,
  key: ChainKey,
  chain: Chain,
  marks: readonly Milestone[],
  expectedAt: number | undefined,
): Promise<AuditProblem[]> {
  const left = new Set(marks);
  let at = { file: logName(chain.name, 0), line: 0 };
  const reach = (head: Head): void => {
    chain.end = head;
    if (head.seq === expectedAt) chain.expected = head;
    for (const mark of left) if (isSame(mark.head, head)) left.delete(mark);
  };
  reach(key.beginning(chain.name));
  for await (const { file, line, text, whole: isWhole, lastFile } of linesOf(folder, chain.name)) {
    const next = isWhole ? key.follow(chain.end, text) : undefined;
    if (!next) {
      // A crash leaves a torn last line, and so does copying a file that grows.
      if (left.size === 0 && lastFile && !isWhole) return [];
      const fault =
        'this line does not follow the one before it: it was changed or moved, or a line before it was removed';
      return [{ file, line, fault }];
    }
    at = { file, line };
    reach(next);
  }
  return [...left].slice(0, 1).map((mark) => ({ ...at, fault: mark.fault(chain.end.seq) }));
}

function isSame(one: Head, other: Head): boolean {
  return one.seq === other.seq && one.mac === other.mac;
}

/** Compares the expected line with the chains that it covers. */
function compareWithLine(chains: readonly Chain[], line: HeadLine): AuditProblem[] {
  const at = new Date(line.atMs).toISOString();
  const fault = (text: string): AuditProblem[] => [
    { file: '', line: 0, fault: `the expected line of ${at} ${text}` },
  ];
  const covered = chains.flatMap((chain): Position[] => {
    const number = furtherOf(chain.store, chain.catalog)?.number ?? 0;
    return chain.expected ? [{ number, chain: chain.name, head: chain.expected }] : [];
  });
  for (const [number, seq] of line.open) {
    const found = chains.find((chain) => furtherOf(chain.store, chain.catalog)?.number === number);
    if (seq > 0 && (found?.end.seq ?? 0) < seq)
      return fault(`says that chain number ${number} had ${seq} events; ${found?.end.seq ?? 0} are here`);
  }
  const records = covered.reduce((sum, { head }) => sum + head.seq, 0);
  const count = covered.filter(({ head }) => head.seq > 0).length;
  if (count !== line.chains || records !== line.records)
    return fault(`covers ${line.records} events of ${line.chains} chains; ${records} of ${count} are here`);
  return digestOf(covered) === line.digest
    ? []
    : fault('was made from other events than those that are here');
}
