/** `moraine serve`: takes the data folder, puts right what a crash left, then serves with one or more processes. */
import cluster from 'node:cluster';
import { DiskStore, PACK_BYTES } from '../blobs/disk.ts';
import { prepareDiskStore } from '../blobs/prepare-disk.ts';
import { openPostgresCatalog } from '../catalog/postgres.ts';
import { openSqliteCatalog, openSqliteWriter } from '../catalog/sqlite.ts';
import type { Writer } from '../catalog/writes.ts';
import type { Config, ListenAddress } from '../config.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import type { LockTime } from '../domain/lock-time.ts';
import { SecretBox } from '../domain/secret-box.ts';
import type { HashEngine } from '../hashing/hash-engine.ts';
import { createLogger, type Logger } from '../log.ts';
import type { Scheduled } from '../workers/schedule.ts';
import { openAudit } from './audit.ts';
import {
  type ChoreParts,
  type DueWork,
  doDueWork,
  dueWorkOf,
  startOwnChores,
  startSharedChores,
  watchRoom,
} from './chores.ts';
import { type DataFolder, dataFolder, makeFolder, readOrMakeMasterKey, takeFolder } from './data-folder.ts';
import { checkDescriptors, readLimits } from './descriptor-check.ts';
import { claimMode, createEmulator, openTurnableClock, TurnableClock } from './emulator.ts';
import { hashEngine } from './hash-engine.ts';
import { LockClock, type ReadClocks } from './lock-clock.ts';
import { createNode, listen, stopServer, systemClock, systemClocks, systemRandom } from './node.ts';
import { putInOrder } from './prepare.ts';
import { RoomWatch } from './room-watch.ts';
import { openRootAccount, type RootAccount } from './root-account.ts';
import { startServingProcesses } from './serving-processes.ts';

/** A server that is up. */
export interface RunningServer {
  readonly url: string;
  readonly root: RootAccount;
  /** Resolves when requests under way are answered and everything is closed. */
  stop(): Promise<void>;
}

/** What the first process of a server holds. */
interface Primary {
  readonly folder: DataFolder;
  readonly masterKey: Buffer;
  readonly blobs: DiskStore;
  readonly room: RoomWatch;
  readonly catalog: Catalog;
  /** On SQLite only: where the serving processes' writes go. */
  readonly writer: Writer | undefined;
  release(): void;
}

/**
 * Starts a server and resolves when it serves.
 * @param clocks what trusted time is drawn from.
 * @throws SettingError, FolderInUse, ClockWentBack, and what the system says (address in use, no such database).
 */
export async function serve(config: Config, clocks: ReadClocks = systemClocks): Promise<RunningServer> {
  const log = createLogger(config.logLevel, { process: 'primary' });
  checkDescriptors(log, await readLimits());
  const primary = await openPrimary(config, log);
  const root = await openRootAccount(config, {
    ...primary,
    clock: systemClock,
    random: systemRandom,
    box: new SecretBox(primary.masterKey),
  });
  const { maySweep } = await putInOrder(primary.catalog, primary.blobs, log);
  const { catalog, blobs, room } = primary;
  const wallParts = { config, catalog, blobs, room, clock: await openClock(config, primary), log };
  const { lockTime, keeping } = await openLockTime(wallParts, clocks);
  const parts = { ...wallParts, clock: soundClock(wallParts.clock, lockTime) };
  const chores = [watchRoom(parts), ...keeping, ...(maySweep ? startOwnChores(parts) : [])];
  const serving = await (config.workers === 1 ? serveHere : serveInProcesses)(primary, {
    ...parts,
    lockTime,
  });
  return {
    url: urlOf(serving.address, config.tls !== undefined),
    root,
    async stop() {
      await serving.stop();
      for (const chore of chores) await chore.stop();
      await primary.catalog.close();
      await primary.blobs.close();
      primary.release();
    },
  };
}

/** The emulator's clock can be turned; everyone else has the system's. */
async function openClock({ emulator }: Config, { catalog }: Primary): Promise<Clock> {
  await claimMode(catalog, emulator);
  return emulator ? openTurnableClock(catalog, systemClock) : systemClock;
}

/** Wrong clocks must not date archives back; the emulator's clock is its own measure of time. */
function soundClock(clock: Clock, lockTime: LockTime): Clock {
  return clock instanceof TurnableClock ? clock : { now: () => lockTime.latestMs() };
}

