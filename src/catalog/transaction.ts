import type { CompiledQuery, Kysely, QueryResult } from 'kysely';
import type { JournalEntry } from '../domain/blob-store.ts';
import type { JobMessage } from '../domain/notification.ts';
import type { Engine } from './engine.ts';
import type { Schema } from './schema.ts';

/** A database to read from. */
export interface Source {
  readonly db: Kysely<Schema>;
  readonly engine: Engine;
  /** Runs a compiled query on the connection or transaction of `db`, without Kysely's overhead. */
  execute(query: CompiledQuery): Promise<QueryResult<unknown>>;
}

/**
 * A transaction under way. Its entries reach the store's journal after the commit and before the answer
 * (invariant 9).
 */
export interface Tx extends Source {
  /** Which shard of the counts this transaction adds to. */
  readonly shard: number;
  readonly entries: JournalEntry[];
  readonly jobMessage: JobMessage;
}

/** A noun's writes as they run in a transaction that the caller began. */
export type InTransaction<Writes> = {
  readonly [Name in keyof Writes]: Writes[Name] extends (args: infer Args) => infer Result
    ? (tx: Tx, args: Args) => Result
    : never;
};
