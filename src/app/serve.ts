/** `moraine serve`: takes the data folder, puts right what a crash left, then serves with one or more processes. */
import cluster from 'node:cluster';
import { statSync } from 'node:fs';
import { DiskStore, PACK_BYTES } from '../blobs/disk.ts';
import { readIdentity } from '../blobs/store-identity.ts';
import { openPostgresCatalog } from '../catalog/postgres.ts';
import { openSqliteCatalog, openSqliteWriter } from '../catalog/sqlite.ts';
import type { Writer } from '../catalog/writes.ts';
import type { Config, ListenAddress, TlsPair } from '../config.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import type { LockTime } from '../domain/lock-time.ts';
import { SecretBox } from '../domain/secret-box.ts';
import type { HashEngine } from '../hashing/hash-engine.ts';
import { createLogger, type Logger } from '../log.ts';
import { noteOlder } from '../workers/compare-records.ts';
import type { Scheduled } from '../workers/schedule.ts';
import { openAudit, startClosingChains } from './audit.ts';
import { rememberCatalog } from './catalog-place.ts';
import {
  type ChoreParts,
  choreFailed,
  type DueWork,
  doDueWork,
  dueWorkOf,
  startOwnChores,
  startSharedChores,
  watchRoom,
} from './chores.ts';
import { CommitKeeper } from './commit-keeper.ts';
import { type DataFolder, dataFolder } from './data-folder.ts';
import { startCounting, unsignedDenials } from './denials.ts';
import { checkDescriptors, readLimits } from './descriptor-check.ts';
import {
  claimMode,
  createEmulator,
  openTurnableClock,
  type RunningEmulator,
  TurnableClock,
} from './emulator.ts';
import { requireUsable } from './folder-access.ts';
import { hashEngine } from './hash-engine.ts';
import { LockClock, type ReadClocks } from './lock-clock.ts';
import { createNode, listen, stopServer, systemClock, systemClocks, systemRandom } from './node.ts';
import { openFolders } from './open-folders.ts';
import { putInOrder } from './prepare.ts';
import { RoomWatch } from './room-watch.ts';
import { openRootAccount, type RootAccount } from './root-account.ts';
import { startServingProcesses } from './serving-processes.ts';
import type { StartPlan } from './start-plan.ts';
import type { ServerLocks } from './store-lock.ts';
import { renewTls, TlsRenewal } from './tls-pair.ts';
import { packageVersion } from './version.ts';
import { requireFitKeys, requireNoLock } from './weak-keys.ts';
import { KEEP_FAILED, startGuards } from './write-guard.ts';
import { WriterMark } from './writer-mark.ts';

/** A server that is up. */
export interface RunningServer {
  readonly url: string;
  readonly root: RootAccount;
  /** Takes up a renewed certificate, as SIGHUP asks for. */
  hangUp(): void;
  /**
   * Resolves when requests under way are answered and everything is closed.
   * @param why for the log: a signal's name, for instance.
   */
  stop(why?: string): Promise<void>;
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
  readonly locks: ServerLocks;
  readonly plan: StartPlan;
  readonly mark: WriterMark;
  readonly keeper: CommitKeeper;
}

/**
 * Starts a server and resolves when it serves.
 * @param clocks what trusted time is drawn from.
 * @throws SettingError, FolderInUse, ClockWentBack, and what the system says (address in use, no such database).
 */
export async function serve(config: Config, clocks: ReadClocks = systemClocks): Promise<RunningServer> {
  requireFitKeys(config);
  const log = createLogger(config.logLevel, { process: 'primary' });
  checkDescriptors(log, await readLimits());
  const primary = await openPrimary(config, log);
  // Before a key is taken that only an emulator may have.
  await claimMode(primary.catalog, config.emulator);
  await requireNoLock(config, primary.catalog, primary.blobs);
  if (config.emulatorAnyKey)
    log.warn('any access key that is not known is let in as root, and its signature is not checked');
  const root = await openRootAccount(config, {
    ...primary,
    clock: systemClock,
    random: systemRandom,
    box: new SecretBox(primary.masterKey),
  });
  const { catalog, blobs, room, plan, keeper } = primary;
  const { maySweep } = await putInOrder(catalog, blobs, log, { nowMs: systemClock.now(), ...plan });
  // It is tried again soon: a full disk must not keep a server from serving reads and deletions.
  await keeper.keep().catch((err) => log.error({ err }, KEEP_FAILED));
  const wallParts = { config, catalog, blobs, room, clock: await openClock(config, primary), log };
  const { lockTime, keeping } = await openLockTime(wallParts, clocks);
  const parts = { ...wallParts, clock: soundClock(wallParts.clock, lockTime) };
  const closing = await startClosingChains(
    { ...primary, clock: systemClock, random: systemRandom },
    choreFailed(log, 'close an audit chain of an earlier run'),
  );
  const chores = [watchRoom(parts), ...keeping, closing, ...(maySweep ? startOwnChores(parts) : [])];
  const serving = await (config.workers === 1 ? serveHere : serveInProcesses)(primary, {
    ...parts,
    lockTime,
  });
  const renewal = config.tls && new TlsRenewal(config.tls, log, (pair) => serving.renewTls(pair));
  if (renewal) chores.push(renewal.schedule());
  const guards = startGuards(primary, log, {
    fenced({ reason, found }) {
      log.fatal(found, reason);
      blobs.stopWriting(reason);
      serving.stopWriting(reason);
      for (const chore of chores) void chore.stop();
    },
    failed(reason) {
      log.fatal({ reason }, 'nothing is written any more until the server is restarted');
      serving.stopWriting(reason);
    },
  });
  const url = urlOf(serving.address, config.tls !== undefined);
  log.info({ ...factsOf(config), url }, 'serving');
  return {
    url,
    root,
    hangUp: () => void renewal?.look(true),
    async stop(why) {
      const beganMs = clocks().steadyMs;
      log.info({ why }, 'stopping');
      await serving.stop();
      for (const chore of [...chores, ...guards]) await chore.stop();
      if (!blobs.failure()) await keeper.keep().catch((err) => log.error({ err }, KEEP_FAILED));
      await catalog.close();
      await blobs.close();
      primary.locks.release();
      log.info({ ms: clocks().steadyMs - beganMs }, 'stopped');
    },
  };
}

