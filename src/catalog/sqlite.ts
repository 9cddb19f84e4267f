import { DatabaseSync } from 'node:sqlite';
import type { Catalog } from '../domain/catalog.ts';
import type { Generation } from '../domain/store-link.ts';
import { Checkpointer } from './checkpointer.ts';
import { SQLITE } from './engine.ts';
import { GroupWriter } from './group-writer.ts';
import { migrate } from './migrations/index.ts';
import { readsOver } from './reads.ts';
import { sharedRead } from './shared-read.ts';
import {
  explainDamage,
  explainOpening,
  isCatalogDamage,
  requireSound,
  wasCutShort,
} from './sqlite-damage.ts';
import { sqliteSource } from './sqlite-dialect.ts';
import { asCatalogShortage, isCatalogFull } from './sqlite-shortage.ts';
import type { Source } from './transaction.ts';
import { type Writer, type WriterDeps, writesOver } from './writes.ts';

/** How long a statement waits for another writer, such as the command line. */
const BUSY_MS = 5000;
const WRITER_CACHE_KIB = 65_536;
/**
 * At this length a commit checkpoints the rest of the log itself, so that the log starts over: 128 MiB. While writes come
 * without a pause the checkpointer never catches up. A start after a crash reads this much in tenths of a second.
 */
const LONGEST_LOG_PAGES = 32_768;
/** Small: every serving process has one, and the system's page cache backs it. */
const READER_CACHE_KIB = 4096;

export interface SqliteWriterDeps extends WriterDeps {
  /** Frees space on a full disk; false if it cannot free any. Never throws. */
  readonly freeSpace?: () => Promise<boolean>;
  /** 0 by default, for a catalog that was never claimed or is about to be. */
  readonly generation?: Generation;
  /** Checks the file first if the last writer did not close it. For a server, while no other process has it open. */
  readonly checksFirst?: boolean;
}

/**
 * Opens the writer of a SQLite catalog. Exactly one process of a server opens one, after it has claimed the data
 * folder; a command may open another one for short transactions.
 */
export async function openSqliteWriter(path: string, deps: SqliteWriterDeps): Promise<Writer> {
  return explainOpening(path, () => openWriter(path, deps));
}

async function openWriter(
  path: string,
  { journal, failure, jobMessage, freeSpace, generation = 0, checksFirst = false }: SqliteWriterDeps,
): Promise<Writer> {
  const isSuspect = checksFirst && wasCutShort(path);
  const { database, source } = await openForWriting(path, isSuspect, freeSpace);
  const checkpointer = new Checkpointer(path, BUSY_MS);
  const onCommit = (writes: number) => checkpointer.committed(writes);
  const link = await readsOver(source).storeLink();
  const writer = new GroupWriter(database, source, {
    journal,
    failure,
    jobMessage,
    freeSpace,
    onCommit,
    explain: (error) => explainError(path, error),
    generation: generation === 'current' ? link.generation : generation,
    commitNumber: link.commitNumber,
  });
  return {
    run: (name, args) => writer.run(name, args),
    commitNumber: () => writer.commitNumber(),
    async close() {
      await writer.close();
      await checkpointer.close();
      await source.db.destroy();
      database.close();
    },
  };
}

/** Opens the file and migrates it, which takes some extra disk space. @throws Shortage, and what migrations throw. */
async function openForWriting(
  path: string,
  isSuspect: boolean,
  freeSpace: () => Promise<boolean> = async () => false,
): Promise<{ database: DatabaseSync; source: Source }> {
  for (;;) {
    const database = new DatabaseSync(path, { timeout: BUSY_MS });
    try {
      // WAL lets readers continue during a commit; FULL flushes the log at every commit.
      database.exec(
        `pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -${WRITER_CACHE_KIB};
         pragma wal_autocheckpoint = ${LONGEST_LOG_PAGES};`,
      );
      if (isSuspect) requireSound(database, path);
      const source = sqliteSource(database, (error) => explainError(path, error));
      await migrate(source.db, SQLITE);
      return { database, source };
    } catch (error) {
      database.close();
      if (!(isCatalogFull(error) && (await freeSpace()))) throw asCatalogShortage(error);
    }
  }
}

/** Adds the path to an error of SQLite; a Shortage if damage or a transient condition is the cause. */
function explainError(path: string, error: unknown): unknown {
  return asCatalogShortage(explainDamage(error, path));
}

/**
 * Opens a SQLite catalog that reads directly and writes through `writer`, which may be in another process.
 * `openSqliteWriter` must have migrated the file.
 */
export function openSqliteCatalog(path: string, writer: Writer): Catalog {
  let failure: Error | undefined;
  const explain = (error: unknown) => {
    const told = explainError(path, error);
    // Keeps the failure: a damaged page stays damaged even if the next statement does not read it.
    if (isCatalogDamage(told)) failure = told;
    return told;
  };
  const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
  database.exec(`pragma cache_size = -${READER_CACHE_KIB};`);
  const source = sqliteSource(database, explain);
  const rethrow = (error: unknown) => {
    throw explain(error);
  };
  const { number: opened } = database.prepare('select number from commit_number').get() as { number: number };
  const reads = readsOver(source);
  return {
    ...reads,
    // Every request reads its vault. The separator occurs in no region and no name.
    findVault: sharedRead(reads.findVault, ({ account, region, name }) => `${account}/${region}/${name}`),
    failure: () => failure,
    knownCommitNumber: () => Math.max(opened, writer.commitNumber()),
    ...writesOver({ ...writer, run: (name, args) => writer.run(name, args).catch(rethrow) }),
    // The writer closes last: only the last connection moves the log to the file, and a read-only one cannot.
    async close() {
      await source.db.destroy();
      database.close();
      await writer.close();
    },
  };
}
