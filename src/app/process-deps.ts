/** What every process of a server opens for itself: its view of the disks and its store. */
import { DiskStore, PACK_BYTES } from '../blobs/disk/disk-store.ts';
import type { Config } from '../config/read.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { ScrubStore } from '../domain/scrub-store.ts';
import type { HashEngine } from '../hashing/hash-engine.ts';
import type { Logger } from '../log.ts';
import { openS3Store } from './bucket.ts';
import { logChoreFailure } from './chores.ts';
import type { DataFolder } from './data-folder.ts';
import { SpaceWatch } from './space-watch.ts';
import type { StampSource } from './stamp-source.ts';
import { systemClock, systemRandom } from './system.ts';

/** Opens the disks of the data folder. @param keeps whether this process rebuilds the reserve. */
export function openSpaceWatch(
  config: Config,
  folder: DataFolder,
  log: Logger,
  keeps: boolean,
): Promise<SpaceWatch> {
  return SpaceWatch.open({ folder, reserveBytes: config.reserveBytes, clock: systemClock, log, keeps });
}

interface OpenStoreDeps {
  readonly folder: DataFolder;
  readonly space: SpaceWatch;
  readonly engine: HashEngine;
  readonly stampSource: StampSource;
}

/** The store of a process that serves. */
export type ServerStore = BlobStore &
  Pick<ScrubStore, 'scrubKey'> & {
    /** Refuses all writes from now on. The first reason stays. */
    stopWriting(reason: string): void;
  };

/** Opens the store. On disk, limits packs so that rewriting one, which needs at most half its size, fits into the reserve. */
export async function openStore(
  { store }: Config,
  { folder, space, engine, stampSource }: OpenStoreDeps,
): Promise<ServerStore> {
  if (store) return openS3Store(store, engine, stampSource);
  const packBytes = Math.min(PACK_BYTES, space.storeReserveBytes || PACK_BYTES);
  const { stamp, onWrite } = stampSource;
  return new DiskStore(folder.store, systemRandom, engine, {
    space: space.of('store'),
    packBytes,
    stamp,
    onWrite,
  });
}

/** Logs that an anchor of the audit log could not be written; a later try follows. */
export function logAnchorFailure(log: Logger): (err: unknown) => void {
  return logChoreFailure(log, 'anchor the audit log');
}

/** Logs a lost connection to PostgreSQL. */
export function logLostConnection(log: Logger): (err: unknown) => void {
  return (err) => log.warn({ err }, 'a database connection was lost');
}
