/** The events of an audit log, merged from its chains in order of time. */
import type { AuditEvent } from './chain.ts';
import { parseEvent } from './chain.ts';
import { chainsIn, linesOf } from './read.ts';

/** A chain that is being read. */
interface ChainCursor {
  readonly chain: string;
  /** Time of the next record, never before that of the one before it in the chain; ms since the epoch. */
  atMs: number;
  event: AuditEvent;
  readonly rest: AsyncGenerator<AuditEvent>;
}

/**
 * Every event of every chain, by `eventTime`. A chain is read when the time of its first record has come, so that only
 * chains of processes that ran side by side are open at once. Where the times within one chain go back (the clock was
 * set back, or an earlier version wrote it), its records keep the chain's order.
 * @param onUnreadable called for each whole line that does not hold a record: the log was damaged.
 */
export async function* listEvents(
  folder: string,
  onUnreadable: (file: string, line: number) => void = () => {},
): AsyncGenerator<AuditEvent> {
  const waiting = await byFirstTime(folder);
  const open: ChainCursor[] = [];
  for (;;) {
    let next = earliest(open);
    for (; waiting[0] && waiting[0].atMs <= (next?.atMs ?? Number.POSITIVE_INFINITY); next = earliest(open)) {
      const cursor = await begin(folder, waiting.shift()?.chain ?? '', onUnreadable);
      if (cursor) open.push(cursor);
    }
    if (!next) return;
    yield next.event;
    if (!(await advance(next))) open.splice(open.indexOf(next), 1);
  }
}

/** Each chain that has a record, with the time of its first, earliest first. */
async function byFirstTime(folder: string): Promise<{ chain: string; atMs: number }[]> {
  const found: { chain: string; atMs: number }[] = [];
  for (const chain of await chainsIn(folder)) {
    const cursor = await begin(folder, chain, () => {});
    if (!cursor) continue;
    await cursor.rest.return(undefined);
    found.push({ chain, atMs: cursor.atMs });
  }
  return found.sort((a, b) => a.atMs - b.atMs);
}

async function begin(
  folder: string,
  chain: string,
  onUnreadable: (file: string, line: number) => void,
): Promise<ChainCursor | undefined> {
  const rest = eventsOf(folder, chain, onUnreadable);
  const { value, done } = await rest.next();
  return done ? undefined : { chain, atMs: eventTimeMs(value), event: value, rest };
}

async function advance(cursor: ChainCursor): Promise<boolean> {
  const { value, done } = await cursor.rest.next();
  if (done) return false;
  cursor.event = value;
  cursor.atMs = Math.max(cursor.atMs, eventTimeMs(value));
  return true;
}

function earliest(cursors: readonly ChainCursor[]): ChainCursor | undefined {
  return cursors.reduce<ChainCursor | undefined>(
    (best, cursor) => (best && best.atMs <= cursor.atMs ? best : cursor),
    undefined,
  );
}

async function* eventsOf(
  folder: string,
  chain: string,
  onUnreadable: (file: string, line: number) => void,
): AsyncGenerator<AuditEvent> {
  for await (const { file, line, text, whole } of linesOf(folder, chain)) {
    if (!whole) continue;
    const event = parseEvent(text);
    if (event) yield event;
    else onUnreadable(file, line);
  }
}

/** Of a record; 0 for one without a time. */
export function eventTimeMs(event: AuditEvent): number {
  const ms = Date.parse(String(event['eventTime']));
  return Number.isNaN(ms) ? 0 : ms;
}
