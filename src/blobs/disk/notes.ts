import { open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stamp } from '../../domain/blob-store.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import type { Flush, FolderFlusher } from '../durable/folder-flusher.ts';
import { decodeStamped, encodeStamped } from '../durable/stamped-text.ts';

const NAME = /^[a-z0-9-]{1,128}$/;
/** What no note can be called, so that a half-written one is never taken for a note. */
const HALF_NAME = /^\.[0-9a-f]{16}$/;

/** Small named texts as files, each replaced whole or not at all. */
export class DiskNotes {
  readonly #folder: string;
  readonly #flusher: FolderFlusher;
  readonly #random: RandomBytes;
  readonly #flush: Flush;
  readonly #stamp: Stamp;

  constructor(folder: string, flusher: FolderFlusher, random: RandomBytes, flush: Flush, stamp: Stamp) {
    this.#folder = folder;
    this.#flusher = flusher;
    this.#random = random;
    this.#flush = flush;
    this.#stamp = stamp;
  }

  async put(name: string, text: string): Promise<void> {
    const temporary = join(this.#folder, `.${this.#random(8).toString('hex')}`);
    const file = await open(temporary, 'wx', 0o600);
    try {
      try {
        await file.writeFile(encodeStamped(text, this.#stamp()));
        await this.#flush(() => file.sync());
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path(name));
    } catch (error) {
      await unlink(temporary).catch(() => {});
      throw error;
    }
    await this.#flusher.flush();
  }

  /** @throws NoteDamaged, which names the file. */
  async get(name: string): Promise<string | undefined> {
    const path = this.#path(name);
    const content = await readFile(path, 'utf8').catch(missing);
    return content === undefined ? undefined : decodeStamped(path, content).text;
  }

  async remove(name: string): Promise<void> {
    await unlink(this.#path(name)).catch(missing);
    await this.#flusher.flush();
  }

  async names(prefix: string): Promise<readonly string[]> {
    const names = await readdir(this.#folder);
    return names.filter((name) => NAME.test(name) && name.startsWith(prefix));
  }

  #path(name: string): string {
    if (!NAME.test(name)) throw new RangeError(`not the name of a note: ${name}`);
    return join(this.#folder, name);
  }
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** Whether a file of this name was being written when somebody died. */
export function isUnfinishedNote(name: string): boolean {
  return HALF_NAME.test(name);
}
