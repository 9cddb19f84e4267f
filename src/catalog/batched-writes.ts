import type { CatalogWrites } from '../domain/catalog.ts';
import { addArchives } from './archives.ts';
import { putParts } from './parts.ts';
import type { Tx } from './transaction.ts';
import type { WriteName } from './writes.ts';

/**
 * Runs the same write for many callers with a fixed number of statements. @returns the arguments for which the write is
 * done. It changed nothing for the others (a row that another transaction has locked, a conflict, a refusal): they need
 * a transaction of their own.
 */
type RunForMany<Args> = (tx: Tx, all: readonly Args[]) => Promise<ReadonlySet<Args>>;

type ArgsOf<Name extends WriteName> = Parameters<CatalogWrites[Name]>[0];
type Batchable = { readonly [Name in WriteName]?: RunForMany<ArgsOf<Name>> };

/**
 * The writes that PostgreSQL runs for many callers at once. None has a result. Parts come first: a Complete locks its
 * upload before its vault's counts, and two transactions that lock in the same order never deadlock.
 */
const BATCHABLE = { putPart: putParts, addArchive: addArchives } as const satisfies Batchable;

/** A write and the caller's arguments. */
export interface BatchedWrite {
  readonly name: keyof typeof BATCHABLE;
  readonly args: unknown;
}

export function isBatchable(name: WriteName): name is BatchedWrite['name'] {
  return Object.hasOwn(BATCHABLE, name);
}

/** Runs a batch in a transaction that the caller began. @returns the arguments of the writes that are done. */
export async function runBatch(tx: Tx, batch: readonly BatchedWrite[]): Promise<ReadonlySet<unknown>> {
  const done = new Set<unknown>();
  for (const [name, run] of Object.entries(BATCHABLE)) {
    const all = batch.filter((write) => write.name === name).map(({ args }) => args);
    if (all.length === 0) continue;
    for (const args of await (run as RunForMany<unknown>)(tx, all)) done.add(args);
  }
  return done;
}
