import type { OpenFile } from '../../durable/disk.ts';
import type { Flush, FolderFlusher } from '../../durable/folder-flusher.ts';
import { openIfPresent, readIfPresent, removeIfPresent } from '../../durable/names.ts';
import type { DiskPaths, PackedName } from '../disk/paths.ts';
import { decodeRemovals, encodeRemoval, hasRemoval, type PackRecord, REMOVAL_BYTES } from './format.ts';

interface PackRemovalsDeps {
  readonly paths: DiskPaths;
  readonly flush: Flush;
  readonly packsFlusher: FolderFlusher;
}

/** Lists of what was removed from packs, one beside each pack that has lost something. */
export class PackRemovals {
  readonly #deps: PackRemovalsDeps;
  /** Packs whose list has a name that this process has flushed. */
  readonly #flushedNames = new Set<string>();

  constructor(deps: PackRemovalsDeps) {
    this.#deps = deps;
  }

  /** Durable when it resolves; the same removal may be noted again. @throws the I/O error. */
  async add(pack: string, record: PackRecord): Promise<void> {
    const { paths, flush, packsFlusher } = this.#deps;
    const file = await paths.disk.open(paths.removals(pack), 'append');
    try {
      await append(file, encodeRemoval(pack, record));
      await flush(() => file.flushData());
    } finally {
      await file.close();
    }
    // Also where another process made the file: it may not have flushed the name yet.
    if (!this.#flushedNames.has(pack)) await packsFlusher.flush();
    this.#flushedNames.add(pack);
  }

  /** All that was noted of the pack is durable when it resolves, and that it is gone if it is. @throws the I/O error. */
  async flush(pack: string): Promise<void> {
    const { paths, flush, packsFlusher } = this.#deps;
    const file = await openIfPresent(paths.disk, paths.removals(pack));
    try {
      if (file) await flush(() => file.flushData());
    } finally {
      await file?.close();
    }
    await packsFlusher.flush();
  }

  /** Forgets a list once nothing that it names is in the pack. @throws the I/O error. */
  async drop(pack: string): Promise<void> {
    this.#flushedNames.delete(pack);
    const { paths } = this.#deps;
    await removeIfPresent(paths.disk, paths.removals(pack));
  }

  /** Forgets what was flushed: the lists were taken away. */
  clear(): void {
    this.#flushedNames.clear();
  }
}

/** Other processes append to the same file: one write at its end, behind whatever a crash or a full disk tore. */
async function append(file: OpenFile, entry: Buffer): Promise<void> {
  const torn = (await file.size()) % REMOVAL_BYTES;
  const bytes = torn === 0 ? entry : Buffer.concat([Buffer.alloc(REMOVAL_BYTES - torn), entry]);
  const bytesWritten = await file.appendOnce(bytes);
  // What a full disk had no room for. The next entry begins behind it.
  if (bytesWritten < bytes.length) {
    const text = `ENOSPC: ${bytesWritten} bytes were written of ${bytes.length}`;
    throw Object.assign(new Error(text), { code: 'ENOSPC' });
  }
}

/** By place: the length of each blob that was removed from the pack. @throws the I/O error. */
export async function readRemovals(paths: DiskPaths, pack: string): Promise<ReadonlyMap<number, number>> {
  return decodeRemovals(pack, await readList(paths, pack));
}

/** Whether the blob was removed. @throws the I/O error. */
export async function isRemoved(paths: DiskPaths, name: PackedName): Promise<boolean> {
  return hasRemoval(name, await readList(paths, name.pack));
}

async function readList(paths: DiskPaths, pack: string): Promise<Buffer> {
  return (await readIfPresent(paths.disk, paths.removals(pack))) ?? Buffer.alloc(0);
}
