/** What every process of a server opens for itself: its view of the disks, its store, and PostgreSQL. */
import { DiskStore, PACK_BYTES } from '../blobs/disk.ts';
import { openPostgresCatalog } from '../catalog/postgres.ts';
import type { Config } from '../config.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { HashEngine } from '../hashing/hash-engine.ts';
import type { Logger } from '../log.ts';
import { choreFailed } from './chores.ts';
import type { DataFolder } from './data-folder.ts';
import { systemClock, systemRandom } from './node.ts';
import { RoomWatch } from './room-watch.ts';
import type { WriterMark } from './writer-mark.ts';

/** The disks of the data folder, watched by one process. @param keeps whether this one makes the reserve again. */
export function openRoom(
  config: Config,
  folder: DataFolder,
  log: Logger,
  keeps: boolean,
): Promise<RoomWatch> {
  return RoomWatch.open({ folder, reserveBytes: config.reserveBytes, clock: systemClock, log, keeps });
}

/** The store for one process. Writing a pack again takes half of it at most, so the reserve is enough for one. */
export function openStore(
  folder: DataFolder,
  room: RoomWatch,
  engine: HashEngine,
  mark: WriterMark,
): DiskStore {
  const packBytes = Math.min(PACK_BYTES, room.storeReserveBytes || PACK_BYTES);
  const { stamp, onWrite } = mark;
  return new DiskStore(folder.store, systemRandom, engine, {
    room: room.of('store'),
    packBytes,
    stamp,
    onWrite,
  });
}

/** What is done when an anchor of the audit log could not be written: it is tried again. */
export function anchorFailed(log: Logger): (err: unknown) => void {
  return choreFailed(log, 'anchor the audit log');
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
    journal: (records) => blobs.appendRecords(records),
    failure: () => blobs.failure(),
    onError: (err) => log.warn({ err }, 'a database connection was lost'),
  });
}
