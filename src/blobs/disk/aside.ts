import type { AsideBatch, AsideBlob } from '../../domain/blob-store.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import type { DiskNotes } from './notes.ts';

/** Enough digits for times in names to sort as text until the year 33658. */
const TIME_DIGITS = 15;
/** Bounds the memory of a batch, and what is repeated after a crash. */
const BLOBS_PER_BATCH = 1000;

/** Lists of blobs that were set aside: one text in the folder `aside/` for each batch. */
export class DiskAside {
  readonly #notes: DiskNotes;
  readonly #random: RandomBytes;

  /** @param notes on the folder `aside/`. */
  constructor(notes: DiskNotes, random: RandomBytes) {
    this.#notes = notes;
    this.#random = random;
  }

  /** Durable when it resolves. @throws the I/O error. */
  async add(blobs: readonly AsideBlob[], nowMs: number): Promise<void> {
    for (let at = 0; at < blobs.length; at += BLOBS_PER_BATCH) {
      const time = String(nowMs).padStart(TIME_DIGITS, '0');
      const name = `${time}-${this.#random(16).toString('hex')}`;
      const batch = { asideMs: nowMs, blobs: blobs.slice(at, at + BLOBS_PER_BATCH) };
      await this.#notes.put(name, JSON.stringify(batch));
    }
  }

  /** Yields the oldest batch first. @throws NoteDamaged. */
  async *list(): AsyncIterable<AsideBatch> {
    for (const name of [...(await this.#notes.names(''))].sort()) {
      const text = await this.#notes.get(name);
      // A batch that vanished since the folder was read was dropped meanwhile.
      if (text !== undefined) yield { name, ...(JSON.parse(text) as Omit<AsideBatch, 'name'>) };
    }
  }

  /** Durable when it resolves. @throws the I/O error. */
  drop({ name }: AsideBatch): Promise<void> {
    return this.#notes.remove(name);
  }
}
