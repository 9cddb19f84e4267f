/** Opens the data folder for a command, while servers may run. */
import { existsSync } from 'node:fs';
import { DiskStore } from '../blobs/disk/disk-store.ts';
import { readIdentity } from '../blobs/disk/identity.ts';
import { openSqliteWriter } from '../catalog/sqlite.ts';
import { SettingError } from '../config/errors.ts';
import type { Config } from '../config/read.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import type { RandomBytes } from '../domain/ids.ts';
import { SecretBox } from '../domain/secret-box.ts';
import { nodeHash } from '../hashing/node-hash.ts';
import { jobMessage } from '../operations/jobs/job-description.ts';
import { openS3Store, surveyBucket } from './bucket.ts';
import { type DataFolder, dataFolder, readMasterKey } from './data-folder.ts';
import { requireUsable } from './folder-access.ts';
import { becomeOwner } from './folder-owner.ts';
import { openCatalog } from './open-catalog.ts';
import { StampSource } from './stamp-source.ts';
import { requireOwnCatalog } from './start-plan.ts';
import { systemClock, systemRandom } from './system.ts';

export interface CommandDeps {
  readonly config: Config;
  readonly folder: DataFolder;
  readonly catalog: Catalog;
  readonly blobs: BlobStore;
  readonly masterKey: Buffer;
  readonly box: SecretBox;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** Opens the store, for writes of the start that it had last. */
async function openCommandStore(
  config: Config,
  folder: DataFolder,
): Promise<{ blobs: BlobStore; stampSource: StampSource }> {
  const { store } = config;
  if (store) {
    const found = await surveyBucket(store);
    const stampSource = new StampSource(found.kind === 'store' ? (found.identity?.generation ?? 0) : 0);
    return { blobs: await openS3Store(store, nodeHash, stampSource), stampSource };
  }
  // Without the setting, entries of this command would miss a store in a bucket.
  if (config.catalogUrl !== undefined && !existsSync(folder.store))
    throw new SettingError(
      `there is no store at ${folder.store}: if the server has its store in a bucket, give the command the same ` +
        'settings, by MORAINE_STORE and so on or in config.json',
    );
  const identity = await readIdentity(folder.store);
  const stampSource = new StampSource(identity?.generation ?? 0);
  return { blobs: new DiskStore(folder.store, systemRandom, nodeHash, stampSource), stampSource };
}

/**
 * Opens the data folder, runs `work`, and closes the folder. Safe while servers run: on SQLite each write is a short
 * transaction that waits for the server's, and its entries go to a journal of their own. A root process becomes the
 * folder's owner for the rest of its life.
 * @throws SettingError when there is no data folder, or this process may not use it; StartRefused when the catalog does
 * not belong to the data folder.
 */
export async function withCommandDeps<Result>(
  config: Config,
  work: (deps: CommandDeps) => Promise<Result>,
): Promise<Result> {
  // The command line has done this already, but other callers have not.
  becomeOwner(config.data);
  const folder = dataFolder(config.data);
  requireUsable(folder);
  if (!existsSync(folder.masterKey)) {
    throw new SettingError(
      `there is no data folder at ${folder.path}: start a server there first, or give --data`,
    );
  }
  await requireOwnCatalog(config, folder);
  const masterKey = await readMasterKey(folder);
  const { blobs, stampSource } = await openCommandStore(config, folder);
  const { catalog } = await openCatalog({
    config,
    folder,
    blobs,
    generation: 'current',
    openWriter: () =>
      openSqliteWriter(folder.catalog, {
        journal: (entries) => blobs.appendEntries(entries),
        failure: () => blobs.failure(),
        jobMessage,
        generation: 'current',
      }),
    onConnectionLost: () => {},
  });
  stampSource.follow(catalog);
  const box = new SecretBox(masterKey);
  try {
    return await work({
      config,
      folder,
      catalog,
      blobs,
      masterKey,
      box,
      clock: systemClock,
      random: systemRandom,
    });
  } finally {
    await catalog.close();
    await blobs.close();
  }
}
