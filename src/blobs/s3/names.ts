import type { Stamp } from '../../domain/blob-store.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import { ignoreErrors } from '../../durable/errors.ts';
import { SharedRun } from '../../durable/shared-run.ts';
import type { Schedule } from '../blob/buffer-pool.ts';
import { announcementKey, encodeAnnouncement, NAMES_AT_ONCE, nameOf } from './announcement.ts';
import type { Objects } from './objects.ts';

/** Settled names are noted this much later, many at once: after a crash, a start asks about those of the last moment. */
const NOTE_AFTER_MS = 200;

interface NamesDeps {
  readonly objects: Objects;
  readonly random: RandomBytes;
  readonly stamp: Stamp;
  readonly later: Schedule;
}

/** Draws the names of this process's blobs and packs, and notes which of them need no more attention. */
export class Names {
  readonly #deps: NamesDeps;
  /** The announcement that names are drawn from. */
  #current: NameBatch | undefined;
  #announcing: Promise<NameBatch> | undefined;
  /** Every name that was drawn and is not settled. */
  readonly #open = new Map<string, NameBatch>();
  readonly #batches = new Set<NameBatch>();

  constructor(deps: NamesDeps) {
    this.#deps = deps;
  }

  /** Draws a name; its announcement is stored when it resolves. @throws the engine's error. */
  async draw(): Promise<string> {
    for (;;) {
      const name = this.#current?.draw();
      if (name !== undefined && this.#current) {
        this.#open.set(name, this.#current);
        return name;
      }
      this.#announcing ??= this.#announce().finally(() => (this.#announcing = undefined));
      this.#current = await this.#announcing;
    }
  }

  async #announce(): Promise<NameBatch> {
    for (const batch of this.#batches) if (batch.isRemoved) this.#batches.delete(batch);
    const batch = new NameBatch(this.#deps, this.#deps.random(16).toString('hex'));
    await batch.store();
    this.#batches.add(batch);
    return batch;
  }

  /** Notes, soon, that a start need not look at a name of this process. */
  settle(name: string): void {
    const batch = this.#open.get(name);
    if (batch === undefined) return;
    this.#open.delete(name);
    batch.settle(name);
  }

  /** Whether this process made the announcement. */
  owns(seed: string): boolean {
    for (const batch of this.#batches) if (batch.seed === seed) return true;
    return false;
  }

  /** Notes what is settled, before the process ends. Never throws. */
  async close(): Promise<void> {
    for (const batch of this.#batches) await batch.close();
  }
}

/** One announcement of this process. */
class NameBatch {
  readonly seed: string;
  readonly #deps: NamesDeps;
  readonly #numbers = new Map<string, number>();
  readonly #settled = new Set<number>();
  readonly #notes = new SharedRun(() => this.store());
  #drawn = 0;
  #isScheduled = false;
  #isRemoved = false;

  constructor(deps: NamesDeps, seed: string) {
    this.#deps = deps;
    this.seed = seed;
  }

  /** The next name; undefined after the last one. */
  draw(): string | undefined {
    if (this.#drawn === NAMES_AT_ONCE) return undefined;
    const name = nameOf(this.seed, this.#drawn);
    this.#numbers.set(name, this.#drawn++);
    return name;
  }

  /** Whether the announcement is gone, because every name was drawn and settled. */
  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  settle(name: string): void {
    const number = this.#numbers.get(name);
    if (number === undefined) return;
    this.#numbers.delete(name);
    this.#settled.add(number);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#deps.later(NOTE_AFTER_MS, () => {
      this.#isScheduled = false;
      // What is not noted is asked about again by a start.
      this.#notes.run().catch(ignoreErrors);
    });
  }

  /** Stores the announcement, or removes it when it is over. @throws the engine's error. */
  async store(): Promise<void> {
    const { objects, stamp } = this.#deps;
    const key = announcementKey(this.seed);
    if (this.#settled.size === NAMES_AT_ONCE) {
      await objects.remove(key);
      this.#isRemoved = true;
      return;
    }
    const { seed } = this;
    const announcement = { seed, names: NAMES_AT_ONCE, settled: this.#settled, closedMs: null };
    await objects.put(key, encodeAnnouncement(announcement, stamp()));
  }

  /** Settles what was not drawn. Never throws. */
  async close(): Promise<void> {
    while (this.#drawn < NAMES_AT_ONCE) this.#settled.add(this.#drawn++);
    await this.#notes.run().catch(ignoreErrors);
  }
}
