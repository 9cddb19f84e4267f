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

/** Why a server must not write any more. */
export interface Fenced {
  /** For clients and health: without a path. */
  readonly reason: string;
  /** For the log: what was found. */
  readonly found: Readonly<Record<string, unknown>>;
}

/** Whether this server still has its folders and its catalog to itself. */
export class WriteGuard {
  readonly #deps: WriteGuardDeps;

  constructor(deps: WriteGuardDeps) {
    this.#deps = deps;
  }

  /** Undefined while it has. @throws what the catalog throws when it cannot be read. */
  async check(): Promise<Fenced | undefined> {
    const { claims, catalog, generation } = this.#deps;
    const path = await claims.findLost();
    if (path !== undefined) {
      const reason =
        'the server has stopped writing: a file that it had locked was removed or replaced, so that another server may ' +
        'be using its folders. Restart it.';
      return { reason, found: { path } };
    }
    const link = await catalog.storeLink();
    if (link.generation === generation) return undefined;
    const reason =
      'the server has stopped writing: another server has taken its catalog over. Stop one of them.';
    return { reason, found: { generation, taken: link.generation } };
  }
}

/** How often the locks are looked at. */
const GUARD_PAUSE_MS = 1000;
/** A serving process tells within 200 ms that it wrote: together they stay below a second. */
const KEEP_PAUSE_MS = 700;

export const KEEP_FAILED = 'the commit number cannot be kept in the store and will be tried again';

interface GuardsDeps {
  readonly blobs: Pick<BlobStore, 'failure'>;
  readonly catalog: Pick<Catalog, 'storeLink'>;
  readonly claims: { watch(): Pick<ClaimWatch, 'findLost'> };
  readonly keeper: Pick<CommitKeeper, 'keep'>;
  readonly stampSource: Pick<StampSource, 'generation'>;
}

/** Called once each. */
interface GuardHandlers {
  /** The server has its folders or its catalog no longer to itself. */
  onFenced(why: Fenced): void;
  /**
   * This process's store takes no more writes: a flush failed. Its disk is every process's disk, and here the journal and
   * the commit number are kept that the changes of all rest on. @param reason for clients and health: without a path.
   */
  onFailed(reason: string): void;
}

/**
 * Keeps the commit number, and looks whether the server may still write: whether it has its folders and its catalog to
 * itself, and whether its store takes writes.
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
