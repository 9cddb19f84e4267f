/** What outlives a simulated server: its disk, its catalog's file, the claims on them, and the time. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DataFolder, dataFolder } from '../../../src/app/data-folder.ts';
import { openSqliteWriter } from '../../../src/catalog/sqlite.ts';
import { jobMessage } from '../../../src/operations/jobs/job-description.ts';
import type { CatalogFile } from './catalog.ts';
import { SimulatedClaims } from './claims.ts';
import type { SimulatedDisk } from './disk.ts';
import { Loop } from './loop.ts';

/** When a simulation begins. */
const BEGIN_MS = Date.UTC(2026, 0, 1);

/** A folder in memory for the catalogs of one run of the program, and an empty catalog to begin with. */
export class Workbench {
  readonly #folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'moraine-simulator-'));
  readonly emptyCatalog = join(this.#folder, 'empty.sqlite');

  static async open(): Promise<Workbench> {
    const bench = new Workbench();
    const writer = await openSqliteWriter(bench.emptyCatalog, { journal: async () => {}, jobMessage });
    await writer.close();
    return bench;
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export class Installation {
  readonly disk: SimulatedDisk;
  readonly loop = new Loop();
  readonly claims = new SimulatedClaims();
  readonly folder: DataFolder;
  readonly catalog: CatalogFile;

  /** @param disk has the folder `/data`. @param catalog a real file, in memory: SQLite cannot use a simulated one. */
  constructor(disk: SimulatedDisk, catalog: CatalogFile) {
    this.disk = disk;
    this.catalog = catalog;
    this.folder = { ...dataFolder('/data'), catalog: catalog.path };
  }

  /** Real time, as every clock of this machine shows it. */
  nowMs(): number {
    return BEGIN_MS + this.loop.nowMs;
  }
}
