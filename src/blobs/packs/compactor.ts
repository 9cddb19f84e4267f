import { BlobDamaged } from '../../domain/blob-store.ts';
import { undefinedIfMissing } from '../../durable/errors.ts';
import type { Flush, FolderFlusher } from '../../durable/folder-flusher.ts';
import { exists, removeIfPresent } from '../../durable/names.ts';
import { type DiskPaths, packOfRemovals } from '../disk/paths.ts';
import { compactPack } from './compact.ts';
import { recordBytes } from './format.ts';
import { type PackRemovals, readRemovals } from './removals.ts';

/** A pack is written again when at least this share of it was removed: so it costs one byte for each that it frees. */
const REMOVED_SHARE = 0.5;

interface PackCompactorDeps {
  readonly paths: DiskPaths;
  readonly flush: Flush;
  readonly incomingFlusher: FolderFlusher;
  readonly packsFlusher: FolderFlusher;
  readonly removals: PackRemovals;
  /** Runs while nothing is noted as removed: what is noted in between would be forgotten with the list. */
  alone(task: () => Promise<void>): Promise<void>;
}

/** Gives back the room of what was removed from packs. */
export class PackCompactor {
  readonly #deps: PackCompactorDeps;
  /** Lengths of lists that were looked at to no purpose: one that did not grow needs no second look. */
  readonly #unworthyLengths = new Map<string, number>();

  constructor(deps: PackCompactorDeps) {
    this.#deps = deps;
  }

  /**
   * Writes each pack again where that pays. Packs that are written to, or in question, are left alone.
   * @param withReserve runs what writes a pack again, and may run it anew where it left nothing.
   * @throws AggregateError at the end, for packs that could not be compacted.
   */
  async compact(withReserve: (task: () => Promise<void>) => Promise<void> = (task) => task()): Promise<void> {
    const { paths, alone } = this.#deps;
    const failures: unknown[] = [];
    for await (const { name } of await paths.disk.list(paths.packs)) {
      const pack = packOfRemovals(name);
      if (pack === undefined) continue;
      // One that fails keeps none of the others.
      await alone(() => withReserve(() => this.#compactIfWorth(pack))).catch((error) => failures.push(error));
    }
    if (failures.length > 0)
      throw new AggregateError(failures, `${failures.length} packs could not be compacted`, {
        cause: failures[0],
      });
  }

  /** Forgets what it saw: the packs were taken away. */
  clear(): void {
    this.#unworthyLengths.clear();
  }

  async #compactIfWorth(pack: string): Promise<void> {
    const { paths } = this.#deps;
    const { size: listed } = await paths.disk.stat(paths.removals(pack));
    if (this.#unworthyLengths.get(pack) === listed) return;
    // Asked now, for each: a pack may have been begun since the first was looked at, and its writer would go on
    // writing into a file that has no name any more. A marker is there before its pack, and never comes again.
    if (await exists(paths.disk, paths.marker(pack))) return;
    const removed = await readRemovals(paths, pack);
    // Only a missing pack counts as empty: on any other error the pack must stay.
    const size = (await paths.disk.stat(paths.pack(pack)).catch(undefinedIfMissing))?.size ?? 0;
    const bytes = [...removed.values()].reduce((sum, blobBytes) => sum + recordBytes(blobBytes), 0);
    if (size > 0 && bytes < size * REMOVED_SHARE) {
      this.#unworthyLengths.set(pack, listed);
      return;
    }
    try {
      await this.#compactOne(pack, size > 0 ? removed : undefined);
    } catch (error) {
      // It was told once, and is not different the next time.
      if (error instanceof BlobDamaged) this.#unworthyLengths.set(pack, listed);
      throw error;
    }
  }

  /** @param removed by place; undefined where there is a list but no pack any more. */
  async #compactOne(pack: string, removed: ReadonlyMap<number, number> | undefined): Promise<void> {
    const { paths, flush, incomingFlusher, packsFlusher } = this.#deps;
    // A marker must not come back after a power cut: it tells how far a pack was judged that is another then.
    await incomingFlusher.flush();
    const left = removed ? await compactPack({ paths, flush, packsFlusher }, pack, removed) : 0;
    if (left === 0) {
      // In this order: as long as the list is there, nothing that it names can come back.
      await removeIfPresent(paths.disk, paths.pack(pack));
      await packsFlusher.flush();
    }
    await this.#deps.removals.drop(pack);
    this.#unworthyLengths.delete(pack);
  }
}
