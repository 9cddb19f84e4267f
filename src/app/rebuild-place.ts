/** Where a rebuild puts its catalog: a file in the data folder, or a PostgreSQL database. */
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PostgresRebuild } from '../catalog/rebuild/postgres-target.ts';
import {
  type HeldCatalog,
  holdSqliteCatalog,
  makeSqliteCatalog,
  removeSqliteFile,
} from '../catalog/rebuild/sqlite-target.ts';
import type { RebuildTarget } from '../catalog/rebuild/target.ts';
import type { Config } from '../config/read.ts';
import { flushFolder } from '../durable/folder-flusher.ts';
import { realFileSystem } from '../durable/real-file-system.ts';
import type { DataFolder } from './data-folder.ts';

/** The place of the catalog during a rebuild. Until it is closed, nobody else writes to an old catalog there. */
export interface RebuildPlace {
  /** Makes the new catalog beside the old one, in place of what an interrupted rebuild left. */
  make<Result>(build: (target: RebuildTarget) => Promise<Result>): Promise<Result>;
  /**
   * Puts the new catalog in its place, durably. An old one is kept under another name.
   * @param generation of the new catalog. @returns that name; undefined if there was no old one.
   */
  publish(generation: number): Promise<string | undefined>;
  close(): Promise<void>;
}

export interface PlaceOptions {
  readonly config: Pick<Config, 'catalogUrl' | 'catalogTimeoutMs'>;
  readonly folder: DataFolder;
  /** Whether there is an old catalog. */
  readonly replaces: boolean;
  readonly nowMs: number;
}

/** @throws Error that names the file or the database when it cannot be used. */
export async function openRebuildPlace(options: PlaceOptions): Promise<RebuildPlace> {
  const { config, replaces, nowMs } = options;
  if (config.catalogUrl === undefined) return new FilePlace(options);
  const database = await PostgresRebuild.open(config.catalogUrl, config.catalogTimeoutMs);
  const replaced = `moraine_replaced_${nowMs}`;
  return {
    make: (build) => database.make(build),
    async publish() {
      await database.publish(replaced);
      return replaces ? `the schema ${replaced}` : undefined;
    },
    close: () => database.close(),
  };
}

class FilePlace implements RebuildPlace {
  readonly #path: string;
  readonly #made: string;
  readonly #kept: string;
  #old: HeldCatalog | undefined;

  constructor({ folder, replaces, nowMs }: PlaceOptions) {
    this.#path = folder.catalog;
    this.#made = `${folder.catalog}.rebuilt`;
    this.#kept = join(folder.path, `catalog-replaced-${nowMs}.sqlite`);
    if (replaces) this.#old = this.#hold();
  }

  /** A damaged file cannot be held. Nobody can write to it either. */
  #hold(): HeldCatalog | undefined {
    try {
      return holdSqliteCatalog(this.#path);
    } catch (error) {
      if (/locked|busy/.test(String(error))) throw error;
      return undefined;
    }
  }

  make<Result>(build: (target: RebuildTarget) => Promise<Result>): Promise<Result> {
    return makeSqliteCatalog(this.#made, build);
  }

  async publish(generation: number): Promise<string | undefined> {
    const file = await realFileSystem.open(this.#made, 'read');
    await file.flush().finally(() => file.close());
    this.#old?.retire(generation);
    this.#old = undefined;
    const hadOld = existsSync(this.#path);
    // SQLite would take a log beside the new file for its own.
    for (const suffix of ['', '-wal', '-shm'])
      if (existsSync(this.#path + suffix)) await rename(this.#path + suffix, this.#kept + suffix);
    await rename(this.#made, this.#path);
    await flushFolder(realFileSystem, dirname(this.#path));
    return hadOld ? this.#kept : undefined;
  }

  async close(): Promise<void> {
    this.#old?.release();
    removeSqliteFile(this.#made);
  }
}
