/** When scrubs last read the bytes of archives. */
import type { StoredArchive } from '../../domain/archive-catalog.ts';
import { lastVerifiedMs, type ScrubProgress } from '../../domain/scrub-progress.ts';
import type { OperationDeps } from '../operation.ts';

/** An upload has at most this many parts (limits of the API). */
const MAX_PARTS = 10_000;

type VerifiedDeps = Pick<OperationDeps, 'catalog' | 'scrubs'>;

/** Finds when scrubs last read archives. */
export class LastVerified {
  readonly #deps: VerifiedDeps;
  readonly #progress: ScrubProgress;
  #segmentsRead = 0;

  private constructor(deps: VerifiedDeps, progress: ScrubProgress) {
    this.#deps = deps;
    this.#progress = progress;
  }

  /** Reads how far scrubs have come. @throws the I/O error. */
  static async load(deps: VerifiedDeps): Promise<LastVerified> {
    return new LastVerified(deps, await deps.scrubs.progress());
  }

  /** How many segments were looked at so far. */
  get segmentsRead(): number {
    return this.#segmentsRead;
  }

  /** When scrubs had last read all of an archive, at the latest; null if they have not since it was stored. */
  async of(archive: StoredArchive): Promise<number | null> {
    const storedMs = Math.max(archive.createdMs, archive.arrivedMs ?? 0);
    if (storedMs >= newestMarkMs(this.#progress)) return null;
    let oldest = Number.POSITIVE_INFINITY;
    for (const ref of await this.#refsOf(archive)) {
      const readMs = lastVerifiedMs(this.#progress, this.#deps.scrubs.keyOf(ref), storedMs);
      if (readMs === null) return null;
      oldest = Math.min(oldest, readMs);
    }
    return Number.isFinite(oldest) ? oldest : null;
  }

  async #refsOf({ ref, uploadNo }: StoredArchive): Promise<readonly string[]> {
    if (ref !== null) return [ref];
    const refs = uploadNo === null ? [] : await this.#deps.catalog.partRefs(uploadNo, MAX_PARTS);
    this.#segmentsRead += refs.length;
    return refs;
  }
}

/** No blob was read later than this. */
function newestMarkMs({ pass, last }: ScrubProgress): number {
  const passes = [pass, last].flatMap((one) => one ?? []);
  return Math.max(0, ...passes.flatMap(({ startedMs, marks }) => [startedMs, ...marks.map(({ ms }) => ms)]));
}