/** What an operator wants to know of a start. The catalog's URL may hold a password. */
function factsOf({ data, workers, catalogUrl, emulator }: Config): Record<string, unknown> {
  return {
    version: packageVersion(),
    node: process.versions.node,
    pid: process.pid,
    data: dataFolder(data).path,
    catalog: catalogUrl === undefined ? 'sqlite' : 'postgresql',
    workers,
    ...(emulator ? { emulator } : {}),
  };
}

/** The emulator's clock can be turned; everyone else has the system's. */
async function openClock({ emulator }: Config, { catalog }: Primary): Promise<Clock> {
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
  const onUnreadable = (err: unknown): void =>
    log.warn({ err }, 'what `moraine lock confirm-time` left in the store cannot be read and has no effect');
  const lockTime = await LockClock.open({
    blobs,
    read: clocks,
    maxStopLeapMs,
    keeps: true,
    onLeap,
    onUnreadable,
  });
  if (lockTime.leaped) onLeap();
  return {
    lockTime,
    keeping: [lockTime.schedule(choreFailed(log, 'keep the time seen'))],
  };
}

interface NodeChoreParts extends ChoreParts {
  readonly lockTime: LockTime;
}

async function openPrimary(config: Config, log: Logger): Promise<Primary> {
  await giveUpRoom(config, log);
  const { folder, locks, masterKey, plan } = await openFolders(config, systemRandom, log);
  const room = await openRoom(config, folder, log, true);
  const mark = new WriterMark(plan.identity.generation);
  const blobs = openStore(folder, room, hashEngine(log), mark);
  // Before anything is written to the catalog: its numbers grow with what is.
  if (plan.older) await noteOlder(blobs, systemClock.now());
  const { catalog, writer } = await openCatalog(config, { folder, room, blobs }, log);
  mark.follow(catalog);
  const { storeId, catalogId, generation } = plan.identity;
  await catalog.claimGeneration({ storeId, catalogId, generation });
  await rememberCatalog(folder, { place: plan.catalogPlace, catalogId });
  const countsCommits = config.catalogUrl === undefined;
  const keeper = new CommitKeeper({ catalog, blobs, mark, countsCommits }, plan.storeNumber);
  return { folder, locks, masterKey, plan, blobs, room, catalog, writer, mark, keeper };
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
  return { writer, catalog: openSqliteCatalog(folder.catalog, writer) };
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

/** Something that serves at an address. */
export interface Serving {
  readonly address: ListenAddress;
  /** Makes the stores of all serving processes refuse writes. */
  stopWriting(reason: string): void;
  /** New handshakes use this pair. */
  renewTls(pair: TlsPair): void;
  stop(): Promise<void>;
}

async function serveHere(primary: Primary, parts: NodeChoreParts): Promise<Serving> {
  const audit = await openAudit(
    { ...primary, clock: systemClock, random: systemRandom, room: primary.room.of('audit log') },
    anchorFailed(parts.log),
  );
  const due = dueWorkOf(parts);
  const denials = unsignedDenials(parts.config);
  const emulator = emulatorOf(primary, parts, due);
  const server = createNode({ ...primary, ...parts, audit: audit.log, denials, emulator });
  const chores = [
    ...startSharedChores(parts, due),
    startCounting({ ...parts, denials, audit: audit.log, masterKey: primary.masterKey }),
  ];
  const address = await listen(server, parts.config.listen);
  return {
    address,
    // There is one store: the primary's own.
    stopWriting() {},
    renewTls: (pair) => renewTls(server, pair),
    async stop() {
      emulator?.stop();
      await stopServer(server);
      for (const chore of chores) await chore.stop();
      await audit.close();
    },
  };
}

function emulatorOf(
  { catalog, blobs, folder }: Primary,
  parts: ChoreParts,
  due: DueWork,
): RunningEmulator | undefined {
  const { clock, config } = parts;
  if (!(clock instanceof TurnableClock)) return undefined;
  const { inventoryIntervalMs, emulatorHosts: hosts } = config;
  const isEmulated = async () => (await readIdentity(folder.store))?.emulator === true;
  const emulated = { catalog, blobs, clock, inventoryIntervalMs, hosts, isEmulated };
  return createEmulator({ ...emulated, doDueWork: () => doDueWork(parts, due) });
}

async function serveInProcesses(
  { writer, mark, keeper }: Primary,
  { config, log }: ChoreParts,
): Promise<Serving> {
  const { generation } = mark;
  const onWrite = () => keeper.onWrite();
  return startServingProcesses({ cluster, config, generation, writer, onWrite, log });
}

function urlOf({ host, port }: ListenAddress, tls: boolean): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return `${tls ? 'https' : 'http'}://${shown}:${port}`;
}
