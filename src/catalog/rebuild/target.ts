/** The catalog that a rebuild makes: a new SQLite file, or a new schema of PostgreSQL. */
import { CompiledQuery, type Insertable, type Kysely, sql } from 'kysely';
import type { Engine } from '../engine.ts';
import { nulFreeValue } from '../nul-free.ts';
import type { Schema } from '../schema.ts';

type Row = Readonly<Record<string, unknown>>;

/** Rows of one statement. */
const ROWS_AT_ONCE = 500;

/** Where rows of the rebuilt catalog go. */
export class RebuildTarget {
  readonly db: Kysely<Schema>;
  readonly engine: Engine;
  /** Rows of `add`, by table. */
  readonly #waiting = new Map<string, Row[]>();

  constructor(db: Kysely<Schema>, engine: Engine) {
    this.db = db;
    this.engine = engine;
  }

  /** Adds rows. @returns their number. */
  async insert<Table extends keyof Schema & string>(
    table: Table,
    rows: Iterable<Insertable<Schema[Table]>>,
  ): Promise<number> {
    let added = 0;
    for (const batch of batches(rows)) {
      await this.#insertBatch(table, batch as unknown as readonly Row[]);
      added += batch.length;
    }
    return added;
  }

  /** Adds a row, at the latest with the next `flush`. */
  async add<Table extends keyof Schema & string>(
    table: Table,
    row: Insertable<Schema[Table]>,
  ): Promise<void> {
    const waiting = this.#waiting.get(table) ?? [];
    this.#waiting.set(table, waiting);
    if (waiting.push(row as Row) === ROWS_AT_ONCE) await this.#insertBatch(table, waiting.splice(0));
  }

  /** Adds all rows of `add` that are not yet there. */
  async flush(): Promise<void> {
    for (const [table, rows] of this.#waiting)
      if (rows.length > 0) await this.#insertBatch(table, rows.splice(0));
  }

  /** As text: a query of Kysely for so many values takes more time and memory than running it. */
  async #insertBatch(table: string, rows: readonly Row[]): Promise<void> {
    const columns = Object.keys(rows[0] ?? {});
    const isPostgres = this.engine.name === 'postgres';
    const values = rows.flatMap((row) => columns.map((column) => row[column]));
    let at = 0;
    const hole = () => (isPostgres ? `$${++at}` : '?');
    const tuples = rows.map(() => `(${columns.map(hole).join(', ')})`).join(', ');
    const text = `insert into ${table} (${columns.join(', ')}) values ${tuples}`;
    await this.db.executeQuery(CompiledQuery.raw(text, isPostgres ? values.map(nulFreeValue) : values));
  }

  /** Makes the next number of a table's rows greater than `last`. */
  async continueNumbers(table: 'vaults' | 'uploads' | 'users', last: number): Promise<void> {
    if (last === 0) return;
    if (this.engine.name === 'postgres') {
      await sql`select setval(pg_get_serial_sequence(${table}, 'no'), ${last})`.execute(this.db);
      return;
    }
    await sql`delete from sqlite_sequence where name = ${table}`.execute(this.db);
    await sql`insert into sqlite_sequence (name, seq) values (${table}, ${last})`.execute(this.db);
  }
}

function* batches<Row>(rows: Iterable<Row>): Generator<Row[]> {
  let batch: Row[] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < ROWS_AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
