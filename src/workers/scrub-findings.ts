/** Compares what a scrub has read with the catalog, and records damage. */
import { BlobMissing, type BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import type { Damage, FoundDamage } from '../domain/damage.ts';
import type { NamedBlob } from '../domain/damage-catalog.ts';
import type { BlobVerdict, DamagedFile, ScrubbedPack, ScrubStep, ScrubStore } from '../domain/scrub-store.ts';

const REFS_AT_ONCE = 500;
const ROWS_AT_ONCE = 500;
/** A younger blob may belong to an upload that is not answered yet. */
export const ORPHAN_AGE_MS = 600_000;

export interface FindingsDeps {
  readonly catalog: Pick<
    Catalog,
    'findNamedBlobs' | 'findGarbage' | 'listNamedRefs' | 'recordDamage' | 'healDamage'
  >;
  readonly store: ScrubStore;
  readonly blobs: Pick<BlobStore, 'listAside'>;
  readonly clock: Clock;
  /** Gets a message about damage that was not known; null for none. */
  readonly topic: string | null;
  /** Called with damage that was not known. */
  onDamage(found: readonly Damage[]): Promise<void>;
  /** Called before each second read. @throws to end the pass. */
  goOn(): void;
  /** Called when a second read did not show what the first had shown. */
  onPassing(ref: string): void;
}

/** Judges what one pass reads. */
export class ScrubFindings {
  readonly #deps: FindingsDeps;

  constructor(deps: FindingsDeps) {
    this.#deps = deps;
  }

  /**
   * Takes what a step has read.
   * @returns blobs that nothing names. @throws the errors of store and catalog.
   */
  async take({ blobs, files, pack }: ScrubStep): Promise<readonly string[]> {
    const orphans: string[] = [];
    for (let at = 0; at < blobs.length; at += REFS_AT_ONCE)
      orphans.push(...(await this.#takeBlobs(blobs.slice(at, at + REFS_AT_ONCE))));
    await this.#takeFiles(files);
    if (pack) await this.#findMissing(pack);
    return orphans;
  }

  async #takeBlobs(verdicts: readonly BlobVerdict[]): Promise<readonly string[]> {
    const named = await this.#named(verdicts.map(({ ref }) => ref));
    const suspects: Suspect[] = [];
    const unnamed: BlobVerdict[] = [];
    for (const verdict of verdicts) {
      const row = named.get(verdict.ref);
      if (row === undefined) unnamed.push(verdict);
      else if (damageOf(verdict, row).length > 0) suspects.push(toSuspect(verdict));
    }
    await this.#confirm(suspects);
    return this.#orphansAmong(unnamed);
  }

  async #named(refs: readonly string[]): Promise<ReadonlyMap<string, NamedBlob>> {
    const rows = await this.#deps.catalog.findNamedBlobs(refs);
    return new Map(rows.map((row) => [row.ref, row]));
  }

  /**
   * Reads again what seems damaged, and records what still is. A blob that is gone by then, or that nothing names any
   * more, was removed meanwhile.
   */
  async #confirm(suspects: readonly Suspect[]): Promise<void> {
    const found: FoundDamage[] = [];
    for (const { ref, only } of suspects) {
      // On a failing disk each read may take long.
      this.#deps.goOn();
      const verdict = await verifyOrMissing(this.#deps.store, ref, only);
      const row = (await this.#named([ref])).get(ref);
      if (row === undefined) continue;
      const damage = damageOf(verdict, row);
      if (damage.length === 0) this.#deps.onPassing(ref);
      found.push(...damage);
    }
    await this.#record(found);
  }

  async #takeFiles(files: readonly DamagedFile[]): Promise<void> {
    for (const { path } of files) {
      const why = await this.#deps.store.verifyFile(path);
      if (why !== undefined) await this.#record([{ ref: path, leaf: null, kind: 'file' }]);
    }
  }

  async #record(found: readonly FoundDamage[]): Promise<void> {
    const { catalog, clock, topic, onDamage } = this.#deps;
    for (let at = 0; at < found.length; at += ROWS_AT_ONCE) {
      const args = { found: found.slice(at, at + ROWS_AT_ONCE), nowMs: clock.now(), topic };
      const fresh = await catalog.recordDamage(args);
      if (fresh.length > 0) await onDamage(fresh);
    }
  }

  /** Finds blobs that rows name and a pack does not hold. */
  async #findMissing({ after, before, has }: ScrubbedPack): Promise<void> {
    for (let last = after; ; ) {
      const range = { after: last, before };
      const { rows, more } = await this.#deps.catalog.listNamedRefs(range, REFS_AT_ONCE);
      await this.#confirm(rows.filter((ref) => !has(ref)).map((ref) => ({ ref })));
      last = rows.at(-1) ?? last;
      if (!more) return;
    }
  }

  /**
   * Finds blobs that rows name and that have no file.
   * @param after begin after this reference. @param rest called after each page, with the last reference of it.
   */
  async findAbsent(after: string | null, rest: (upTo: string) => Promise<void>): Promise<void> {
    const { catalog, store } = this.#deps;
    for (let last = after; ; ) {
      const { rows, more } = await catalog.listNamedRefs({ after: last, before: null }, REFS_AT_ONCE);
      const absent = await store.findAbsent(rows);
      await this.#confirm(absent.map((ref) => ({ ref })));
      last = rows.at(-1) ?? last;
      if (!more) return;
      await rest(last ?? '');
    }
  }

  /**
   * Those that no row names, no list of what is to be removed, and no list of what is set aside. A blob without an
   * intact description does not count: nobody knows what it was.
   */
  async #orphansAmong(unnamed: readonly BlobVerdict[]): Promise<readonly string[]> {
    const beforeMs = this.#deps.clock.now() - ORPHAN_AGE_MS;
    const old = unnamed.filter(({ description }) => description && description.createdMs < beforeMs);
    return orphansAmong(
      this.#deps,
      old.map(({ ref }) => ref),
    );
  }

  /** Forgets damage that the pass has not seen. Call it at the end of a pass that has read everything. */
  async heal(startedMs: number): Promise<void> {
    const args = { beforeMs: startedMs, archiveNo: null, limit: ROWS_AT_ONCE };
    while ((await this.#deps.catalog.healDamage(args)) === ROWS_AT_ONCE);
  }
}

type OrphanDeps = Pick<FindingsDeps, 'store' | 'blobs'> & {
  readonly catalog: Pick<Catalog, 'findNamedBlobs' | 'findGarbage'>;
};

/**
 * Those that no row names, no list of what is to be removed, and no list of what is set aside.
 * @param refs of blobs that were stored at least `ORPHAN_AGE_MS` ago, and that no row named a moment ago.
 */
export async function orphansAmong(
  { catalog, blobs, store }: OrphanDeps,
  refs: readonly string[],
): Promise<readonly string[]> {
  const left = new Set(refs);
  if (left.size === 0) return [];
  for (const ref of await catalog.findGarbage([...left])) left.delete(ref);
  for await (const batch of blobs.listAside()) for (const { ref } of batch.blobs) left.delete(ref);
  // Last: a blob that was on the list of what is to be removed may be gone by now.
  for (const ref of left) if (!(await isPresent(store, ref))) left.delete(ref);
  const named = new Set((await catalog.findNamedBlobs([...left])).map(({ ref }) => ref));
  return [...left].filter((ref) => !named.has(ref));
}

/** A blob to read again. */
interface Suspect {
  readonly ref: string;
  /** The leaves to read; all if absent. */
  readonly only?: ReadonlySet<number>;
}

function toSuspect({ ref, damage }: BlobVerdict): Suspect {
  const leaves = damage.flatMap(({ leaf }) => leaf ?? []);
  return leaves.length === damage.length && leaves.length > 0 ? { ref, only: new Set(leaves) } : { ref };
}

/** What is wrong with a blob that a row names. */
export function damageOf({ ref, description, damage }: BlobVerdict, row: NamedBlob): FoundDamage[] {
  const isOther =
    description !== null &&
    (description.size !== row.size || (row.treeHash !== null && description.treeHash !== row.treeHash));
  if (isOther) return [{ ref, leaf: null, kind: 'other-blob' }];
  return damage.map((one) => ({ ref, ...one }));
}

/** Like `ScrubStore.verify`; a blob that is not there is damaged. */
export async function verifyOrMissing(
  store: ScrubStore,
  ref: string,
  only?: ReadonlySet<number>,
): Promise<BlobVerdict> {
  try {
    return await store.verify(ref, only);
  } catch (error) {
    if (error instanceof BlobMissing)
      return { ref, description: null, damage: [{ leaf: null, kind: 'missing' }] };
    throw error;
  }
}

async function isPresent(store: ScrubStore, ref: string): Promise<boolean> {
  return (await verifyOrMissing(store, ref, new Set())).description !== null;
}
