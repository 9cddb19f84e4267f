/** `moraine serve`: claims the data folder, repairs what a crash left, and serves with one or more processes. */
import { DiskStore } from '../blobs/disk/disk-store.ts';
import type { Config } from '../config/read.ts';
import type { ListenAddress } from '../config/values.ts';
import { SecretBox } from '../domain/secret-box.ts';
import { createLogger } from '../log.ts';
import { startClosingChains } from './audit.ts';
import { logChoreFailure, startPrimaryChores, watchSpace } from './chores.ts';
import { dataFolder } from './data-folder.ts';
import { checkDescriptors } from './descriptor-check.ts';
import { readLimits } from './descriptors.ts';
import { claimMode } from './emulator.ts';
import { formatAddress } from './listen-address.ts';
import { GIVE_BACK, startMemoryReturn } from './memory-return.ts';
import { openPrimary } from './primary.ts';
import { repairStore } from './repair-store.ts';
import { openRootAccount, type RootAccount } from './root-account.ts';
import { startScrub } from './scrubbing.ts';
import { openServerClocks } from './server-clocks.ts';
import { startServing } from './serving.ts';
import { systemClock, systemClocks, systemRandom } from './system.ts';
import { startTaskRunner } from './task-runner.ts';
import { TlsRenewal } from './tls-pair.ts';
import type { ReadClocks } from './trusted-clock.ts';
import { packageVersion } from './version.ts';
import { requireNoLock, requireStrongKeys } from './weak-keys.ts';
import { KEEP_FAILED, startGuards } from './write-guard.ts';

/** A running server. */
export interface RunningServer {
  readonly url: string;
  readonly root: RootAccount;
  /** Loads a renewed certificate; called on SIGHUP. */
  hangUp(): void;
  /**
   * Stops the server. Resolves when requests under way are answered and everything is closed.
   * @param why for the log, such as the name of a signal.
   */
  stop(why?: string): Promise<void>;
}

/**
 * Starts a server and resolves when it serves.
 * @param clocks source of trusted time.
 * @throws SettingError, FolderInUse, ClockWentBack, and errors of the system (address in use, no such database).
 */
export async function serve(config: Config, clocks: ReadClocks = systemClocks): Promise<RunningServer> {
  requireStrongKeys(config);
  const log = createLogger(config.logLevel, { process: 'primary' });
  checkDescriptors(log, readLimits());
  const primary = await openPrimary(config, log);
  // Must precede the root key, because some keys are allowed only in an emulator.
  await claimMode(primary.catalog, config.emulator);
  await requireNoLock(config, primary.catalog, primary.blobs);
  if (config.emulatorAnyKey)
    log.warn('the server accepts any unknown access key as root, and does not check its signature');
  const { catalog, blobs, space, plan, keeper } = primary;
  const { maySweep } = await repairStore(catalog, blobs, log, { nowMs: systemClock.now(), ...plan });
  // Only now: its entries are numbered above those of the store.
  const root = await openRootAccount(config, {
    ...primary,
    clock: systemClock,
    random: systemRandom,
    box: new SecretBox(primary.masterKey),
  });
  // The start continues after a failure, which is retried soon: a full disk must still serve reads and deletions.
  await keeper.keep().catch((err) => log.error({ err }, KEEP_FAILED));
  const { clock, trustedTime, keeping } = await openServerClocks({ config, catalog, blobs, log }, clocks);
  const deps = { config, catalog, blobs, space, clock, log };
  const closing = await startClosingChains(
    { ...primary, clock: systemClock, random: systemRandom },
    logChoreFailure(log, 'close an audit chain of an earlier run'),
  );
  const chores = [
    watchSpace(deps),
    startMemoryReturn(primary.engine, logChoreFailure(log, GIVE_BACK)),
    ...keeping,
    closing,
    ...(maySweep ? [...startPrimaryChores(deps), startTaskRunner({ ...primary, ...deps, trustedTime })] : []),
    ...(config.emulator || !(blobs instanceof DiskStore)
      ? []
      : [startScrub({ ...primary, blobs, config, log })]),
  ];
  const serving = await startServing(primary, { ...deps, trustedTime });
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
      log.fatal({ reason }, 'the server writes nothing more until it is restarted');
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

/** Describes a start for the log, without the catalog's URL, which may contain a password. */
function describeStart({ data, workers, catalogUrl, store, emulator }: Config): Record<string, unknown> {
  return {
    version: packageVersion(),
    node: process.versions.node,
    pid: process.pid,
    data: dataFolder(data).path,
    catalog: catalogUrl === undefined ? 'sqlite' : 'postgresql',
    ...(store ? { store: store.name } : {}),
    workers,
    ...(emulator ? { emulator } : {}),
  };
}

function urlOf(address: ListenAddress, tls: boolean): string {
  return `${tls ? 'https' : 'http'}://${formatAddress(address)}`;
}
