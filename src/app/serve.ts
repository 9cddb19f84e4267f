/** `moraine serve`: takes the data folder, puts right what a crash left, then serves with one or more processes. */
import cluster from 'node:cluster';
import { readIdentity } from '../blobs/store-identity.ts';
import type { Config, ListenAddress, TlsPair } from '../config.ts';
import type { Clock } from '../domain/clock.ts';
import type { LockTime } from '../domain/lock-time.ts';
import { SecretBox } from '../domain/secret-box.ts';
import { createLogger } from '../log.ts';
import type { Scheduled } from '../workers/schedule.ts';
import { openAudit, startClosingChains } from './audit.ts';
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
import { dataFolder } from './data-folder.ts';
import { startCounting, unsignedDenials } from './denials.ts';
import { checkDescriptors, readLimits } from './descriptor-check.ts';
import {
  claimMode,
  createEmulator,
  openTurnableClock,
  type RunningEmulator,
  TurnableClock,
} from './emulator.ts';
import { LockClock, type ReadClocks } from './lock-clock.ts';
import { GIVE_BACK, startMemoryReturn } from './memory-return.ts';
import { createNode, listen, stopServer, systemClock, systemClocks, systemRandom } from './node.ts';
import { putInOrder } from './prepare.ts';
import { openPrimary, type Primary } from './primary.ts';
import { anchorFailed } from './process-parts.ts';
import { openRootAccount, type RootAccount } from './root-account.ts';
import { startServingProcesses } from './serving-processes.ts';
import { renewTls, TlsRenewal } from './tls-pair.ts';
import { packageVersion } from './version.ts';
import { requireFitKeys, requireNoLock } from './weak-keys.ts';
import { KEEP_FAILED, startGuards } from './write-guard.ts';

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
  const chores = [
    watchRoom(parts),
    startMemoryReturn(primary.engine, choreFailed(log, GIVE_BACK)),
    ...keeping,
    closing,
    ...(maySweep ? startOwnChores(parts) : []),
  ];
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
