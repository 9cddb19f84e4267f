/** `moraine serve`: takes the data folder, puts right what a crash left, then serves with one or more processes. */
import cluster from 'node:cluster';
import { DiskStore, prepareDiskStore } from '../blobs/disk.ts';
import { openPostgresCatalog } from '../catalog/postgres.ts';
import { openSqliteCatalog, openSqliteWriter } from '../catalog/sqlite.ts';
import type { Writer } from '../catalog/writes.ts';
import type { Config, ListenAddress } from '../config.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import { SecretBox } from '../domain/secret-box.ts';
import { createLogger, type Logger } from '../log.ts';
import { expireUploads } from '../workers/expire-uploads.ts';
import { recoverStore } from '../workers/recover-store.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import { sweepGarbage } from '../workers/sweep-garbage.ts';
import { type DataFolder, dataFolder, readOrMakeMasterKey, takeFolder } from './data-folder.ts';
import { createNode, listen, stopServer, systemClock, systemRandom } from './node.ts';
import { openRootAccount, type RootAccount } from './root-account.ts';
import { startServingProcesses } from './serving-processes.ts';

const SWEEP_PAUSE_MS = 2000;
const EXPIRE_PAUSE_MS = 60_000;

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
  readonly blobs: BlobStore;
  readonly catalog: Catalog;
  /** On SQLite only: where the serving processes' writes go. */
  readonly writer: Writer | undefined;
  release(): void;
}

/**
 * Starts a server and resolves when it serves.
 * @throws SettingError, FolderInUse, and what the system says (address in use, no such database).
 */
export async function serve(config: Config): Promise<RunningServer> {
  const log = createLogger(config.logLevel, { process: 'primary' });
  const primary = await openPrimary(config, log);
  const root = await openRootAccount(config, {
    ...primary,
    clock: systemClock,
    random: systemRandom,
    box: new SecretBox(primary.masterKey),
  });
  const removed = await recoverStore(primary.catalog, primary.blobs);
  if (removed > 0) log.info({ removed }, 'removed blobs that were stored but never acknowledged');
  const chores = startChores(config, primary, log);
  const serving = await (config.workers === 1 ? serveHere : serveInProcesses)(config, primary, log);
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

async function openPrimary(config: Config, log: Logger): Promise<Primary> {
  const folder = dataFolder(config.data);
  const release = takeFolder(folder);
  const masterKey = await readOrMakeMasterKey(folder, systemRandom);
  await prepareDiskStore(folder.store);
  const blobs = new DiskStore(folder.store, systemRandom);
  const opened = { folder, release, masterKey, blobs };
  if (config.catalogUrl !== undefined) {
    return { ...opened, writer: undefined, catalog: await openPostgres(config.catalogUrl, blobs, log) };
  }
  const writer = await openSqliteWriter(folder.catalog, (records) => blobs.appendRecords(records));
  return { ...opened, writer, catalog: openSqliteCatalog(folder.catalog, writer) };
}

/** PostgreSQL for one process, which journals its own writes. */
export function openPostgres(url: string, blobs: BlobStore, log: Logger): Promise<Catalog> {
  return openPostgresCatalog({
    url,
    journal: (records) => blobs.appendRecords(records),
    onError: (err) => log.warn({ err }, 'a database connection was lost'),
  });
}

function startChores(config: Config, { catalog, blobs }: Primary, log: Logger): Scheduled[] {
  const failed = (chore: string) => (err: unknown) =>
    log.error({ err, chore }, 'a chore failed and will be tried again');
  return [
    repeat(SWEEP_PAUSE_MS, () => sweepGarbage(catalog, blobs), failed('sweep garbage')),
    repeat(EXPIRE_PAUSE_MS, () => expireUploads(catalog, systemClock, config), failed('expire uploads')),
  ];
}

/** Something that serves at an address. */
export interface Serving {
  readonly address: ListenAddress;
  stop(): Promise<void>;
}

async function serveHere(config: Config, primary: Primary, log: Logger): Promise<Serving> {
  const server = createNode({ config, ...primary, clock: systemClock, log });
  const address = await listen(server, config.listen);
  return { address, stop: () => stopServer(server) };
}

async function serveInProcesses(config: Config, primary: Primary, log: Logger): Promise<Serving> {
  return startServingProcesses({ cluster, count: config.workers, writer: primary.writer, log });
}

function urlOf({ host, port }: ListenAddress, tls: boolean): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return `${tls ? 'https' : 'http'}://${shown}:${port}`;
}
