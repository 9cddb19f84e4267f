/** The catalog without a server, for commands that work beside running ones. */

import { existsSync } from 'node:fs';
import { DiskStore } from '../blobs/disk.ts';
import { openPostgresCatalog } from '../catalog/postgres.ts';
import { openSqliteCatalog, openSqliteWriter } from '../catalog/sqlite.ts';
import { type Config, SettingError } from '../config.ts';
import type { Catalog } from '../domain/catalog.ts';
import { dataFolder } from './data-folder.ts';
import { systemRandom } from './node.ts';

/**
 * Opens the catalog for a short while and closes it after `work`. Safe while servers run: on SQLite each
 * write is a short transaction that waits for the server's, and what it records goes to a journal of its own.
 * @throws SettingError when there is no catalog in the data folder.
 */
export async function withCatalog<Result>(
  config: Config,
  work: (catalog: Catalog) => Promise<Result>,
): Promise<Result> {
  const folder = dataFolder(config.data);
  if (!existsSync(folder.masterKey))
    throw new SettingError(`there is no data folder at ${folder.path}: give --data`);
  const blobs = new DiskStore(folder.store, systemRandom);
  const journal = (records: Parameters<DiskStore['appendRecords']>[0]) => blobs.appendRecords(records);
  const catalog =
    config.catalogUrl === undefined
      ? openSqliteCatalog(folder.catalog, await openSqliteWriter(folder.catalog, journal))
      : await openPostgresCatalog({ url: config.catalogUrl, journal, onError: () => {} });
  try {
    return await work(catalog);
  } finally {
    await catalog.close();
    await blobs.close();
  }
}
