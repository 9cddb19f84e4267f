import { join } from 'node:path';
import type { Stamp } from '../../domain/blob-store.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import type { FileSystem } from '../../durable/file-system.ts';
import type { Flush, FolderFlusher } from '../../durable/folder-flusher.ts';
import { readTextIfPresent, removeIfPresent } from '../../durable/names.ts';
import { replaceFile } from '../../durable/replace-file.ts';
import { decodeStamped, encodeStamped } from './stamped-text.ts';

const NAME = /^[a-z0-9-]{1,128}$/;
/** Names of half-written notes: no note can have one. */
const HALF_NAME = /^\.[0-9a-f]{16}$/;

interface DiskNotesDeps {
  readonly fs: FileSystem;
  readonly folder: string;
  readonly flusher: FolderFlusher;
  readonly random: RandomBytes;
  readonly flush: Flush;
  readonly stamp: Stamp;
}

/** Small named texts as files, each replaced whole or not at all. Changes are durable when they resolve. */
export class DiskNotes {
  readonly #deps: DiskNotesDeps;

  constructor(deps: DiskNotesDeps) {
    this.#deps = deps;
  }

  /** @throws the I/O error. */
  async put(name: string, text: string): Promise<void> {
    const { fs, folder, flusher, random, flush, stamp } = this.#deps;
    await replaceFile(fs, this.#path(name), {
      temporary: join(folder, `.${random(8).toString('hex')}`),
      permissions: 0o600,
      write: (file) => file.writeWhole(encodeStamped(text, stamp())),
      flush: (file) => flush(() => file.flush()),
      flushNames: () => flusher.flush(),
    });
  }

  /** Undefined where there is no such note. @throws NoteDamaged, which names the file. */
  async get(name: string): Promise<string | undefined> {
    const path = this.#path(name);
    const content = await readTextIfPresent(this.#deps.fs, path);
    return content === undefined ? undefined : decodeStamped(path, content).text;
  }

  /** @throws the I/O error. */
  async remove(name: string): Promise<void> {
    const { fs, flusher } = this.#deps;
    await removeIfPresent(fs, this.#path(name));
    await flusher.flush();
  }

  async names(prefix: string): Promise<readonly string[]> {
    const names = await this.#deps.fs.names(this.#deps.folder);
    return names.filter((name) => NAME.test(name) && name.startsWith(prefix));
  }

  #path(name: string): string {
    if (!NAME.test(name)) throw new RangeError(`not the name of a note: ${name}`);
    return join(this.#deps.folder, name);
  }
}

/** Whether a file of this name is a note that a process was writing when it died. */
export function isUnfinishedNote(name: string): boolean {
  return HALF_NAME.test(name);
}
