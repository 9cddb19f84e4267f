import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Logger } from '../log.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import { logChoreFailure } from './chores.ts';
import type { CommitKeeper } from './commit-keeper.ts';
import type { ClaimWatch } from './folder-claims.ts';
import type { StampSource } from './stamp-source.ts';

interface WriteGuardDeps {
  readonly claims: Pick<ClaimWatch, 'findLost'>;
  readonly catalog: Pick<Catalog, 'storeLink'>;
  /** Of this server. */
  readonly generation: number;
}

/** Why a server must stop writing. */
export interface Fenced {
  /** Shown to clients and in health, so it contains no path. */
  readonly reason: string;
  /** What was found, for the log. */
  readonly found: Readonly<Record<string, unknown>>;
}

/** Checks that this server still holds its folders and its catalog. */
export class WriteGuard {
  readonly #deps: WriteGuardDeps;

  constructor(deps: WriteGuardDeps) {
    this.#deps = deps;
  }

  /** Undefined while it holds them. @throws the catalog's error when it cannot be read. */
  async check(): Promise<Fenced | undefined> {
    const { claims, catalog, generation } = this.#deps;
    const path = await claims.findLost();
    if (path !== undefined) {
      const reason =
        'the server has stopped writing: a file that it had locked was removed or replaced, so another server may be ' +
        'using its folders. Restart it.';
      return { reason, found: { path } };
    }
    const link = await catalog.storeLink();
    if (link.generation === generation) return undefined;
    const reason =
      'the server has stopped writing: another server has taken over its catalog. Stop one of them.';
    return { reason, found: { generation, taken: link.generation } };
  }
}

/** How often the claims are checked. */
const GUARD_PAUSE_MS = 1000;
/** Serving processes report writes within 200 ms, so every write is noted within a second. */
const KEEP_PAUSE_MS = 700;

export const KEEP_FAILED = 'the commit number cannot be written to the store; a retry follows';

interface GuardsDeps {
  readonly blobs: Pick<BlobStore, 'failure'>;
  readonly catalog: Pick<Catalog, 'storeLink'>;
  readonly claims: { watch(): Pick<ClaimWatch, 'findLost'> };
  readonly keeper: Pick<CommitKeeper, 'keep'>;
  readonly stampSource: Pick<StampSource, 'generation'>;
}

/** Called once each. */
interface GuardHandlers {
  /** The server no longer holds its folders or its catalog. */
  onFenced(why: Fenced): void;
  /**
   * The primary's store accepts no more writes, because a flush failed. All processes must then stop writing: they share
   * the disk, and their changes need the primary's journal and commit number.
   * @param reason shown to clients and in health, so it contains no path.
   */
  onFailed(reason: string): void;
}

/**
 * Keeps the commit number in the store, and checks that the server may still write: that it holds its folders and its
 * catalog, and that its store accepts writes.
 */
export function startGuards(
  { blobs, catalog, claims, keeper, stampSource }: GuardsDeps,
  log: Logger,
  findings: GuardHandlers,
): Scheduled[] {
  const guard = new WriteGuard({ claims: claims.watch(), catalog, generation: stampSource.generation });
  let isFenced = false;
  let hasFailed = false;
  const look = async (): Promise<void> => {
    const failure = isFenced || hasFailed ? undefined : blobs.failure();
    if (failure) {
      hasFailed = true;
      findings.onFailed(failure.message);
    }
    const fenced = isFenced ? undefined : await guard.check();
    if (fenced === undefined) return;
    isFenced = true;
    findings.onFenced(fenced);
  };
  const keep = async (): Promise<void> => {
    if (!blobs.failure()) await keeper.keep();
  };
  return [
    repeat(GUARD_PAUSE_MS, look, logChoreFailure(log, 'read the generation of the catalog')),
    repeat(KEEP_PAUSE_MS, keep, logChoreFailure(log, 'keep the commit number in the store')),
  ];
}
