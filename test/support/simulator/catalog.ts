/**
 * The real SQLite catalog of a simulated server: its own writer and reads, over a file in memory. A commit is atomic and
 * durable, as `synchronous = full` promises; a crash at the commit leaves it done or not (docs/design/simulator.md).
 */
import { copyFileSync, existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { GroupWriter } from '../../../src/catalog/group-writer.ts';
import type { Journal } from '../../../src/catalog/journal.ts';
import { readsOver } from '../../../src/catalog/reads.ts';
import { sqliteSource } from '../../../src/catalog/sqlite-dialect.ts';
import { asCatalogShortage } from '../../../src/catalog/sqlite-shortage.ts';
import { writesOver } from '../../../src/catalog/writes.ts';
import type { Catalog } from '../../../src/domain/catalog.ts';
import type { SimulatedProcess } from './process.ts';
import type { Fault, Step } from './steps.ts';

interface CatalogDeps {
  /** A catalog with all tables and no rows: stands in for what migrations make of a missing file. */
  readonly emptyCatalog: string;
  readonly process: SimulatedProcess;
  readonly journal: Journal;
  failure(): Error | undefined;
}

/** An open catalog, and how the death of its process closes it. */
export interface OpenedCatalog {
  readonly catalog: Catalog;
  /** Closes the file as the end of the process does. */
  cut(): void;
}

/** Opens the catalog of a process. @throws the error of SQLite. */
export async function openSimulatedCatalog(path: string, deps: CatalogDeps): Promise<OpenedCatalog> {
  if (!existsSync(path)) deps.process.runSync(commit('migrate'), () => copyFileSync(deps.emptyCatalog, path));
  const database = new ProcessDatabase(path, deps.process);
  database.exec('pragma journal_mode = memory; pragma synchronous = off;');
  const source = sqliteSource(database, asCatalogShortage);
  const link = await readsOver(source).storeLink();
  const { journal, failure } = deps;
  const { commitNumber } = link;
  const writer = new GroupWriter(database, source, { journal, failure, generation: 0, commitNumber });
  // As in the server, reads have a connection of their own: they see nothing that is not committed.
  const reading = new DatabaseSync(path, { readOnly: true, timeout: 0 });
  const cut = (): void => {
    if (database.isOpen) database.close();
    if (reading.isOpen) reading.close();
  };
  const catalog: Catalog = {
    ...readsOver(sqliteSource(reading, asCatalogShortage)),
    ...writesOver(writer),
    knownCommitNumber: () => Math.max(commitNumber, writer.commitNumber()),
    failure: () => undefined,
    async close() {
      await writer.close();
      cut();
    },
  };
  return { catalog, cut };
}

function commit(call: string): Step {
  return { kind: 'commit', call, path: 'catalog' };
}

/** A connection whose commits are steps of its process. */
class ProcessDatabase extends DatabaseSync {
  readonly #process: SimulatedProcess;

  constructor(path: string, process: SimulatedProcess) {
    super(path, { timeout: 0 });
    this.#process = process;
  }

  override exec(sql: string): void {
    if (sql === 'commit') {
      this.#process.runSync(commit('commit'), (fault) => this.#commit(fault));
      return;
    }
    if (sql !== 'rollback') this.#process.requireAlive();
    super.exec(sql);
  }

  #commit(fault: Fault | undefined): void {
    if (fault?.code !== undefined) throw sqliteError(fault.code);
    super.exec('commit');
  }
}

const FULL = 13;
const IOERR_FSYNC = 10 | (4 << 8);

function sqliteError(code: string): Error {
  const errcode = code === 'ENOSPC' ? FULL : IOERR_FSYNC;
  const text = code === 'ENOSPC' ? 'database or disk is full' : 'disk I/O error';
  return Object.assign(new Error(text), { code: 'ERR_SQLITE_ERROR', errcode });
}
