/** A serving process. It ends when the primary does, because it could then acknowledge no write. */
import cluster from 'node:cluster';
import type { DiskStore } from '../blobs/disk/disk-store.ts';
import type { Config, TlsPair } from '../config/read.ts';
import { STRAY_MS } from '../domain/trusted-time.ts';
import { createLogger, type Logger } from '../log.ts';
import { drainConnections } from '../protocol/server.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import { openAudit } from './audit.ts';
import { dueWorkOf, LOOK_AT_DAMAGE, logChoreFailure, startSharedChores, watchSpace } from './chores.ts';
import { DamageWatch } from './damage-watch.ts';
import { dataFolder, readMasterKey } from './data-folder.ts';
import { startCounting, unsignedDenials } from './denials.ts';
import { watchDescriptors } from './descriptor-watch.ts';
import { hashEngine } from './hash-engine.ts';
import { QUIET_MS, quietWatch, readLoad } from './load-watch.ts';
import { GIVE_BACK, startMemoryReturn } from './memory-return.ts';
import { createNode, listen, stopServer } from './node.ts';
import { openCatalog } from './open-catalog.ts';
import { logAnchorFailure, logLostConnection, openSpaceWatch, openStore } from './process-deps.ts';
import type { PrimaryMessage, ProcessMessage } from './serving-processes.ts';
import { StampSource } from './stamp-source.ts';
import { systemClock, systemClocks, systemRandom } from './system.ts';
import { renewTls } from './tls-pair.ts';
import { TrustedClock } from './trusted-clock.ts';
import { type Channel, remoteWriter } from './writer-link.ts';

/** How often a process reports to the primary that it wrote. */
const TELL_PAUSE_MS = 200;

/** The first message of the primary. */
interface ProcessSettings {
  readonly config: Config;
  readonly generation: number;
}

/** The messages of the primary to a process that serves. */
interface ServingControls {
  renewTls(pair: TlsPair): void;
  stop(): Promise<void>;
}

/** Serves with the settings that the primary sends, until the primary says to stop. */
export async function runServingProcess(): Promise<void> {
  // A terminal sends these signals to all processes, but only the primary acts on them.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('disconnect', () => process.exit(1));
  let ready: ServingControls | undefined;
  let renewed: TlsPair | undefined;
  // The order to stop writing may come before the store is open.
  const orders = new StoreOrders();
  const { config, generation } = await new Promise<ProcessSettings>((resolve) => {
    process.on('message', async (message: PrimaryMessage) => {
      if (message.kind === 'settings') resolve(message);
      if (message.kind === 'stop-writing') orders.stopWriting(message.reason);
      if (message.kind === 'tls') {
        renewed = message.pair;
        ready?.renewTls(message.pair);
      }
      if (message.kind === 'stop') {
        // A process that is still starting has nothing to finish.
        await ready?.stop();
        process.exit(0);
      }
    });
  });
  try {
    const log = createLogger(config.logLevel, { process: process.pid });
    await start({ config, generation, orders, log }, (started) => {
      ready = started;
      if (renewed) ready.renewTls(renewed);
    });
  } catch (error) {
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    process.disconnect();
  }
}

/** Passes the order to stop writing to the store, even if the order comes first. */
class StoreOrders {
  #store: DiskStore | undefined;
  #reason: string | undefined;

  follow(store: DiskStore): void {
    this.#store = store;
    if (this.#reason !== undefined) store.stopWriting(this.#reason);
  }

  stopWriting(reason: string): void {
    this.#reason = reason;
    this.#store?.stopWriting(reason);
  }
}

interface StartDeps extends ProcessSettings {
  readonly orders: StoreOrders;
  readonly log: Logger;
}

async function start(
  { config, generation, orders, log }: StartDeps,
  whenReady: (ready: ServingControls) => void,
): Promise<void> {
  const folder = dataFolder(config.data);
  const masterKey = await readMasterKey(folder);
  const space = await openSpaceWatch(config, folder, log, false);
  const stampSource = new StampSource(generation);
  const engine = hashEngine(log, false);
  const blobs = openStore(folder, space, engine, stampSource);
  orders.follow(blobs);
  const { catalog } = await openCatalog({
    config,
    folder,
    blobs,
    generation,
    openWriter: () => remoteWriter(channelToPrimary()),
    onConnectionLost: logLostConnection(log),
  });
  stampSource.follow(catalog);
  // The primary stored the time a moment ago, so a longer gap is a leap of the clock, not a stop.
  const trustedTime = await TrustedClock.open({
    blobs,
    read: systemClocks,
    maxStopLeapMs: STRAY_MS,
    keeps: false,
  });
  const deps = {
    config: { ...config, seed: config.seed + (cluster.worker?.id ?? 0) },
    catalog,
    blobs,
    space,
    clock: { now: () => trustedTime.latestMs() },
    log,
  };
  const audited = { folder, blobs, catalog, masterKey, clock: systemClock, random: systemRandom };
  const audit = await openAudit({ ...audited, space: space.of('audit log') }, logAnchorFailure(log));
  const denials = unsignedDenials(config);
  const damage = new DamageWatch(catalog);
  const server = createNode({ ...deps, trustedTime, audit: audit.log, denials, damage, masterKey });
  const address = await listen(server, config.listen, process.platform === 'linux');
  const chores = [
    watchSpace(deps),
    startMemoryReturn(engine, logChoreFailure(log, GIVE_BACK)),
    watchDescriptors(() => {
      log.fatal('a serving process ends, because it has no file descriptors left for connections');
      process.exit(1);
    }),
    ...startSharedChores(deps, dueWorkOf(deps)),
    damage.schedule(logChoreFailure(log, LOOK_AT_DAMAGE)),
    trustedTime.schedule(logChoreFailure(log, 'read trusted time')),
    startCounting({ denials, audit: audit.log, masterKey, log }),
    ...startTelling(config, stampSource),
  ];
  const close = once(async () => {
    for (const chore of chores) await chore.stop();
    await audit.close();
    await catalog.close();
    await blobs.close();
  });
  whenReady({
    renewTls: (pair) => renewTls(server, pair),
    async stop() {
      await stopServer(server);
      await close();
    },
  });
  tell({ kind: 'serving', address });
  if (config.growing)
    endWhenQuiet(async () => {
      tell({ kind: 'ending' });
      await drainConnections(server);
      await close();
    });
}

/** Ends this process after a while without much to do. @param end lets it finish what is under way. */
function endWhenQuiet(end: () => Promise<void>): void {
  const isQuiet = quietWatch(readLoad);
  const timer = setInterval(async () => {
    if (!isQuiet()) return;
    clearInterval(timer);
    await end();
    process.exit(0);
  }, QUIET_MS);
}

/** Runs a task once, however often it is called. */
function once(task: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= task();
    return running;
  };
}

/** Tells the primary about writes. Not needed on SQLite, where the primary commits them itself. */
function startTelling({ catalogUrl }: Config, stampSource: StampSource): Scheduled[] {
  const tellWrites = async (): Promise<void> => {
    if (stampSource.takeWrote()) tell({ kind: 'wrote' });
  };
  return catalogUrl === undefined ? [] : [repeat(TELL_PAUSE_MS, tellWrites, () => {})];
}

/** The channel over which the primary takes this process's catalog writes. */
function channelToPrimary(): Channel {
  return {
    send: (message) => process.send?.(message),
    onMessage: (take) => process.on('message', take),
  };
}

function tell(message: ProcessMessage): void {
  process.send?.(message);
}
