/** Opens the catalog that the settings name. */
import { openPostgresCatalog } from '../catalog/postgres.ts';
import { openSqliteCatalog } from '../catalog/sqlite.ts';
import type { Writer } from '../catalog/writes.ts';
import type { Config } from '../config/read.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Generation } from '../domain/store-link.ts';
import { jobMessage } from '../operations/jobs/job-description.ts';
import type { DataFolder } from './data-folder.ts';

interface OpenCatalogDeps {
  readonly config: Pick<Config, 'catalogUrl' | 'catalogTimeoutMs'>;
  readonly folder: DataFolder;
  /** Its journal takes the entries of this process's writes. */
  readonly blobs: BlobStore;
  /** Generation of this process's writes: 0 before the catalog is claimed, `current` for commands. */
  readonly generation: Generation;
  /** Called on SQLite only. Its writer commits this process's writes, here or in another process. */
  openWriter(): Writer | Promise<Writer>;
  /** Called when a connection to PostgreSQL is lost; another takes its place. */
  onConnectionLost(error: Error): void;
}

/**
 * SQLite in the data folder, or PostgreSQL if the settings name it.
 * @returns the catalog, and on SQLite also the writer.
 * @throws Error that names the file or the database when it cannot be used.
 */
export async function openCatalog(
  deps: OpenCatalogDeps,
): Promise<{ readonly catalog: Catalog; readonly writer: Writer | undefined }> {
  const { config, folder, blobs, generation, onConnectionLost } = deps;
  if (config.catalogUrl === undefined) {
    const writer = await deps.openWriter();
    return { writer, catalog: openSqliteCatalog(folder.catalog, writer) };
  }
  const catalog = await openPostgresCatalog({
    url: config.catalogUrl,
    limitMs: config.catalogTimeoutMs,
    generation,
    journal: (entries) => blobs.appendEntries(entries),
    failure: () => blobs.failure(),
    jobMessage,
    onError: onConnectionLost,
  });
  return { writer: undefined, catalog };
}
