/** The life of one serving process. It ends with the primary: without the writer it could acknowledge nothing. */
import cluster from 'node:cluster';
import { readFile } from 'node:fs/promises';
import { openSqliteCatalog } from '../catalog/sqlite.ts';
import type { Config, TlsPair } from '../config.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import { STRAY_MS } from '../domain/lock-time.ts';
import { createLogger, type Logger } from '../log.ts';
import { openAudit } from './audit.ts';
import { dueWorkOf, startSharedChores, watchRoom } from './chores.ts';
import { dataFolder } from './data-folder.ts';
import { hashEngine } from './hash-engine.ts';
import { LockClock } from './lock-clock.ts';
import { createNode, listen, stopServer, systemClock, systemClocks, systemRandom } from './node.ts';
import { anchorFailed, openPostgres, openRoom, openStore } from './serve.ts';
import type { PrimaryMessage, ProcessMessage } from './serving-processes.ts';
import { renewTls } from './tls-pair.ts';
import { remoteWriter } from './writer-link.ts';

/** What the primary can ask of a process that serves. */
interface Ready {
  renewTls(pair: TlsPair): void;
  stop(): Promise<void>;
}

/** Serves with the settings that the primary sends, until the primary says stop. */
export async function runServingProcess(): Promise<void> {
  // A terminal sends these to the whole group; the primary alone decides what they mean.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('disconnect', () => process.exit(1));
  let ready: Ready | undefined;
  let renewed: TlsPair | undefined;
  const config = await new Promise<Config>((resolve) => {
    process.on('message', async (message: PrimaryMessage) => {
      if (message.kind === 'settings') resolve(message.config);
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
    await start(config, createLogger(config.logLevel, { process: process.pid }), (started) => {
      ready = started;
      if (renewed) ready.renewTls(renewed);
    });
  } catch (error) {
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    process.disconnect();
  }
}

async function start(config: Config, log: Logger, whenReady: (ready: Ready) => void): Promise<void> {
  const folder = dataFolder(config.data);
  const masterKey = Buffer.from((await readFile(folder.masterKey, 'utf8')).trim(), 'hex');
  const room = await openRoom(config, folder, log, false);
  const blobs = openStore(folder, room, hashEngine(log, false));
  const catalog = await openCatalog(config, folder.catalog, blobs, log);
  // The primary kept the time a moment ago: to a serving process a longer gap is a leap, not a stop.
  const lockTime = await LockClock.open({ blobs, read: systemClocks, maxStopLeapMs: STRAY_MS, keeps: false });
  const parts = {
    config: { ...config, seed: config.seed + (cluster.worker?.id ?? 0) },
    catalog,
    blobs,
    room,
    clock: { now: () => lockTime.latestMs() },
    log,
  };
  const audited = { folder, blobs, catalog, masterKey, clock: systemClock, random: systemRandom };
  const audit = await openAudit({ ...audited, room: room.of('audit log') }, anchorFailed(log));
  const server = createNode({ ...parts, lockTime, audit: audit.log, masterKey });
  const address = await listen(server, config.listen);
  const chores = [
    watchRoom(parts),
    ...startSharedChores(parts, dueWorkOf(parts)),
    lockTime.schedule((err) => log.error({ err }, 'the time seen cannot be read')),
  ];
  whenReady({
    renewTls: (pair) => renewTls(server, pair),
    async stop() {
      await stopServer(server);
      for (const chore of chores) await chore.stop();
      await audit.close();
      await catalog.close();
      await blobs.close();
    },
  });
  tell({ kind: 'serving', address });
}

async function openCatalog(config: Config, path: string, blobs: BlobStore, log: Logger): Promise<Catalog> {
  if (config.catalogUrl !== undefined)
    return openPostgres(config.catalogUrl, config.catalogTimeoutMs, blobs, log);
  const channel = {
    send: (message: unknown) => process.send?.(message),
    onMessage: (take: (message: unknown) => void) => process.on('message', take),
  };
  return openSqliteCatalog(path, remoteWriter(channel));
}

function tell(message: ProcessMessage): void {
  process.send?.(message);
}
