import type { OpenFile } from '../../durable/file-system.ts';
import type { Flush, FolderFlusher } from '../../durable/folder-flusher.ts';
import { readIfPresent, removeIfPresent } from '../../durable/names.ts';
import type { DiskPaths, PackedName } from '../disk/paths.ts';
import { decodeRemovals, encodeRemoval, hasRemoval, type PackRecord, REMOVAL_BYTES } from './format.ts';

interface PackRemovalsDeps {
  readonly paths: DiskPaths;
  readonly flush: Flush;
  readonly packsFlusher: FolderFlusher;
}

/** Lists of removed records, one beside each pack that has any. */
export class PackRemovals {
  readonly #deps: PackRemovalsDeps;
  /** Packs whose list this process has flushed by name. */
  readonly #flushedNames = new Set<string>();

  constructor(deps: PackRemovalsDeps) {
    this.#deps = deps;
  }

  /** Adds a removal; durable when it resolves. The same one may be added again. @throws the I/O error. */
  async add(pack: string, record: PackRecord): Promise<void> {
    const { paths, flush, packsFlusher } = this.#deps;
    const file = await paths.fs.open(paths.removals(pack), 'append');
    try {
      await append(file, encodeRemoval(pack, record));
      await flush(() => file.flushData());
    } finally {
      await file.close();
    }
    // Also if another process made the file: it may not have flushed the name yet.
    if (!this.#flushedNames.has(pack)) await packsFlusher.flush();
    this.#flushedNames.add(pack);
  }

  /**
   * Makes the removal of a blob durable that is gone already, whichever process removed it, or the deletion of its pack.
   * Adds the removal again: if the flush of the first one failed, it may be readable and never reach the disk.
   * @throws the I/O error.
   */
  async repeat({ pack, place }: PackedName): Promise<void> {
    const { paths, packsFlusher } = this.#deps;
    const blobBytes = (await readRemovals(paths, pack)).get(place);
    if (blobBytes !== undefined) await this.add(pack, { place, blobBytes });
    await packsFlusher.flush();
  }

  /** Deletes a list, once the pack holds no record that it names. @throws the I/O error. */
  async drop(pack: string): Promise<void> {
    this.#flushedNames.delete(pack);
    const { paths } = this.#deps;
    await removeIfPresent(paths.fs, paths.removals(pack));
  }

  /** Forgets which names were flushed: the lists were deleted. */
  clear(): void {
    this.#flushedNames.clear();
  }
}

/** Appends with one write, because other processes append too. Pads a removal that a crash or a full disk tore. */
async function append(file: OpenFile, entry: Buffer): Promise<void> {
  const torn = (await file.size()) % REMOVAL_BYTES;
  const bytes = torn === 0 ? entry : Buffer.concat([Buffer.alloc(REMOVAL_BYTES - torn), entry]);
  const bytesWritten = await file.appendOnce(bytes);
  // The disk is full. The next removal is written after the torn one.
  if (bytesWritten < bytes.length) {
    const text = `ENOSPC: ${bytesWritten} bytes were written of ${bytes.length}`;
    throw Object.assign(new Error(text), { code: 'ENOSPC' });
  }
}

/** Reads a pack's list: the length of each removed blob by its place. @throws the I/O error. */
export async function readRemovals(paths: DiskPaths, pack: string): Promise<ReadonlyMap<number, number>> {
  return decodeRemovals(pack, await readList(paths, pack));
}

/** Whether the blob was removed. @throws the I/O error. */
export async function isRemoved(paths: DiskPaths, name: PackedName): Promise<boolean> {
  return hasRemoval(name, await readList(paths, name.pack));
}

async function readList(paths: DiskPaths, pack: string): Promise<Buffer> {
  return (await readIfPresent(paths.fs, paths.removals(pack))) ?? Buffer.alloc(0);
}
