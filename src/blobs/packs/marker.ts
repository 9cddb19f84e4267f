import { ignoreErrors } from '../../durable/errors.ts';
import type { FileSystem, OpenFile } from '../../durable/file-system.ts';
import { RECORD_ALIGN } from './format.ts';

const TEXT_CHARS = 20;
/**
 * How far a marker may lag while blobs arrive and are confirmed, so that not every group pays for a write. After a
 * crash the next start reads this much more, which takes milliseconds.
 */
const BEHIND_BYTES = 1024 * 1024;
const BEHIND_MS = 100;

/**
 * A small file in `incoming/` that exists while a pack has unconfirmed blobs, and says up to where the pack is
 * confirmed. It is never flushed: after a power cut it may name an earlier position, and the start asks about more
 * blobs than it had to.
 */
export class PackMarker {
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #file: OpenFile;
  readonly #onGone: () => void;
  /** Places of blobs that are neither confirmed nor removed, ascending. */
  readonly #unconfirmed = new Set<number>();
  #end = 0;
  /** The position in the file. */
  #written = 0;
  #isSealed = false;
  #isStale = false;
  #isClosed = false;
  #writing: Promise<void> | undefined;
  /** Delays the next write. */
  #pause: NodeJS.Timeout | undefined;

  private constructor(fs: FileSystem, path: string, file: OpenFile, onGone: () => void) {
    this.#fs = fs;
    this.#path = path;
    this.#file = file;
    this.#onGone = onGone;
  }

  /** @param onGone called before a sealed marker without unconfirmed blobs is removed. @throws the I/O error. */
  static async create(fs: FileSystem, path: string, onGone: () => void): Promise<PackMarker> {
    const marker = new PackMarker(fs, path, await fs.open(path, 'create'), onGone);
    try {
      await marker.#write();
      return marker;
    } catch (error) {
      await marker.drop();
      throw error;
    }
  }

  /** Adds a blob that is about to be written at `place`; the next one will be at `end`. Places ascend. */
  add(place: number, end: number): void {
    this.#unconfirmed.add(place);
    this.#end = end;
  }

  /** Confirms the blob at `place`. */
  confirm(place: number): void {
    if (this.#unconfirmed.delete(place)) this.#refresh();
  }

  /** Forgets blobs from `end` on, which could not be written. The next blob will be at `end`. */
  retract(end: number): void {
    for (const place of this.#unconfirmed) if (place >= end) this.#unconfirmed.delete(place);
    this.#end = end;
    this.#refresh();
  }

  /** Places of unconfirmed blobs, ascending. */
  unconfirmed(): Iterable<number> {
    return this.#unconfirmed;
  }

  /** Declares the pack complete: the marker is removed once every blob is confirmed. */
  seal(): void {
    this.#isSealed = true;
    this.#refresh();
  }

  /** Seals, writes the latest position and closes. The next start asks about blobs that are still unconfirmed. */
  async close(): Promise<void> {
    this.seal();
    await this.#writing;
    await this.#closeFile();
  }

  /** Forgets all blobs, because the pack itself is gone, and closes. Never throws. */
  async drop(): Promise<void> {
    this.#unconfirmed.clear();
    await this.close().catch(ignoreErrors);
  }

  /** Up to where the pack is confirmed. */
  get #confirmedEnd(): number {
    const [first = this.#end] = this.#unconfirmed;
    return first;
  }

  /** Starts a write, unless one is under way or was made a moment ago: then later changes share the next. */
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
    // Waits one microtask, so that confirmations of one turn share a write.
    await Promise.resolve();
    do {
      this.#isStale = false;
      const isOver = this.#isSealed && this.#unconfirmed.size === 0;
      // The position only saves the next start some work, so a failure does no harm.
      await (isOver ? this.#remove() : this.#write()).catch(ignoreErrors);
    } while (this.#isStale && this.#isSealed && !this.#isClosed);
    // In the same turn as the last check: a confirmation in between would otherwise go unnoticed.
    this.#writing = undefined;
    this.#beginPause();
  }

  async #remove(): Promise<void> {
    await this.#closeFile();
    this.#onGone();
    await this.#fs.remove(this.#path);
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

/** Parses a marker: up to where its pack is confirmed; 0 if the text is not a marker's. */
export function parseMarker(text: string): number {
  const place = /^\d{20}$/.test(text) ? Number(text) : 0;
  return place % RECORD_ALIGN === 0 ? place : 0;
}
