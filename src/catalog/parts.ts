import type { Selectable } from 'kysely';
import { type Page, type Paging, toPage } from '../domain/page.ts';
import { type Part, uploadNotFound } from '../domain/upload.ts';
import type { DropPartsArgs, NewPart, PartReads, PartWrites, PutPartArgs } from '../domain/upload-catalog.ts';
import { fromHex, toHex } from './digest.ts';
import type { Schema } from './schema.ts';
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
