/** `moraine serve`: takes the data folder, puts right what a crash left, then serves with one or more processes. */
import cluster from 'node:cluster';
import { DiskStore } from '../blobs/disk.ts';
import { readIdentity } from '../blobs/store-identity.ts';
import { openPostgresCatalog } from '../catalog/postgres.ts';
import { openSqliteCatalog, openSqliteWriter } from '../catalog/sqlite.ts';
import type { Writer } from '../catalog/writes.ts';
import type { Config, ListenAddress } from '../config.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import type { LockTime } from '../domain/lock-time.ts';
import { SecretBox } from '../domain/secret-box.ts';
import { createLogger, type Logger } from '../log.ts';
import { noteOlder } from '../workers/compare-records.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import { openAudit } from './audit.ts';
import { rememberCatalog } from './catalog-place.ts';
import {
  type ChoreParts,
  type DueWork,
  doDueWork,
  dueWorkOf,
  startOwnChores,
  startSharedChores,
} from './chores.ts';
import { CommitKeeper } from './commit-keeper.ts';
import type { DataFolder } from './data-folder.ts';
import { claimMode, createEmulator, openTurnableClock, TurnableClock } from './emulator.ts';
import { hashEngine } from './hash-engine.ts';
import { LockClock, type ReadClocks } from './lock-clock.ts';
import { createNode, listen, stopServer, systemClock, systemClocks, systemRandom } from './node.ts';
import { openFolders } from './open-folders.ts';
import { putInOrder } from './prepare.ts';
import { openRootAccount, type RootAccount } from './root-account.ts';
import { startServingProcesses } from './serving-processes.ts';
import type { StartPlan } from './start-plan.ts';
import type { ServerLocks } from './store-lock.ts';
import { type Fenced, WriteGuard } from './write-guard.ts';
import { WriterMark } from './writer-mark.ts';

/** How often the locks are looked at. */
const GUARD_PAUSE_MS = 1000;
/** A serving process tells within 200 ms that it wrote: together they stay below a second. */
const KEEP_PAUSE_MS = 700;

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
  const log = createLogger(config.logLevel, { process: 'primary' });
  const primary = await openPrimary(config, log);
  const root = await openRootAccount(config, {
    ...primary,
    clock: systemClock,
    random: systemRandom,
    box: new SecretBox(primary.masterKey),
  });
  const { catalog, blobs, plan, keeper } = primary;
  const { maySweep } = await putInOrder(catalog, blobs, log, { nowMs: systemClock.now(), ...plan });
  await keeper.keep();
  const wallParts = { config, catalog, blobs, clock: await openClock(config, primary), log };
  const { lockTime, keeping } = await openLockTime(wallParts, clocks);
  const parts = { ...wallParts, clock: soundClock(wallParts.clock, lockTime) };
  const chores = [...keeping, ...(maySweep ? startOwnChores(parts) : [])];
  const serving = await (config.workers === 1 ? serveHere : serveInProcesses)(primary, {
    ...parts,
    lockTime,
  });
  const stopWriting = ({ reason, found }: Fenced): void => {
    log.fatal(found, reason);
    blobs.stopWriting(reason);
    serving.stopWriting(reason);
    for (const chore of chores) void chore.stop();
  };
  chores.push(...startGuards(primary, log, stopWriting));
  return {
    url: urlOf(serving.address, config.tls !== undefined),
    root,
    async stop() {
      await serving.stop();
      for (const chore of chores) await chore.stop();
      if (!blobs.failure()) await keeper.keep().catch((err) => log.error({ err }, KEEP_FAILED));
      await catalog.close();
      await blobs.close();
      primary.locks.release();
    },
  };
}

const KEEP_FAILED = 'the commit number cannot be kept in the store and will be tried again';

