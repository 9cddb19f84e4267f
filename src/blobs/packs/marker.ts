import type { Disk, OpenFile } from '../../durable/disk.ts';
import { ignoreErrors } from '../../durable/errors.ts';
import { RECORD_ALIGN } from './format.ts';

const TEXT_CHARS = 20;
/**
 * How far it may fall behind while blobs come and go, so that not every group of them pays for it: so much more the next
 * start reads, in some milliseconds.
 */
const BEHIND_BYTES = 1024 * 1024;
const BEHIND_MS = 100;

/**
 * Stands in `incoming/` as long as a pack has blobs that the catalog may not know, and says up to which place
 * all were judged: confirmed or removed. It is not flushed: after a power cut it may say less than was true,
 * and then more blobs than needed are asked about.
 */
export class PackMarker {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #file: OpenFile;
  readonly #onGone: () => void;
  /** Places of blobs that are neither confirmed nor removed, ascending. */
  readonly #unconfirmed = new Set<number>();
  #end = 0;
  /** What it says. */
  #written = 0;
  #isSealed = false;
  #isStale = false;
  #isClosed = false;
  #writing: Promise<void> | undefined;
  /** Runs for a while after each write. */
  #pause: NodeJS.Timeout | undefined;

  private constructor(disk: Disk, path: string, file: OpenFile, onGone: () => void) {
    this.#disk = disk;
    this.#path = path;
    this.#file = file;
    this.#onGone = onGone;
  }

  /** @param onGone called when the marker is sealed and nothing is in question: it goes. @throws the I/O error. */
  static async create(disk: Disk, path: string, onGone: () => void): Promise<PackMarker> {
    const marker = new PackMarker(disk, path, await disk.open(path, 'create'), onGone);
    try {
      await marker.#write();
      return marker;
    } catch (error) {
      await marker.drop();
      throw error;
    }
  }

  /** A blob is about to be written at `place`; the next one will be at `end`. Places ascend. */
  add(place: number, end: number): void {
    this.#unconfirmed.add(place);
    this.#end = end;
  }

  /** The blob at `place` is no longer in question. */
  confirm(place: number): void {
    if (this.#unconfirmed.delete(place)) this.#refresh();
  }

  /** What was about to be written from `end` on is not there: the next blob will be there instead. */
  retract(end: number): void {
    for (const place of this.#unconfirmed) if (place >= end) this.#unconfirmed.delete(place);
    this.#end = end;
    this.#refresh();
  }

  /** Places that are still in question. */
  unconfirmed(): Iterable<number> {
    return this.#unconfirmed;
  }

  /** Nothing more comes: the marker goes as soon as nothing is in question. */
  seal(): void {
    this.#isSealed = true;
    this.#refresh();
  }

  /** Writes what is known and closes; what is still in question is asked about by the next start. */
  async close(): Promise<void> {
    this.seal();
    await this.#writing;
    await this.#closeFile();
  }

  /** Nothing is in question any more, because the pack itself is not there. Never throws. */
  async drop(): Promise<void> {
    this.#unconfirmed.clear();
    await this.close().catch(ignoreErrors);
  }

  /** Up to which place all was judged. */
  get #confirmedEnd(): number {
    const [first = this.#end] = this.#unconfirmed;
    return first;
  }

  /** Many judgements that come together, or soon after a write, are one write. */
  #refresh(): void {
    this.#isStale = true;
    const mayWait = this.#pause && !this.#isSealed && this.#confirmedEnd - this.#written < BEHIND_BYTES;
    if (!mayWait && !this.#isClosed) this.#writing ??= this.#catchUp();
  }

  #beginPause(): void {
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      if (this.#isStale) this.#refresh();
    }, BEHIND_MS).unref();
  }

  async #catchUp(): Promise<void> {
    // A turn later, so that those of one turn are one.
    await Promise.resolve();
    do {
      this.#isStale = false;
      const isOver = this.#isSealed && this.#unconfirmed.size === 0;
      // It only saves the next start some work: a failure is no harm.
      await (isOver ? this.#remove() : this.#write()).catch(ignoreErrors);
    } while (this.#isStale && this.#isSealed && !this.#isClosed);
    // At once after the last look: a judgement in between would wait for the next.
    this.#writing = undefined;
    this.#beginPause();
  }

  async #remove(): Promise<void> {
    await this.#closeFile();
    this.#onGone();
    await this.#disk.remove(this.#path);
  }

  async #closeFile(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#file.close();
  }

  async #write(): Promise<void> {
    this.#written = this.#confirmedEnd;
    await this.#file.writeAt(0, Buffer.from(String(this.#written).padStart(TEXT_CHARS, '0')));
  }
}

/** What a marker says: the place up to which all was judged; 0 for one that cannot be read. */
export function parseMarker(text: string): number {
  const place = /^\d{20}$/.test(text) ? Number(text) : 0;
  return place % RECORD_ALIGN === 0 ? place : 0;
}
