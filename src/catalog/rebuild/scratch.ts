import { existsSync, rmSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { AsideBlob, BlobDescription, JournalEntry, WriterStamp } from '../../domain/blob-store.ts';
import type { Entry } from '../../domain/entries.ts';
import type { DamageKind, RebuildScratch } from '../../domain/rebuild-scratch.ts';
import { fromHex, keyOfId } from '../digest.ts';
import { SCRATCH_TABLES, SCRATCH_VERSION } from './scratch-schema.ts';
import { ScratchState } from './scratch-state.ts';

/** Small: what is sorted lies on disk. */
const CACHE_KIB = 16_384;

/** Greatest numbers in the store. */
interface StoreMaxima {
  readonly seq: number;
  readonly commitNumber: number;
  readonly generation: number;
}

/** A row as SQLite returns it. */
export type Row = Readonly<Record<string, string | number | Uint8Array | null>>;

/** The scratch database of a rebuild: a file that outlives a kill. Its methods are synchronous, except for steps. */
export class Scratch implements RebuildScratch {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly state: ScratchState;
  readonly #insertSingle: StatementSync;
  readonly #insertPart: StatementSync;
  readonly #insertOther: StatementSync;
  readonly #insertEntry: StatementSync;
  #maxima: StoreMaxima;

  /**
   * Opens the scratch of an interrupted rebuild, or begins a new one.
   * @param plan what the rebuild is based on, as text: a scratch of another plan is removed.
   * @param isOwnId whether the server proves an archive id to be its own.
   */
  constructor(path: string, plan: string, isOwnId: (archiveId: string) => boolean) {
    if (existsSync(path) && readPlan(path) !== plan) removeScratch(path);
    const database = open(path);
    this.#database = database;
    const isNew = database.prepare("select 1 from sqlite_master where name = 'meta'").get() === undefined;
    if (isNew) {
      database.exec(`begin; ${SCRATCH_TABLES}`);
      const put = database.prepare('insert into meta values (?, ?)');
      put.run('version', SCRATCH_VERSION);
      put.run('plan', plan);
      database.exec('commit');
    }
    this.state = new ScratchState(database, isOwnId);
    this.#insertSingle = database.prepare('insert into singles values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#insertPart = database.prepare('insert into parts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#insertOther = database.prepare('insert into others values (?, ?, ?, ?, ?, ?, ?, ?)');
    this.#insertEntry = database.prepare('insert or ignore into entries values (?, ?)');
    this.#maxima = {
      seq: this.#number('seq'),
      commitNumber: this.#number('commit'),
      generation: this.#number('generation'),
    };
  }

  #number(name: string): number {
    return Number(this.row('select value from meta where name = ?', name)?.['value'] ?? 0);
  }

  isDone(step: string): boolean {
    return this.row('select 1 from done where step = ?', step) !== undefined;
  }

  async runStep(step: string, work: () => Promise<void>): Promise<void> {
    const before = this.#maxima;
    this.#database.exec('begin immediate');
    try {
      await work();
      const put = this.prepare('insert or replace into meta values (?, ?)');
      put.run('seq', String(this.#maxima.seq));
      put.run('commit', String(this.#maxima.commitNumber));
      put.run('generation', String(this.#maxima.generation));
      this.prepare('insert into done values (?)').run(step);
      this.#database.exec('commit');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('rollback');
      this.#maxima = before;
      throw error;
    }
  }

  /** Runs work in a transaction that is not kept, whatever comes of it. */
  async runUnkept<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#database.exec('begin immediate');
    try {
      return await work();
    } finally {
      if (this.#database.isTransaction) this.#database.exec('rollback');
    }
  }

  get maxima(): StoreMaxima {
    return this.#maxima;
  }

  noteSeq(seq: number): void {
    if (seq > this.#maxima.seq) this.#maxima = { ...this.#maxima, seq };
  }

  noteWriter(writer: WriterStamp | undefined): void {
    if (writer === undefined) return;
    const { commitNumber, generation } = this.#maxima;
    if (writer.commitNumber <= commitNumber && writer.generation <= generation) return;
    this.#maxima = {
      ...this.#maxima,
      commitNumber: Math.max(commitNumber, writer.commitNumber),
      generation: Math.max(generation, writer.generation),
    };
  }

  keepEntry({ seq, body }: JournalEntry): void {
    this.#insertEntry.run(seq, JSON.stringify(body));
  }

  keepUnproven({ seq, body }: JournalEntry): void {
    this.prepare('insert or ignore into unproven values (?, ?)').run(seq, JSON.stringify(body));
  }

  *keptEntries(): Iterable<Entry> {
    for (const row of this.rows('select entry from entries order by seq'))
      yield JSON.parse(row['entry'] as string) as Entry;
  }

  addBlob(ref: string, { label, size, treeHash, linearHash }: BlobDescription): void {
    const { kind, account, region, vault, archiveId, description, createdMs, arrivedMs, sequence } = label;
    // Kinds of later versions may lack some of these.
    const of = [ref, account, region, vault, archiveId].map((value) => value ?? null);
    if (kind === 'archive') {
      const about = [keyOfId(archiveId), description, createdMs, arrivedMs ?? null];
      this.#insertSingle.run(...of, ...about, size, fromHex(treeHash), sequence);
    } else if (kind === 'part') {
      const bytes = [label.offset, size, fromHex(treeHash), fromHex(linearHash)];
      this.#insertPart.run(...of, label.uploadId ?? '', ...bytes, sequence, createdMs);
    } else this.#insertOther.run(...of, kind, size, createdMs ?? null);
  }

  addDamage(kind: DamageKind, what: string): void {
    this.prepare('insert into damage (kind, what) values (?, ?)').run(kind, what);
  }

  /** What is damaged, as texts. */
  *damage(): Iterable<string> {
    for (const row of this.rows('select what from damage order by no')) yield row['what'] as string;
  }

  hasDamage(kind: DamageKind): boolean {
    return this.row('select 1 from damage where kind = ? limit 1', kind) !== undefined;
  }

  /** Blobs that are left over, and of which nothing says that they were deleted. */
  *unexplained(): Iterable<AsideBlob> {
    for (const row of this.rows('select * from leftovers where is_garbage = 0')) {
      const { archive_id: archiveId, created_ms: createdMs, is_garbage: _, ...blob } = row;
      yield { ...blob, archiveId, createdMs } as unknown as AsideBlob;
    }
  }

  /** The rows of a query, read one by one. A query must not be run again while its rows are read. */
  rows(sql: string, ...values: SQLInputValue[]): Iterable<Row> {
    return this.prepare(sql).iterate(...values) as Iterable<Row>;
  }

  /** The first row of a query. */
  row(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.prepare(sql).get(...values) as Row | undefined;
  }

  /** A statement for many runs. */
  prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  /** May be called again. */
  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

function open(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec(
    `pragma journal_mode = truncate; pragma synchronous = full; pragma cache_size = -${CACHE_KIB}`,
  );
  return database;
}

/** The plan of a scratch; undefined for one of another version, or one that cannot be read. */
function readPlan(path: string): string | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = open(path);
    const rows = database.prepare('select name, value from meta').all();
    const meta = new Map(rows.map(({ name, value }) => [name, value]));
    return meta.get('version') === SCRATCH_VERSION ? (meta.get('plan') as string) : undefined;
  } catch {
    return undefined;
  } finally {
    database?.close();
  }
}

/** Removes a scratch file; does nothing if there is none. */
export function removeScratch(path: string): void {
  for (const suffix of ['', '-journal']) rmSync(`${path}${suffix}`, { force: true });
}
