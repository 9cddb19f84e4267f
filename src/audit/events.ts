/** Merges the events of an audit log's chains in order of time. */
import type { AuditEvent } from './chain.ts';
import { parseEvent } from './chain.ts';
import { chainsIn, linesOf } from './read.ts';

/** A chain being read. */
interface ChainCursor {
  readonly chain: string;
  /** Time of the next event, but no earlier than the event before it in the chain; ms since the epoch. */
  atMs: number;
  event: AuditEvent;
  readonly rest: AsyncGenerator<AuditEvent>;
}

/**
 * Lists every event of every chain by `eventTime`. Opens a chain when the time of its first event has come, so that
 * only chains of concurrent processes are open at once. Events within one chain keep their order, even if their times
 * go back because the clock was set back or an earlier version wrote them.
 * @param onUnreadable called for each whole line that contains no event: the log was damaged.
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

/** Lists the chains that have events, with the time of the first event of each, earliest first. */
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

/** The time of an event, ms since the epoch; 0 if it has none. */
export function eventTimeMs(event: AuditEvent): number {
  const ms = Date.parse(String(event['eventTime']));
  return Number.isNaN(ms) ? 0 : ms;
}
