/** What the first process of a server opens before anything is served. */
import { statSync } from 'node:fs';
import type { DiskStore } from '../blobs/disk.ts';
import { openSqliteCatalog, openSqliteWriter } from '../catalog/sqlite.ts';
import type { Writer } from '../catalog/writes.ts';
import type { Config } from '../config.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { HashEngine } from '../hashing/hash-engine.ts';
import type { Logger } from '../log.ts';
import { noteOlder } from '../workers/compare-records.ts';
import { rememberCatalog } from './catalog-place.ts';
import { CommitKeeper } from './commit-keeper.ts';
import { type DataFolder, dataFolder } from './data-folder.ts';
import { requireUsable } from './folder-access.ts';
import { hashEngine } from './hash-engine.ts';
import { systemClock, systemRandom } from './node.ts';
import { openFolders } from './open-folders.ts';
import { openPostgres, openRoom, openStore } from './process-parts.ts';
import type { RoomWatch } from './room-watch.ts';
import type { StartPlan } from './start-plan.ts';
import type { ServerLocks } from './store-lock.ts';
import { WriterMark } from './writer-mark.ts';

/** Every process maps the index of the catalog's log, and btrfs answers a write to it with SIGBUS when nothing is left. */
const BTRFS_LIMIT =
  'a quota of btrfs bounds the data folder: if another program uses up all of it, reserve and all, the system kills the ' +
  'server (SIGBUS) when it next writes to the mapped catalog.sqlite-shm. To avoid that, make store/ a subvolume of its ' +
  'own and let the quota bound that one alone';

/** What the first process of a server holds. */
export interface Primary {
  readonly folder: DataFolder;
  readonly masterKey: Buffer;
  readonly blobs: DiskStore;
  readonly room: RoomWatch;
  readonly catalog: Catalog;
  /** On SQLite only: where the serving processes' writes go. */
  readonly writer: Writer | undefined;
  readonly locks: ServerLocks;
  readonly plan: StartPlan;
  readonly mark: WriterMark;
  readonly keeper: CommitKeeper;
  /** The store's. */
  readonly engine: HashEngine;
}

/**
 * Takes data folder and store, decides whether they and the catalog belong together, and claims the catalog.
 * @throws FolderInUse, StoreInUse, StartRefused, NoteDamaged, Shortage, and what the system says.
 */
export async function openPrimary(config: Config, log: Logger): Promise<Primary> {
  await giveUpRoom(config, log);
  const { folder, locks, masterKey, plan } = await openFolders(config, systemRandom, log);
  const room = await openRoom(config, folder, log, true);
  const mark = new WriterMark(plan.identity.generation);
  const engine = hashEngine(log);
  const blobs = openStore(folder, room, engine, mark);
  // Before anything is written to the catalog: its numbers grow with what is.
  if (plan.older) await noteOlder(blobs, systemClock.now());
  const { catalog, writer } = await openCatalog(config, { folder, room, blobs }, log);
  mark.follow(catalog);
  const { storeId, catalogId, generation } = plan.identity;
  await catalog.claimGeneration({ storeId, catalogId, generation });
  await rememberCatalog(folder, { place: plan.catalogPlace, catalogId });
  const countsCommits = config.catalogUrl === undefined;
  const keeper = new CommitKeeper({ catalog, blobs, mark, countsCommits }, plan.storeNumber);
  return { folder, locks, masterKey, plan, engine, blobs, room, catalog, writer, mark, keeper };
}

/** Before anything is written, the lock included: a start on a full disk lives on the reserve. */
async function giveUpRoom(config: Config, log: Logger): Promise<void> {
  const folder = dataFolder(config.data);
  if (statSync(folder.path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  requireUsable(folder);
  await openRoom(config, folder, log, true);
}

async function openCatalog(
  config: Config,
  { folder, room, blobs }: Pick<Primary, 'folder' | 'room' | 'blobs'>,
  log: Logger,
): Promise<Pick<Primary, 'catalog' | 'writer'>> {
  if (config.catalogUrl !== undefined) {
    return {
      writer: undefined,
      catalog: await openPostgres(config.catalogUrl, config.catalogTimeoutMs, blobs, log),
    };
  }
  const writer = await openSqliteWriter(folder.catalog, {
    journal: (records) => blobs.appendRecords(records),
    failure: () => blobs.failure(),
    checksFirst: true,
    makeRoom: () => room.of('data folder').giveUp(),
  });
  if (await room.hasBtrfsLimit()) log.warn({ folder: folder.path }, BTRFS_LIMIT);
  return { writer, catalog: openSqliteCatalog(folder.catalog, writer) };
}
