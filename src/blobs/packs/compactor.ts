import { BlobDamaged } from '../../domain/blob-store.ts';
import { undefinedIfMissing } from '../../durable/errors.ts';
import type { Flush, FolderFlusher } from '../../durable/folder-flusher.ts';
import { exists, removeIfPresent } from '../../durable/names.ts';
import type { HashEngine } from '../../hashing/hash-engine.ts';
import { type DiskPaths, packOfRemovals } from '../disk/paths.ts';
import { compactPack } from './compact.ts';
import { recordBytes } from './format.ts';
import { type PackRemovals, readRemovals } from './removals.ts';

/** Compacts a pack when at least this share was removed: so each freed byte costs at most one rewritten byte. */
const REMOVED_SHARE = 0.5;

interface PackCompactorDeps {
  readonly paths: DiskPaths;
  readonly engine: HashEngine;
  readonly flush: Flush;
  readonly incomingFlusher: FolderFlusher;
  readonly packsFlusher: FolderFlusher;
  readonly removals: PackRemovals;
  /** Runs the task while nothing is removed: removals during it would be lost with the list. */
  alone(task: () => Promise<void>): Promise<void>;
}

/** Frees the space of blobs that were removed from packs. */
export class PackCompactor {
  readonly #deps: PackCompactorDeps;
  /** Lists not worth compacting at this size: skipped until they grow. */
  readonly #unworthyLengths = new Map<string, number>();

  constructor(deps: PackCompactorDeps) {
    this.#deps = deps;
  }

  /**
   * Compacts each pack where that pays. Skips packs that are being written, or have a marker.
   * @param withReserve runs the rewriting of a pack; may run it again after a full disk, with more space.
   * @throws AggregateError at the end, for packs that could not be compacted.
   */
  async compact(withReserve: (task: () => Promise<void>) => Promise<void> = (task) => task()): Promise<void> {
    const { paths, alone } = this.#deps;
    const failures: unknown[] = [];
    for await (const { name } of await paths.fs.list(paths.packs)) {
      const pack = packOfRemovals(name);
      if (pack === undefined) continue;
      // One failure does not keep the others from being compacted.
      await alone(() => withReserve(() => this.#compactIfWorth(pack))).catch((error) => failures.push(error));
    }
    if (failures.length > 0)
      throw new AggregateError(failures, `${failures.length} packs could not be compacted`, {
        cause: failures[0],
      });
  }

  /** Forgets all lists: the packs were deleted. */
  clear(): void {
    this.#unworthyLengths.clear();
  }

  async #compactIfWorth(pack: string): Promise<void> {
    const { paths } = this.#deps;
    const { size: listed } = await paths.fs.stat(paths.removals(pack));
    if (this.#unworthyLengths.get(pack) === listed) return;
    // Checked for each pack just before: one may have begun since the first check, and its writer would continue to
    // write to a file without a name. A marker exists before its pack does, and never comes back.
    if (await exists(paths.fs, paths.marker(pack))) return;
    const removed = await readRemovals(paths, pack);
    // Only a missing pack counts as empty: on any other error the pack must stay.
    const size = (await paths.fs.stat(paths.pack(pack)).catch(undefinedIfMissing))?.size ?? 0;
    const bytes = [...removed.values()].reduce((sum, blobBytes) => sum + recordBytes(blobBytes), 0);
    if (size > 0 && bytes < size * REMOVED_SHARE) {
      this.#unworthyLengths.set(pack, listed);
      return;
    }
    try {
      await this.#compactOne(pack, size > 0 ? removed : undefined);
    } catch (error) {
      // Already reported; skipped until the list grows.
      if (error instanceof BlobDamaged) this.#unworthyLengths.set(pack, listed);
      throw error;
    }
  }

  /** @param removed removed records by place; undefined if only the list is left of the pack. */
  async #compactOne(pack: string, removed: ReadonlyMap<number, number> | undefined): Promise<void> {
    const { paths, engine, flush, incomingFlusher, packsFlusher } = this.#deps;
    // Makes the marker's removal durable first: a marker that came back after a power cut would describe the old pack.
    await incomingFlusher.flush();
    const left = removed ? await compactPack({ paths, engine, flush, packsFlusher }, pack, removed) : 0;
    if (left === 0) {
      // In this order: while the list exists, no blob that it names can come back.
      await removeIfPresent(paths.fs, paths.pack(pack));
      await packsFlusher.flush();
    }
    await this.#deps.removals.drop(pack);
    this.#unworthyLengths.delete(pack);
  }
}
