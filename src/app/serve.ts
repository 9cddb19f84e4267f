/** `moraine serve`: takes the data folder, puts right what a crash left, then serves with one or more processes. */
import cluster from 'node:cluster';
import { readIdentity } from '../blobs/disk/identity.ts';
import type { Config, TlsPair } from '../config/read.ts';
import type { ListenAddress } from '../config/values.ts';
import type { Clock } from '../domain/clock.ts';
import { SecretBox } from '../domain/secret-box.ts';
import type { TrustedTime } from '../domain/trusted-time.ts';
import { createLogger } from '../log.ts';
import type { Scheduled } from '../workers/schedule.ts';
import { openAudit, startClosingChains } from './audit.ts';
import {
  type ChoreDeps,
  type DueWork,
  doDueWork,
  dueWorkOf,
  logChoreFailure,
  startPrimaryChores,
  startSharedChores,
  watchSpace,
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
import { GIVE_BACK, startMemoryReturn } from './memory-return.ts';
import { createNode, listen, stopServer, systemClock, systemClocks, systemRandom } from './node.ts';
import { openPrimary, type Primary } from './primary.ts';
import { logAnchorFailure } from './process-deps.ts';
import { repairStore } from './repair-store.ts';
import { openRootAccount, type RootAccount } from './root-account.ts';
import { startServingProcesses } from './serving-processes.ts';
import { renewTls, TlsRenewal } from './tls-pair.ts';
import { type ReadClocks, TrustedClock } from './trusted-clock.ts';
import { packageVersion } from './version.ts';
import { requireNoLock, requireStrongKeys } from './weak-keys.ts';
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
  requireStrongKeys(config);
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
  const { catalog, blobs, space, plan, keeper } = primary;
  const { maySweep } = await repairStore(catalog, blobs, log, { nowMs: systemClock.now(), ...plan });
  // It is tried again soon: a full disk must not keep a server from serving reads and deletions.
  await keeper.keep().catch((err) => log.error({ err }, KEEP_FAILED));
  const wallDeps = { config, catalog, blobs, space, clock: await openClock(config, primary), log };
  const { trustedTime, keeping } = await openTrustedTime(wallDeps, clocks);
  const deps = { ...wallDeps, clock: notBefore(wallDeps.clock, trustedTime) };
  const closing = await startClosingChains(
    { ...primary, clock: systemClock, random: systemRandom },
    logChoreFailure(log, 'close an audit chain of an earlier run'),
  );
  const chores = [
    watchSpace(deps),
    startMemoryReturn(primary.engine, logChoreFailure(log, GIVE_BACK)),
    ...keeping,
    closing,
    ...(maySweep ? startPrimaryChores(deps) : []),
  ];
  const serving = await (config.workers === 1 ? serveHere : serveInProcesses)(primary, {
    ...deps,
    trustedTime,
  });
  const renewal = config.tls && new TlsRenewal(config.tls, log, (pair) => serving.renewTls(pair));
  if (renewal) chores.push(renewal.schedule());
  const guards = startGuards(primary, log, {
    onFenced({ reason, found }) {
      log.fatal(found, reason);
      blobs.stopWriting(reason);
      serving.stopWriting(reason);
      for (const chore of chores) void chore.stop();
    },
    onFailed(reason) {
      log.fatal({ reason }, 'nothing is written any more until the server is restarted');
      serving.stopWriting(reason);
    },
  });
  const url = urlOf(serving.address, config.tls !== undefined);
  log.info({ ...describeStart(config), url }, 'serving');
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
      primary.claims.release();
      log.info({ ms: clocks().steadyMs - beganMs }, 'stopped');
    },
  };
}

/** What an operator wants to know of a start. The catalog's URL may hold a password. */
function describeStart({ data, workers, catalogUrl, emulator }: Config): Record<string, unknown> {
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
function notBefore(clock: Clock, trustedTime: TrustedTime): Clock {
  return clock instanceof TurnableClock ? clock : { now: () => trustedTime.latestMs() };
}

/** In the emulator locks are for trying out, and age by its clock. */
async function openTrustedTime(
  { clock, blobs, config, log }: ChoreDeps,
  clocks: ReadClocks,
): Promise<{ trustedTime: TrustedTime; keeping: Scheduled[] }> {
  if (clock instanceof TurnableClock) {
    return {
      trustedTime: { nowMs: () => clock.now(), latestMs: () => clock.now(), canDelete: () => true },
      keeping: [],
    };
  }
  const { maxStopLeapMs } = config;
  const onLeap = (): void =>
    log.error('the clock leaped forward: locked archives do not age until `moraine lock confirm-time`');
  const onUnreadable = (err: unknown): void =>
    log.warn({ err }, 'what `moraine lock confirm-time` left in the store cannot be read and has no effect');
  const trustedTime = await TrustedClock.open({
    blobs,
    read: clocks,
    maxStopLeapMs,
    keeps: true,
    onLeap,
    onUnreadable,
  });
  if (trustedTime.leaped) onLeap();
  return {
    trustedTime,
    keeping: [trustedTime.schedule(logChoreFailure(log, 'keep the time seen'))],
  };
}

interface NodeChoreDeps extends ChoreDeps {
  readonly trustedTime: TrustedTime;
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

async function serveHere(primary: Primary, deps: NodeChoreDeps): Promise<Serving> {
  const audit = await openAudit(
    { ...primary, clock: systemClock, random: systemRandom, space: primary.space.of('audit log') },
    logAnchorFailure(deps.log),
  );
  const due = dueWorkOf(deps);
  const denials = unsignedDenials(deps.config);
  const emulator = emulatorOf(primary, deps, due);
  const server = createNode({ ...primary, ...deps, audit: audit.log, denials, emulator });
  const chores = [
    ...startSharedChores(deps, due),
    startCounting({ ...deps, denials, audit: audit.log, masterKey: primary.masterKey }),
  ];
  const address = await listen(server, deps.config.listen);
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
  deps: ChoreDeps,
  due: DueWork,
): RunningEmulator | undefined {
  const { clock, config } = deps;
  if (!(clock instanceof TurnableClock)) return undefined;
  const { inventoryIntervalMs, emulatorHosts: hosts } = config;
  const isEmulated = async () => (await readIdentity(folder.store))?.emulator === true;
  const emulated = { catalog, blobs, clock, inventoryIntervalMs, hosts, isEmulated };
  return createEmulator({ ...emulated, doDueWork: () => doDueWork(deps, due) });
}

async function serveInProcesses(
  { writer, stampSource, keeper }: Primary,
  { config, log }: ChoreDeps,
): Promise<Serving> {
  const { generation } = stampSource;
  const onWrite = () => keeper.onWrite();
  return startServingProcesses({ cluster, config, generation, writer, onWrite, log });
}

function urlOf({ host, port }: ListenAddress, tls: boolean): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return `${tls ? 'https' : 'http'}://${shown}:${port}`;
}
