/**
 * The real SQLite catalog of a simulated server: its own writer and reads, over a file in memory. A commit is atomic and
 * durable, as `synchronous = full` promises; a crash at the commit leaves it done or not (docs/design/simulator.md).
 */
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { GroupWriter } from '../../../src/catalog/group-writer.ts';
import type { Journal } from '../../../src/catalog/journal.ts';
import { readsOver } from '../../../src/catalog/reads.ts';
import { sqliteSource } from '../../../src/catalog/sqlite-dialect.ts';
import { asCatalogShortage } from '../../../src/catalog/sqlite-shortage.ts';
import type { Source } from '../../../src/catalog/transaction.ts';
import { writesOver } from '../../../src/catalog/writes.ts';
import type { Catalog } from '../../../src/domain/catalog.ts';
import { jobMessage } from '../../../src/operations/jobs/job-description.ts';
import type { SimulatedProcess } from './process.ts';
import type { Fault, Step } from './steps.ts';

interface Connection {
  readonly database: DatabaseSync;
  readonly source: Source;
}

/**
 * The file of a catalog, and connections that each process in turn uses: opening one and preparing its statements would
 * take most of a start.
 */
export class CatalogFile {
  readonly path: string;
  /** A catalog with all tables and no rows: stands in for what migrations make of a missing file. */
  readonly #empty: string;
  #writing: Connection | undefined;
  #reading: Connection | undefined;

  constructor(path: string, empty: string) {
    this.path = path;
    this.#empty = empty;
  }

  /** Makes the file if it is missing. */
  migrate(process: SimulatedProcess): void {
    if (!existsSync(this.path))
      process.runSync(commit('migrate'), () => copyFileSync(this.#empty, this.path));
  }

  get writing(): Connection {
    this.#writing ??= connect(this.path, false);
    return this.#writing;
  }

  /** As in the server, reads have a connection of their own: they see nothing that is not committed. */
  get reading(): Connection {
    this.#reading ??= connect(this.path, true);
    return this.#reading;
  }

  /** Copies the catalog as of the last commit. */
  copyTo(path: string): void {
    this.writing.database.exec('pragma wal_checkpoint(truncate)');
    copyFileSync(this.path, path);
  }

  /** Puts another catalog in the place of this one. No process may use it. */
  replace(from: string): void {
    this.close();
    copyFileSync(from, this.path);
  }

  /** Removes the catalog. No process may use it. */
  remove(): void {
    this.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${this.path}${suffix}`, { force: true });
  }

  close(): void {
    // The last connection moves the log to the file, which one for reading cannot.
    for (const connection of [this.#reading, this.#writing]) connection?.database.close();
    this.#writing = undefined;
    this.#reading = undefined;
  }
}

function connect(path: string, readOnly: boolean): Connection {
  const database = new DatabaseSync(path, { readOnly, timeout: 0 });
  // The file is in memory, so nothing is flushed: what a power cut leaves is decided by the commits alone.
  if (!readOnly) database.exec('pragma journal_mode = wal; pragma synchronous = off;');
  return { database, source: sqliteSource(database, asCatalogShortage) };
}

interface CatalogDeps {
  readonly process: SimulatedProcess;
  readonly journal: Journal;
  failure(): Error | undefined;
}

/** Opens the catalog of a process. @throws the error of SQLite. */
export async function openSimulatedCatalog(file: CatalogFile, deps: CatalogDeps): Promise<Catalog> {
  const { process, journal, failure } = deps;
  file.migrate(process);
  const { database, source } = file.writing;
  const { commitNumber } = await readsOver(source).storeLink();
  const own = new ProcessDatabase(database, process) as unknown as DatabaseSync;
  const writer = new GroupWriter(own, source, { journal, failure, jobMessage, generation: 0, commitNumber });
  return {
    ...readsOver(file.reading.source),
    ...writesOver(writer),
    knownCommitNumber: () => Math.max(commitNumber, writer.commitNumber()),
    failure: () => undefined,
    close: () => writer.close(),
  };
}

function commit(call: string): Step {
  return { kind: 'commit', call, path: 'catalog' };
}

/** A connection as one process uses it: its commits are steps of the process, and a dead one begins no transaction. */
class ProcessDatabase implements Pick<DatabaseSync, 'exec' | 'prepare' | 'isTransaction'> {
  readonly #database: DatabaseSync;
  readonly #process: SimulatedProcess;

  constructor(database: DatabaseSync, process: SimulatedProcess) {
    this.#database = database;
    this.#process = process;
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction;
  }

  prepare(sql: string): StatementSync {
    return this.#database.prepare(sql);
  }

  exec(sql: string): void {
    if (sql === 'commit') {
      this.#process.runSync(commit('commit'), (fault) => this.#commit(fault));
      return;
    }
    if (sql !== 'rollback') this.#process.requireAlive();
    this.#database.exec(sql);
  }

  #commit(fault: Fault | undefined): void {
    if (fault?.code !== undefined) throw sqliteError(fault.code);
    this.#database.exec('commit');
  }
}

const FULL = 13;
const IOERR_FSYNC = 10 | (4 << 8);

function sqliteError(code: string): Error {
  const errcode = code === 'ENOSPC' ? FULL : IOERR_FSYNC;
  const text = code === 'ENOSPC' ? 'database or disk is full' : 'disk I/O error';
  return Object.assign(new Error(text), { code: 'ERR_SQLITE_ERROR', errcode });
}
