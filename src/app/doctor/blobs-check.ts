/** Compares catalog and store: blobs that rows name and the store lacks, and blobs that nothing names. */
import { BlobDamaged, BlobMissing, type BlobStore, storedMs } from '../../domain/blob-store.ts';
import type { CatalogReads } from '../../domain/catalog.ts';
import type { NamedBlob } from '../../domain/damage-catalog.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import type { FoundBlob, StoreContents } from '../../domain/store-contents.ts';
import { isReadError } from '../../durable/errors.ts';
import { ORPHAN_AGE_MS, orphansAmong } from '../../workers/scrub-findings.ts';
import type { DoctorDeps, Machine } from './deps.ts';
import { type Check, type Finding, fault, ok, orOk, some, warning } from './finding.ts';
import { readableCatalog } from './readable-catalog.ts';

/** Blobs of a sample, in each direction. */
const SAMPLE = 1000;
const REFS_AT_ONCE = 500;
/** Containers from which a sample is taken: all of a small store. */
const CONTAINERS = 512;
/** Findings that are kept for the report. */
const SHOWN = 5;

type Deps = Pick<DoctorDeps, 'catalog' | 'store' | 'contents' | 'random' | 'isFull'> & {
  readonly machine: Pick<Machine, 'clocks'>;
};

/** Missing blobs and orphans: of a sample, or of everything. */
export const blobsCheck: Check<Deps> = {
  name: 'blobs',
  async run(deps) {
    const reads = readableCatalog(deps.catalog);
    const { store, isFull } = deps;
    if (reads === undefined || store === undefined) return [ok('not checked: there is no catalog to read')];
    const missing = new Tally();
    const named = await checkNamed({ ...deps, reads, store }, missing);
    const orphans = new Tally();
    const unreadable = new Tally();
    const stored = await checkStored({ ...deps, reads, store }, orphans, unreadable);
    const what = isFull ? 'all' : 'a sample:';
    const found = `${what} ${named} blobs of the catalog are in the store, ${stored} blobs of the store are known`;
    return orOk([...judgeMissing(missing), ...judgeUnreadable(unreadable), ...judgeOrphans(orphans)], found);
  },
};

/** Counts, and keeps some. */
class Tally {
  count = 0;
  readonly kept: string[] = [];

  add(what: string): void {
    this.count++;
    if (this.kept.length < SHOWN) this.kept.push(what);
  }

  toString(): string {
    return some(this.kept, this.count);
  }
}

function judgeMissing(missing: Tally): Finding[] {
  if (missing.count === 0) return [];
  return [
    fault('blobs-missing', {
      found: `${missing.count} blobs that the catalog names cannot be used: ${missing}`,
      means: 'their archives cannot be read',
      advice:
        'put these files back from a backup of the store; `moraine scrub now --wait` and `moraine damage ls` name the archives',
    }),
  ];
}

function judgeUnreadable(unreadable: Tally): Finding[] {
  if (unreadable.count === 0) return [];
  return [
    fault('store-damaged', {
      found: `${unreadable.count} places of the store are damaged: ${unreadable}`,
      means: 'what is stored there may be lost',
      advice:
        '`moraine scrub now --wait` and `moraine damage ls` name the archives; put the files back from a backup',
    }),
  ];
}

function judgeOrphans(orphans: Tally): Finding[] {
  if (orphans.count === 0) return [];
  return [
    warning('orphans', {
      found: `nothing names ${orphans.count} blobs of the store: ${orphans}`,
      means: 'they take space and do no harm; maybe the catalog lost their archives',
      advice:
        'see "Blobs that nothing names" in docs/scrub.md; if archives are missing, `moraine rebuild --replace` finds them',
    }),
  ];
}

interface Both extends Deps {
  readonly reads: CatalogReads;
  readonly store: NonNullable<DoctorDeps['store']>;
}

