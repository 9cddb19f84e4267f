/** What other processes left: blobs that may not be confirmed, and what they did not finish. */
import type { Stamp } from '../../domain/blob-store.ts';
import { inOrder } from '../blob/in-order.ts';
import {
  announcementKey,
  decodeAnnouncement,
  encodeAnnouncement,
  nameOf,
  type ReadAnnouncement,
} from './announcement.ts';
import { DATA, dataKey, endKey, INCOMING } from './keys.ts';
import type { Objects } from './objects.ts';

const LOOKS_AT_ONCE = 16;
/** A request that a dead process sent may arrive late, but not as late as this. */
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;

interface LeftBehindDeps {
  readonly objects: Objects;
  readonly stamp: Stamp;
  /** Whether this process made the announcement. */
  owns(seed: string): boolean;
  /** References of the blobs in a pack that were not removed. */
  listPack(pack: string): AsyncIterable<string>;
  /** Wall clock, ms since 1970. */
  now(): number;
}

/** A name that is announced and not settled. */
interface OpenName {
  readonly number: number;
  readonly name: string;
}

/** The names that processes announced and did not settle. */
export class LeftBehind {
  readonly #deps: LeftBehindDeps;
  /** What `unconfirmed` yielded, by the name of the object: only that may be settled. */
  readonly #asked = new Map<string, string[]>();

  constructor(deps: LeftBehindDeps) {
    this.#deps = deps;
  }

  /** Blobs that other processes stored and did not confirm. @throws NoteDamaged, the engine's error. */
  async *unconfirmed(): AsyncIterable<string> {
    for await (const announcement of this.#list()) {
      const look = (one: OpenName) => this.#refsOf(one.name);
      for await (const { name, refs } of inOrder(openNames(announcement), LOOKS_AT_ONCE, look)) {
        if (refs.length > 0) this.#asked.set(name, refs);
        yield* refs;
      }
    }
  }

  async #refsOf(name: string): Promise<{ name: string; refs: string[] }> {
    const refs: string[] = [];
    for await (const ref of this.#deps.listPack(name)) refs.push(ref);
    if (refs.length === 0 && (await this.#deps.objects.find(endKey(name)))) refs.push(name);
    return { name, refs };
  }

  /**
   * Settles what `unconfirmed` yielded, and removes what was not finished. Looks again at the other names for a week: a
   * dead process's last requests may arrive late.
   * @param unsettled references that stay unconfirmed. @throws NoteDamaged, the engine's error.
   */
  async settleAll(unsettled: ReadonlySet<string>): Promise<void> {
    const closed: ReadAnnouncement[] = [];
    for await (const announcement of this.#list()) closed.push(announcement);
    if (closed.length === 0) return;
    await this.#abortUploads(closed);
    for (const announcement of closed) await this.#settle(announcement, unsettled);
    this.#asked.clear();
  }

  async #settle(announcement: ReadAnnouncement, unsettled: ReadonlySet<string>): Promise<void> {
    const { objects, stamp, now } = this.#deps;
    const settled = new Set(announcement.settled);
    const left: OpenName[] = [];
    for (const one of openNames(announcement)) {
      const refs = this.#asked.get(one.name);
      if (refs === undefined) left.push(one);
      else if (!refs.some((ref) => unsettled.has(ref))) settled.add(one.number);
    }
    const sweep = ({ name }: OpenName) => this.#removeUnfinished(name);
    for await (const _ of inOrder(left, LOOKS_AT_ONCE, sweep));
    const closedMs = announcement.closedMs ?? now();
    const key = announcementKey(announcement.seed);
    const isOver =
      settled.size === announcement.names ||
      (left.length === openCount(announcement, settled) && now() - closedMs > KEPT_MS);
    if (isOver) await objects.remove(key);
    else await objects.put(key, encodeAnnouncement({ ...announcement, settled, closedMs }, stamp()));
  }

  /** Data without an end belong to no blob. */
  async #removeUnfinished(name: string): Promise<void> {
    const { objects } = this.#deps;
    const [data, end] = await Promise.all([objects.find(dataKey(name)), objects.find(endKey(name))]);
    if (data && !end) await objects.remove(dataKey(name));
  }

  async #abortUploads(announcements: readonly ReadAnnouncement[]): Promise<void> {
    const keys = new Set<string>();
    for (const announcement of announcements)
      for (const { name } of openNames(announcement)) keys.add(dataKey(name));
    for await (const upload of this.#deps.objects.unfinished(DATA))
      if (keys.has(upload.key)) await this.#deps.objects.abort(upload);
  }

  /** Announcements of processes that belong to earlier starts; without a start, of all other processes. */
  async *#list(): AsyncIterable<ReadAnnouncement> {
    const { objects, stamp, owns } = this.#deps;
    const { generation } = stamp();
    for await (const { key } of objects.list(INCOMING)) {
      const found = await objects.get(key);
      const announcement = found && decodeAnnouncement(key, found.bytes);
      if (announcement === undefined || owns(announcement.seed)) continue;
      if (generation === 0 || announcement.writer.generation < generation || announcement.closedMs !== null)
        yield announcement;
    }
  }
}

/** Names that are still unsettled. */
function openCount({ names }: ReadAnnouncement, settled: ReadonlySet<number>): number {
  return names - settled.size;
}

function* openNames({ seed, names, settled }: ReadAnnouncement): Generator<OpenName> {
  for (let number = 0; number < names; number++)
    if (!settled.has(number)) yield { number, name: nameOf(seed, number) };
}
