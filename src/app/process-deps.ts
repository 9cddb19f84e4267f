/** What every process of a server opens for itself: its view of the disks, its store, and PostgreSQL. */
import { DiskStore, PACK_BYTES } from '../blobs/disk/disk-store.ts';
import { openPostgresCatalog } from '../catalog/postgres.ts';
import type { Config } from '../config/read.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { HashEngine } from '../hashing/hash-engine.ts';
import type { Logger } from '../log.ts';
import { logChoreFailure } from './chores.ts';
import type { DataFolder } from './data-folder.ts';
import { systemClock, systemRandom } from './node.ts';
import { SpaceWatch } from './space-watch.ts';
import type { StampSource } from './stamp-source.ts';

/** The disks of the data folder, watched by one process. @param keeps whether this one makes the reserve again. */
export function openSpaceWatch(
  config: Config,
  folder: DataFolder,
  log: Logger,
  keeps: boolean,
): Promise<SpaceWatch> {
  return SpaceWatch.open({ folder, reserveBytes: config.reserveBytes, clock: systemClock, log, keeps });
}

/** The store for one process. Writing a pack again takes half of it at most, so the reserve is enough for one. */
export function openStore(
  folder: DataFolder,
  space: SpaceWatch,
  engine: HashEngine,
  stampSource: StampSource,
): DiskStore {
  const packBytes = Math.min(PACK_BYTES, space.storeReserveBytes || PACK_BYTES);
  const { stamp, onWrite } = stampSource;
  return new DiskStore(folder.store, systemRandom, engine, {
    space: space.of('store'),
    packBytes,
    stamp,
    onWrite,
  });
}

/** What is done when an anchor of the audit log could not be written: it is tried again. */
export function logAnchorFailure(log: Logger): (err: unknown) => void {
  return logChoreFailure(log, 'anchor the audit log');
}

/**
 * PostgreSQL for one process, which journals its own writes.
 * @param limitMs for a connection and for a statement.
 * @param generation of the server; without one, the catalog is about to be claimed.
 */
export function openPostgres(
  url: string,
  limitMs: number,
  blobs: BlobStore,
  log: Logger,
  generation = 0,
): Promise<Catalog> {
  return openPostgresCatalog({
    url,
    limitMs,
    generation,
    journal: (entries) => blobs.appendEntries(entries),
    failure: () => blobs.failure(),
    onError: (err) => log.warn({ err }, 'a database connection was lost'),
  });
}
