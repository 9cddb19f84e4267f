/** Checks the bytes of one archive now. */
import { DiskStore } from '../blobs/disk/disk-store.ts';
import type { StoredArchive } from '../domain/archive-catalog.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { FoundDamage } from '../domain/damage.ts';
import { lastVerifiedMs, type ScrubProgress } from '../domain/scrub-progress.ts';
import type { ScrubStore } from '../domain/scrub-store.ts';
import { loadNativeHash } from '../hashing/native-hash.ts';
import { nodeHash } from '../hashing/node-hash.ts';
import { damageOf, verifyOrMissing } from '../workers/scrub-findings.ts';
import type { DataFolder } from './data-folder.ts';
import { systemRandom } from './system.ts';

const SEGMENTS_AT_ONCE = 500;
const ROWS_AT_ONCE = 500;

/** A store to read from, with the fastest hash of this machine: the native one also reads past the page cache. */
export function openScrubStore(folder: DataFolder): ScrubStore {
  return new DiskStore(folder.store, systemRandom, loadNativeHash() ?? nodeHash);
}

interface CheckDeps {
  readonly catalog: Catalog;
  readonly store: ScrubStore;
  readonly progress: ScrubProgress;
  readonly nowMs: number;
  /** Gets a message about damage that was not known; null for none. */
  readonly topic: string | null;
  /** Called with each damaged MiB or blob. */
  onDamage(found: FoundDamage): void;
}

/** What a check of an archive found. */
export interface ArchiveCheck {
  readonly damages: number;
  /** When scrubs had last read all of it, at the latest; null if they had not since it was stored. */
  readonly lastVerifiedMs: number | null;
}

/**
 * Reads all of an archive, records what is damaged, and forgets damage that is gone.
 * @returns undefined if the archive was deleted meanwhile.
 */
export async function checkArchive(
  deps: CheckDeps,
  archive: StoredArchive,
): Promise<ArchiveCheck | undefined> {
  const { catalog, store, progress, nowMs, onDamage } = deps;
  const whole = { first: 0, last: archive.size - 1 };
  let damages = 0;
  let oldest: number | null = Number.POSITIVE_INFINITY;
  for (let after: number | null = null; ; ) {
    const { rows, more } = await catalog.listSegments(archive, whole, { after, limit: SEGMENTS_AT_ONCE });
    for (const segment of rows) {
      const read = lastVerifiedMs(
        progress,
        store.scrubKey(segment.ref),
        archive.arrivedMs ?? archive.createdMs,
      );
      oldest = read === null || oldest === null ? null : Math.min(oldest, read);
      const found = damageOf(await verifyOrMissing(store, segment.ref), segment);
      if (found.length === 0) continue;
      if (!(await catalog.findArchive(archive.vaultNo, archive.id))) return undefined;
      await record(deps, found);
      damages += found.length;
      for (const one of found) onDamage(one);
    }
    after = rows.at(-1)?.first ?? after;
    if (!more) break;
  }
  const args = { beforeMs: nowMs, archiveNo: archive.no, limit: ROWS_AT_ONCE };
  while ((await catalog.healDamage(args)) === ROWS_AT_ONCE);
  return { damages, lastVerifiedMs: oldest };
}

async function record({ catalog, nowMs, topic }: CheckDeps, found: readonly FoundDamage[]): Promise<void> {
  for (let at = 0; at < found.length; at += ROWS_AT_ONCE)
    await catalog.recordDamage({ found: found.slice(at, at + ROWS_AT_ONCE), nowMs, topic });
}