/** Keeps the commit number, and sees to it that nothing is written once the server's folders are another's. */
function startGuards(
  { blobs, catalog, locks, keeper, mark }: Primary,
  log: Logger,
  stopWriting: (why: Fenced) => void,
): Scheduled[] {
  const guard = new WriteGuard({ locks: locks.watch(), catalog, generation: mark.generation });
  let isFenced = false;
  const look = async (): Promise<void> => {
    const fenced = isFenced ? undefined : await guard.check();
    if (fenced === undefined) return;
    isFenced = true;
    stopWriting(fenced);
  };
  const keep = async (): Promise<void> => {
    if (!blobs.failure()) await keeper.keep();
  };
  return [
    repeat(GUARD_PAUSE_MS, look, (err) => log.error({ err }, 'the generation of the catalog cannot be read')),
    repeat(KEEP_PAUSE_MS, keep, (err) => log.error({ err }, KEEP_FAILED)),
  ];
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
  const { folder, locks, masterKey, plan } = await openFolders(config, systemRandom);
  const mark = new WriterMark(plan.identity.generation);
  const blobs = new DiskStore(folder.store, systemRandom, hashEngine(log), mark);
  // Before anything is written to the catalog: its numbers grow with what is.
  if (plan.older) await noteOlder(blobs, systemClock.now());
  const { catalog, writer } = await openCatalog(config, folder, blobs, log);
  mark.follow(catalog);
  const { storeId, catalogId, generation } = plan.identity;
  await catalog.claimGeneration({ storeId, catalogId, generation });
  await rememberCatalog(folder, { place: plan.catalogPlace, catalogId });
  const countsCommits = config.catalogUrl === undefined;
  const keeper = new CommitKeeper({ catalog, blobs, mark, countsCommits }, plan.storeNumber);
  return { folder, locks, masterKey, plan, blobs, catalog, writer, mark, keeper };
}

async function openCatalog(
  config: Config,
  folder: DataFolder,
  blobs: DiskStore,
  log: Logger,
): Promise<Pick<Primary, 'catalog' | 'writer'>> {
  if (config.catalogUrl !== undefined) {
    return { writer: undefined, catalog: await openPostgres(config.catalogUrl, blobs, log) };
  }
  const writer = await openSqliteWriter(folder.catalog, {
    journal: (records) => blobs.appendRecords(records),
    failure: () => blobs.failure(),
  });
  return { writer, catalog: openSqliteCatalog(folder.catalog, writer) };
}

/**
 * PostgreSQL for one process, which journals its own writes.
 * @param generation of the server; without one, the catalog is about to be claimed.
 */
export function openPostgres(url: string, blobs: BlobStore, log: Logger, generation = 0): Promise<Catalog> {
  return openPostgresCatalog({
    url,
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
  stop(): Promise<void>;
}

async function serveHere(primary: Primary, parts: NodeChoreParts): Promise<Serving> {
  const audit = await openAudit(primary.folder, primary.blobs, primary.masterKey);
  const due = dueWorkOf(parts);
  const server = createNode({ ...primary, ...parts, audit, emulator: emulatorOf(primary, parts, due) });
  const chores = startSharedChores(parts, due);
  const address = await listen(server, parts.config.listen);
  return {
    address,
    // There is one store: the primary's own.
    stopWriting() {},
    async stop() {
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
): ReturnType<typeof createEmulator> | undefined {
  const { clock, config } = parts;
  if (!(clock instanceof TurnableClock)) return undefined;
  const { inventoryIntervalMs } = config;
  const isEmulated = async () => (await readIdentity(folder.store))?.emulator === true;
  const emulated = { catalog, blobs, clock, inventoryIntervalMs, isEmulated };
  return createEmulator({ ...emulated, doDueWork: () => doDueWork(parts, due) });
}

async function serveInProcesses(
  { writer, mark, keeper }: Primary,
  { config, log }: ChoreParts,
): Promise<Serving> {
  const { generation } = mark;
  const onWrite = () => keeper.onWrite();
  return startServingProcesses({ cluster, count: config.workers, generation, writer, onWrite, log });
}

function urlOf({ host, port }: ListenAddress, tls: boolean): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return `${tls ? 'https' : 'http'}://${shown}:${port}`;
}
