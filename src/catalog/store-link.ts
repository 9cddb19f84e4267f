import { sql } from 'kysely';
import {
  type ClaimGenerationArgs,
  GenerationClosed,
  type RaiseCommitNumberArgs,
  type StoreLink,
  type StoreLinkReads,
  type StoreLinkWrites,
} from '../domain/store-link.ts';
import { dropClaims } from './imported-ids.ts';
import { statement } from './statement.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';

export function storeLinkReads(source: Source): StoreLinkReads {
  return {
    storeLink: () => storeLink(source),
    namesAnyBlob: () => namesAnyBlob(source),
  };
}

export const storeLinkWrites: InTransaction<StoreLinkWrites> = { claimGeneration, raiseCommitNumber };

async function storeLink(source: Source): Promise<StoreLink> {
  const { catalog_id, store_id, generation, number } = await linkRow(source);
  return {
    catalogId: catalog_id ?? undefined,
    storeId: store_id ?? undefined,
    generation,
    commitNumber: number,
  };
}

async function linkRow(source: Source) {
  const row = await LINK.first(source, {});
  if (!row) throw missingLinkError();
  return row;
}

/** The migration inserts both rows, and nothing deletes them. */
export function missingLinkError(): Error {
  return new Error(
    'the catalog lacks the row of its table store_link or commit_number: restore it as docs/operating.md says under ' +
      '"Restoring"',
  );
}

const LINK = statement((db) =>
  db
    .selectFrom(['store_link', 'commit_number'])
    .select(['catalog_id', 'store_id', 'generation', 'commit_number.number']),
);

async function namesAnyBlob({ db }: Source): Promise<boolean> {
  const { rows } = await sql<{ found: number | boolean }>`
    select exists (select 1 from archives) or exists (select 1 from parts)
      or exists (select 1 from jobs where kind = 'inventory' and ref is not null) as found`.execute(db);
  return Boolean(rows[0]?.found);
}

/**
 * Every transaction but a claim's begins with this, once no claim can complete before it ends.
 * @returns the commit number.
 * @throws GenerationClosed when the catalog is of another generation than the writer.
 */
export async function requireGeneration(source: Source, own: number): Promise<number> {
  const { generation, number } = await linkRow(source);
  requireSame(generation, own);
  return number;
}

/** @throws GenerationClosed when the catalog's generation is not the writer's own. */
export function requireSame(generation: number, own: number): void {
  if (generation === own) return;
  throw new GenerationClosed(
    `another server has claimed the catalog: it is of generation ${generation}, and this process writes for ` +
      `generation ${own}. Stop this process`,
  );
}

async function claimGeneration(
  tx: Tx,
  { catalogId, storeId, generation }: ClaimGenerationArgs,
): Promise<void> {
  const found = await linkRow(tx);
  if (found.catalog_id !== null && found.catalog_id !== catalogId) {
    throw new GenerationClosed(
      `another server has just claimed the catalog: its id is ${found.catalog_id}, not ${catalogId}`,
    );
  }
  if (generation <= found.generation) {
    throw new GenerationClosed(
      `another server or a later start has claimed the catalog: it is of generation ${found.generation} already`,
    );
  }
  await tx.db
    .updateTable('store_link')
    .set({ catalog_id: catalogId, store_id: storeId, generation })
    .execute();
  await dropClaims(tx);
}

async function raiseCommitNumber(tx: Tx, { beyond }: RaiseCommitNumberArgs): Promise<number> {
  const raised = sql<number>`case when number > ${beyond} then number + 1 else ${beyond + 1} end`;
  const row = await tx.db
    .updateTable('commit_number')
    .set({ number: raised })
    .returning('number')
    .executeTakeFirstOrThrow();
  return row.number;
}

/** Raises the commit number by one, as SQLite's writer does in each transaction; returns the new one. */
export async function countCommit(source: Source): Promise<number> {
  const row = await COUNT_COMMIT.first(source, {});
  return (row as { number: number }).number;
}

const COUNT_COMMIT = statement((db) =>
  db
    .updateTable('commit_number')
    .set((e) => ({ number: e('number', '+', 1) }))
    .returning('number'),
);
