import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Logger } from '../log.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import { choreFailed } from './chores.ts';
import type { CommitKeeper } from './commit-keeper.ts';
import type { LockWatch } from './store-lock.ts';
import type { WriterMark } from './writer-mark.ts';

interface GuardParts {
  readonly locks: Pick<LockWatch, 'lost'>;
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
  readonly #parts: GuardParts;

  constructor(parts: GuardParts) {
    this.#parts = parts;
  }

  /** Undefined while it has. @throws what the catalog throws when it cannot be read. */
  async check(): Promise<Fenced | undefined> {
    const { locks, catalog, generation } = this.#parts;
    const path = await locks.lost();
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

interface GuardedParts {
  readonly blobs: Pick<BlobStore, 'failure'>;
  readonly catalog: Pick<Catalog, 'storeLink'>;
  readonly locks: { watch(): Pick<LockWatch, 'lost'> };
  readonly keeper: Pick<CommitKeeper, 'keep'>;
  readonly mark: Pick<WriterMark, 'generation'>;
}

/** Called once each. */
interface Findings {
  /** The server has its folders or its catalog no longer to itself. */
  fenced(why: Fenced): void;
  /**
   * This process's store takes no more writes: a flush failed. Its disk is every process's disk, and here the journal and
   * the commit number are kept that the changes of all rest on. @param reason for clients and health: without a path.
   */
  failed(reason: string): void;
}

/**
 * Keeps the commit number, and looks whether the server may still write: whether it has its folders and its catalog to
 * itself, and whether its store takes writes.
 */
export function startGuards(
  { blobs, catalog, locks, keeper, mark }: GuardedParts,
  log: Logger,
  findings: Findings,
): Scheduled[] {
  const guard = new WriteGuard({ locks: locks.watch(), catalog, generation: mark.generation });
  let isFenced = false;
  let hasFailed = false;
  const look = async (): Promise<void> => {
    const failure = isFenced || hasFailed ? undefined : blobs.failure();
    if (failure) {
      hasFailed = true;
      findings.failed(failure.message);
    }
    const fenced = isFenced ? undefined : await guard.check();
    if (fenced === undefined) return;
    isFenced = true;
    findings.fenced(fenced);
  };
  const keep = async (): Promise<void> => {
    if (!blobs.failure()) await keeper.keep();
  };
  return [
    repeat(GUARD_PAUSE_MS, look, choreFailed(log, 'read the generation of the catalog')),
    repeat(KEEP_PAUSE_MS, keep, choreFailed(log, 'keep the commit number in the store')),
  ];
}
