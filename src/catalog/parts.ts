import { type Selectable, sql } from 'kysely';
import { type Page, type Paging, toPage } from '../domain/page.ts';
import { type Part, uploadNotFound } from '../domain/upload.ts';
import type { DropPartsArgs, NewPart, PartReads, PartWrites, PutPartArgs } from '../domain/upload-catalog.ts';
import { fromHex, toHex } from './digest.ts';
import type { Schema } from './schema.ts';
import { sqlStatement } from './statement.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';

export function partReads(source: Source): PartReads {
  return {
    listParts: (uploadNo, page) => listParts(source, uploadNo, page),
    partSequence: (uploadNo, first) => partSequence(source, uploadNo, first),
    partRefs: (uploadNo, limit) => partRefs(source, uploadNo, limit),
  };
}

export const partWrites: InTransaction<PartWrites> = { putPart, dropParts };

async function listParts(source: Source, uploadNo: number, page: Paging<number>): Promise<Page<Part>> {
  const rows = await partsOf(source, uploadNo)
    .where('first', '>', page.after ?? -1)
    .limit(page.limit + 1)
    .execute();
  return toPage(rows.map(toPart), page.limit);
}

/** All parts by offset: at most 10,000. */
export async function allParts(source: Source, uploadNo: number): Promise<Part[]> {
  return (await partsOf(source, uploadNo).execute()).map(toPart);
}

function partsOf({ db }: Source, uploadNo: number) {
  return db
    .selectFrom('parts')
    .select(['first', 'size', 'tree_hash', 'linear_hash', 'sequence'])
    .where('upload_no', '=', uploadNo)
    .orderBy('first');
}

function toPart(
  row: Pick<Selectable<Schema['parts']>, 'first' | 'size' | 'tree_hash' | 'linear_hash' | 'sequence'>,
): Part {
  const { first, size, sequence } = row;
  return { first, size, sequence, treeHash: toHex(row.tree_hash), linearHash: toHex(row.linear_hash) };
}

async function partSequence({ db }: Source, uploadNo: number, first: number): Promise<number> {
  const row = await db
    .selectFrom('parts')
    .select('sequence')
    .where('upload_no', '=', uploadNo)
    .where('first', '=', first)
    .executeTakeFirst();
  return row?.sequence ?? 0;
}

async function partRefs({ db }: Source, uploadNo: number, limit: number): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('parts')
    .select('ref')
    .where('upload_no', '=', uploadNo)
    .orderBy('first')
    .limit(limit)
    .execute();
  return rows.map((row) => row.ref);
}

async function putPart(tx: Tx, { uploadNo, uploadId, part, nowMs }: PutPartArgs): Promise<void> {
  const open = await tx.db
    .selectFrom('uploads')
    .select('no')
    .where('no', '=', uploadNo)
    .where('state', '=', 'open')
    // Parts share the upload's row lock; Complete and Abort take it exclusively and wait for them.
    .$if(tx.engine.rowLocks, (q) => q.forShare())
    .executeTakeFirst();
  if (!open) throw uploadNotFound(uploadId);
  const loser = await storePart(tx, uploadNo, part, nowMs);
  if (loser !== null) await tx.db.insertInto('garbage').values({ ref: loser, noted_ms: nowMs }).execute();
}

/**
 * Stores the parts that are the first at their offsets, in open uploads whose rows no other transaction has locked, on
 * PostgreSQL. @returns those that were stored.
 */
export async function putParts(tx: Tx, all: readonly PutPartArgs[]): Promise<ReadonlySet<PutPartArgs>> {
  const rows = await PUT_PARTS.all(tx, {
    uploadNos: all.map(({ uploadNo }) => uploadNo),
    firsts: all.map(({ part }) => part.first),
    sizes: all.map(({ part }) => part.size),
    treeHashes: all.map(({ part }) => fromHex(part.treeHash)),
    linearHashes: all.map(({ part }) => fromHex(part.linearHash)),
    sequences: all.map(({ part }) => part.sequence),
    storedMs: all.map(({ nowMs }) => nowMs),
    refs: all.map(({ part }) => part.ref),
  });
  const stored = new Set(rows.map(({ ref }) => ref));
  return new Set(all.filter(({ part }) => stored.has(part.ref)));
}

/** The columns of many new parts; the arrays have the same length. */
interface NewPartColumns {
  readonly uploadNos: readonly number[];
  readonly firsts: readonly number[];
  readonly sizes: readonly number[];
  readonly treeHashes: readonly Uint8Array[];
  readonly linearHashes: readonly Uint8Array[];
  readonly sequences: readonly number[];
  readonly storedMs: readonly number[];
  readonly refs: readonly string[];
}

/** Of two parts at one offset, it stores neither or one; whoever gets no row back must look again. */
const PUT_PARTS = sqlStatement<NewPartColumns, { ref: string }>(
  (p) => sql`
    with upload as (
      select no from uploads where no = any(${p.uploadNos}::bigint[]) and state = 'open'
      order by no for share skip locked
    )
    insert into parts (upload_no, first, size, tree_hash, linear_hash, sequence, stored_ms, ref)
    select p.upload_no, p.first, p.size, p.tree_hash, p.linear_hash, p.sequence, p.stored_ms, p.ref
    from unnest(${p.uploadNos}::bigint[], ${p.firsts}::bigint[], ${p.sizes}::bigint[], ${p.treeHashes}::bytea[],
      ${p.linearHashes}::bytea[], ${p.sequences}::bigint[], ${p.storedMs}::bigint[], ${p.refs}::text[])
      as p(upload_no, first, size, tree_hash, linear_hash, sequence, stored_ms, ref)
    join upload on upload.no = p.upload_no
    order by p.upload_no, p.first
    on conflict (upload_no, first) do nothing
    returning ref`,
);

/** Stores the part if it is the newest at its offset. Returns the blob that is not needed: the old, the new, or null. */
async function storePart(tx: Tx, uploadNo: number, part: NewPart, nowMs: number): Promise<string | null> {
  const row = toRow(uploadNo, part, nowMs);
  const inserted = await tx.db
    .insertInto('parts')
    .values(row)
    .onConflict((c) => c.columns(['upload_no', 'first']).doNothing())
    .returning('ref')
    .executeTakeFirst();
  if (inserted) return null;
  const old = await tx.db
    .selectFrom('parts')
    .select(['ref', 'sequence'])
    .where('upload_no', '=', uploadNo)
    .where('first', '=', part.first)
    .$if(tx.engine.rowLocks, (q) => q.forUpdate())
    .executeTakeFirstOrThrow();
  if (old.sequence > part.sequence) return part.ref;
  await tx.db
    .updateTable('parts')
    .set(row)
    .where('upload_no', '=', uploadNo)
    .where('first', '=', part.first)
    .execute();
  return old.ref;
}

function toRow(uploadNo: number, part: NewPart, nowMs: number): Schema['parts'] {
  return {
    upload_no: uploadNo,
    first: part.first,
    size: part.size,
    tree_hash: fromHex(part.treeHash),
    linear_hash: fromHex(part.linearHash),
    sequence: part.sequence,
    stored_ms: nowMs,
    ref: part.ref,
  };
}

async function dropParts(tx: Tx, { uploadNo, refs }: DropPartsArgs): Promise<void> {
  await tx.db.deleteFrom('parts').where('upload_no', '=', uploadNo).where('ref', 'in', refs).execute();
}