/** Reads the description of blobs that rows name. @returns how many. */
async function checkNamed(deps: Both, missing: Tally): Promise<number> {
  let count = 0;
  for await (const refs of namedRefs(deps)) {
    count += refs.length;
    for (const row of await deps.reads.findNamedBlobs(refs)) {
      const why = await whyUnusable(deps.store, row);
      if (why === undefined) continue;
      // It may have been deleted meanwhile.
      if ((await deps.reads.findNamedBlobs([row.ref])).length > 0)
        missing.add(`store/${deps.store.fileOf(row.ref)} (${why})`);
    }
  }
  return count;
}

/** References of rows in batches: all, or a sample from a random place on. */
async function* namedRefs({ reads, isFull, random }: Both): AsyncGenerator<readonly string[]> {
  if (isFull) {
    yield* refsBetween(reads, null, null, Number.POSITIVE_INFINITY);
    return;
  }
  const from = random(16).toString('hex');
  let left = SAMPLE;
  for (const [after, before] of [
    [from, null],
    [null, from],
  ] as const) {
    for await (const refs of refsBetween(reads, after, before, left)) {
      left -= refs.length;
      yield refs;
    }
  }
}

async function* refsBetween(
  reads: CatalogReads,
  first: string | null,
  before: string | null,
  most: number,
): AsyncGenerator<readonly string[]> {
  let left = most;
  for (let after = first; left > 0; ) {
    const { rows, more } = await reads.listNamedRefs({ after, before }, Math.min(REFS_AT_ONCE, left));
    if (rows.length > 0) yield rows;
    left -= rows.length;
    after = rows.at(-1) ?? after;
    if (!more) return;
  }
}

async function whyUnusable(
  store: Pick<BlobStore, 'describe'>,
  { ref, size, treeHash }: NamedBlob,
): Promise<string | undefined> {
  try {
    const found = await store.describe(ref);
    const isSame = found.size === size && (treeHash === null || found.treeHash === treeHash);
    return isSame ? undefined : 'another blob is in its place';
  } catch (error) {
    if (error instanceof BlobMissing) return 'missing';
    if (error instanceof BlobDamaged) return 'its description is damaged';
    if (isReadError(error)) return 'the disk reports an error';
    throw error;
  }
}

/** Looks for blobs that nothing names. @returns how many were looked at. */
async function checkStored(deps: Both, orphans: Tally, unreadable: Tally): Promise<number> {
  const { reads, store, machine } = deps;
  const beforeMs = machine.clocks().wallMs - ORPHAN_AGE_MS;
  let count = 0;
  for await (const blobs of storedBlobs(deps)) {
    count += blobs.length;
    const old: string[] = [];
    for (const blob of blobs) {
      if ('damage' in blob) unreadable.add(blob.damage);
      else if (storedMs(blob.description.label) < beforeMs) old.push(blob.ref);
    }
    const named = new Set((await reads.findNamedBlobs(old)).map(({ ref }) => ref));
    const unnamed = old.filter((ref) => !named.has(ref));
    for (const ref of await orphansAmong({ catalog: reads, blobs: store, store }, unnamed)) orphans.add(ref);
  }
  return count;
}

/** Blobs of the store in batches: all, or about a sample, from random containers. */
async function* storedBlobs({ contents, isFull, random }: Both): AsyncGenerator<readonly FoundBlob[]> {
  const containers = isFull ? contents.containers() : await someContainers(contents, random);
  let left = isFull ? Number.POSITIVE_INFINITY : SAMPLE;
  let batch: FoundBlob[] = [];
  for await (const container of containers) {
    if (left <= 0) break;
    for await (const blob of contents.blobs(container)) {
      batch.push(blob);
      if (--left <= 0) break;
      if (batch.length < REFS_AT_ONCE) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

/** Each container is among them with the same chance, in random order. */
async function someContainers(contents: StoreContents, random: RandomBytes): Promise<readonly string[]> {
  const chosen: { readonly name: string; readonly draw: number }[] = [];
  for await (const name of contents.containers()) {
    chosen.push({ name, draw: random(6).readUIntBE(0, 6) });
    if (chosen.length >= 2 * CONTAINERS) keepLeast(chosen);
  }
  keepLeast(chosen);
  return chosen.map(({ name }) => name);
}

function keepLeast(chosen: { readonly draw: number }[]): void {
  chosen.sort((a, b) => a.draw - b.draw);
  chosen.splice(CONTAINERS);
}
