/** What the primary opens before the server serves. */
import { statSync } from 'node:fs';
import { openSqliteWriter } from '../catalog/sqlite.ts';
import type { Writer } from '../catalog/writes.ts';
import type { Config } from '../config/read.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { HashEngine } from '../hashing/hash-engine.ts';
import type { Logger } from '../log.ts';
import { jobMessage } from '../operations/jobs/job-description.ts';
import { noteOlderCatalog } from '../workers/older-catalog.ts';
import { rememberCatalog } from './catalog-place.ts';
import { CommitKeeper } from './commit-keeper.ts';
import { type DataFolder, dataFolder } from './data-folder.ts';
import { requireUsable } from './folder-access.ts';
import type { FolderClaims } from './folder-claims.ts';
import { hashEngine } from './hash-engine.ts';
import { openCatalog } from './open-catalog.ts';
import { openFolders } from './open-folders.ts';
import { logLostConnection, openSpaceWatch, openStore, type ServerStore } from './process-deps.ts';
import type { SpaceWatch } from './space-watch.ts';
import { StampSource } from './stamp-source.ts';
import type { StartPlan } from './start-plan.ts';
import { systemClock, systemRandom } from './system.ts';

/** Every process maps the index of the catalog's log. When no room is left, btrfs answers a write to it with SIGBUS. */
const BTRFS_LIMIT =
  'a btrfs quota limits the data folder: if another program uses up the quota including the reserve, the system kills ' +
  'the server (SIGBUS) at its next write to the mapped catalog.sqlite-shm. To avoid that, make store/ a subvolume and ' +
  'put the quota on that subvolume only';

/** What the primary holds. */
export interface Primary {
  readonly folder: DataFolder;
  readonly masterKey: Buffer;
  readonly blobs: ServerStore;
  readonly space: SpaceWatch;
  readonly catalog: Catalog;
  /** On SQLite only: commits the writes of the serving processes. */
  readonly writer: Writer | undefined;
  readonly claims: FolderClaims;
  readonly plan: StartPlan;
  readonly stampSource: StampSource;
  readonly keeper: CommitKeeper;
  /** Hashes for the store. */
  readonly engine: HashEngine;
}

/**
 * Claims data folder and store, decides whether they and the catalog belong together, and claims the catalog.
 * @throws FolderInUse, StoreInUse, StartRefused, NoteDamaged, Shortage, and errors of the system.
 */
export async function openPrimary(config: Config, log: Logger): Promise<Primary> {
  await shrinkReserve(config, log);
  const { folder, claims, masterKey, plan } = await openFolders(config, systemRandom, log);
  const space = await openSpaceWatch(config, folder, log, true);
  const stampSource = new StampSource(plan.identity.generation);
  const engine = hashEngine(log);
  const blobs = await openStore(config, { folder, space, engine, stampSource });
  // Must precede all writes to the catalog, because they raise its commit number.
  if (plan.older) await noteOlderCatalog(blobs, systemClock.now());
  const { catalog, writer } = await openCatalog({
    config,
    folder,
    blobs,
    generation: 0,
    openWriter: () => openSqlite({ folder, space, blobs }),
    onConnectionLost: logLostConnection(log),
  });
  if (writer && (await space.hasBtrfsLimit())) log.warn({ folder: folder.path }, BTRFS_LIMIT);
  stampSource.follow(catalog);
  const { storeId, catalogId, generation } = plan.identity;
  await catalog.claimGeneration({ storeId, catalogId, generation });
  await rememberCatalog(folder, { place: plan.catalogPlace, catalogId });
  const countsCommits = config.catalogUrl === undefined;
  const keeper = new CommitKeeper({ catalog, blobs, stampSource, countsCommits }, plan.storeNumber);
  return { folder, claims, masterKey, plan, engine, blobs, space, catalog, writer, stampSource, keeper };
}

/** Makes room for a start on a full disk. Must precede all writes, including the claims. */
async function shrinkReserve(config: Config, log: Logger): Promise<void> {
  const folder = dataFolder(config.data);
  if (statSync(folder.path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  requireUsable(folder);
  await openSpaceWatch(config, folder, log, true);
}

function openSqlite({ folder, space, blobs }: Pick<Primary, 'folder' | 'space' | 'blobs'>): Promise<Writer> {
  return openSqliteWriter(folder.catalog, {
    journal: (entries) => blobs.appendEntries(entries),
    failure: () => blobs.failure(),
    jobMessage,
    checksFirst: true,
    freeSpace: () => space.of('data folder').shrinkReserve(),
  });
}