/** In the emulator locks are for trying out, and age by its clock. */
async function openLockTime(
  { clock, blobs, config, log }: ChoreParts,
  clocks: ReadClocks,
): Promise<{ lockTime: LockTime; keeping: Scheduled[] }> {
  if (clock instanceof TurnableClock) {
    return {
      lockTime: { nowMs: () => clock.now(), latestMs: () => clock.now(), canDelete: () => true },
      keeping: [],
    };
  }
  const { maxStopLeapMs } = config;
  const onLeap = (): void =>
    log.error('the clock leaped forward: locked archives do not age until `moraine lock confirm-time`');
  const lockTime = await LockClock.open({ blobs, read: clocks, maxStopLeapMs, keeps: true, onLeap });
  if (lockTime.leaped) onLeap();
  return {
    lockTime,
    keeping: [lockTime.schedule((err) => log.error({ err }, 'the time seen cannot be kept'))],
  };
}

interface NodeChoreParts extends ChoreParts {
  readonly lockTime: LockTime;
}

async function openPrimary(config: Config, log: Logger): Promise<Primary> {
  const folder = dataFolder(config.data);
  makeFolder(folder.path);
  // Before anything is written, be it the lock: a start on a full disk lives on the reserve.
  const room = await openRoom(config, folder, log, true);
  const release = takeFolder(folder);
  const masterKey = await readOrMakeMasterKey(folder, systemRandom);
  await prepareDiskStore(folder.store);
  const blobs = openStore(folder, room, hashEngine(log));
  const opened = { folder, release, room, masterKey, blobs };
  if (config.catalogUrl !== undefined) {
    return { ...opened, writer: undefined, catalog: await openPostgres(config.catalogUrl, blobs, log) };
  }
  const writer = await openSqliteWriter(
    folder.catalog,
    (records) => blobs.appendRecords(records),
    () => blobs.failure(),
    () => room.of('data folder').giveUp(),
  );
  return { ...opened, writer, catalog: openSqliteCatalog(folder.catalog, writer) };
}

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
export function openStore(folder: DataFolder, room: RoomWatch, engine: HashEngine): DiskStore {
  const packBytes = Math.min(PACK_BYTES, room.storeReserveBytes || PACK_BYTES);
  return new DiskStore(folder.store, systemRandom, engine, { room: room.of('store'), packBytes });
}

/** PostgreSQL for one process, which journals its own writes. */
export function openPostgres(url: string, blobs: BlobStore, log: Logger): Promise<Catalog> {
  return openPostgresCatalog({
    url,
    journal: (records) => blobs.appendRecords(records),
    failure: () => blobs.failure(),
    onError: (err) => log.warn({ err }, 'a database connection was lost'),
  });
}

/** Something that serves at an address. */
export interface Serving {
  readonly address: ListenAddress;
  stop(): Promise<void>;
}

async function serveHere(primary: Primary, parts: NodeChoreParts): Promise<Serving> {
  const { log } = parts;
  const audit = await openAudit({ ...primary, room: primary.room.of('audit log'), log });
  const due = dueWorkOf(parts);
  const server = createNode({ ...primary, ...parts, audit, emulator: emulatorOf(primary, parts, due) });
  const chores = startSharedChores(parts, due);
  const address = await listen(server, parts.config.listen);
  return {
    address,
    async stop() {
      await stopServer(server);
      for (const chore of chores) await chore.stop();
      await audit.close();
    },
  };
}

function emulatorOf(
  { catalog, blobs }: Primary,
  parts: ChoreParts,
  due: DueWork,
): ReturnType<typeof createEmulator> | undefined {
  const { clock, config } = parts;
  if (!(clock instanceof TurnableClock)) return undefined;
  const { inventoryIntervalMs } = config;
  const emulated = { catalog, blobs, clock, inventoryIntervalMs };
  return createEmulator({ ...emulated, doDueWork: () => doDueWork(parts, due) });
}

async function serveInProcesses({ writer }: Primary, { config, log }: ChoreParts): Promise<Serving> {
  return startServingProcesses({ cluster, count: config.workers, writer, log });
}

function urlOf({ host, port }: ListenAddress, tls: boolean): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return `${tls ? 'https' : 'http'}://${shown}:${port}`;
}
