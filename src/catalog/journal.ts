import { type Selectable, sql } from 'kysely';
import type { JournalEntry } from '../domain/blob-store.ts';
import type {
  DropFromOutboxArgs,
  OutboxReads,
  OutboxWrites,
  SkipEntrySeqsArgs,
} from '../domain/outbox-catalog.ts';
import type { Schema } from './schema.ts';
import { statement } from './statement.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';

/** Appends entries to the store's journal; they are durable when it resolves. */
export type Journal = (entries: readonly JournalEntry[]) => Promise<void>;

/** Why the journal accepts no more entries; undefined while it does. Called before a transaction, not after. */
export type JournalFailure = () => Error | undefined;

/** How a writer reaches the journal. */
export interface JournalDeps {
  readonly journal: Journal;
  /** By default the journal always accepts entries. */
  readonly failure?: JournalFailure | undefined;
}

export function outboxReads(source: Source): OutboxReads {
  return {
    async lastEntrySeq() {
      const newest = source.db.selectFrom('store_records').select('seq').orderBy('seq', 'desc').limit(1);
      return (await newest.executeTakeFirst())?.seq ?? 0;
    },
    async listOutbox(limit) {
      const rows = await source.db
        .selectFrom('store_records')
        .selectAll()
        .orderBy('seq')
        .limit(limit)
        .execute();
      return rows.map(toEntry);
    },
  };
}

export const outboxWrites: InTransaction<Omit<OutboxWrites, 'journalPeople'>> = {
  skipEntrySeqs,
  dropFromOutbox,
};

/** The newest entry stays in the outbox to keep the greatest number; journaling it again is harmless. */
async function dropFromOutbox(tx: Tx, { seqs }: DropFromOutboxArgs): Promise<void> {
  if (seqs.length === 0) return;
  const newest = tx.db.selectFrom('store_records').select((e) => e.fn.max('seq').as('newest'));
  await tx.db.deleteFrom('store_records').where('seq', 'in', seqs).where('seq', '<', newest).execute();
}

/** Numbers of all entries in the outbox, in order. They are few, because journaled entries are dropped. */
export async function listOutboxSeqs(source: Source): Promise<readonly number[]> {
  return (await LIST_OUTBOX_SEQS.all(source, {})).map(({ seq }) => seq);
}

const LIST_OUTBOX_SEQS = statement((db) => db.selectFrom('store_records').select('seq').orderBy('seq'));

/** The entries of these numbers that are still in the outbox, in order. */
export async function outboxEntries(
  { db }: Source,
  seqs: readonly number[],
): Promise<readonly JournalEntry[]> {
  const rows = await db
    .selectFrom('store_records')
    .selectAll()
    .where('seq', 'in', seqs)
    .orderBy('seq')
    .execute();
  return rows.map(toEntry);
}

function toEntry({ seq, entry }: Selectable<Schema['store_records']>): JournalEntry {
  return { seq, body: JSON.parse(entry) };
}

async function skipEntrySeqs(tx: Tx, { beyond }: SkipEntrySeqsArgs): Promise<void> {
  const entry = JSON.stringify({ type: 'numbers-skipped', beyond });
  await tx.db
    .insertInto('store_records')
    .values({ seq: beyond + 1, entry })
    .execute();
  if (tx.engine.name !== 'postgres') return;
  // SQLite continues from the greatest number by itself; PostgreSQL's sequence must be set.
  await sql`select setval(pg_get_serial_sequence('store_records', 'seq'), ${beyond + 1})`.execute(tx.db);
}

/** Adds an entry to the outbox, for what a catalog rebuilt from the blobs alone would lack. */
export async function appendEntry(tx: Tx, body: Record<string, unknown>): Promise<void> {
  const [row] = await INSERT_ENTRY.all(tx, { entry: JSON.stringify(body) });
  tx.entries.push({ seq: (row as { seq: number }).seq, body });
}

const INSERT_ENTRY = statement((db, { entry }: { entry: string }) =>
  db.insertInto('store_records').values({ entry }).returning('seq'),
);
