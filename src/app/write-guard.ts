import type { Catalog } from '../domain/catalog.ts';
import type { LockWatch } from './store-lock.ts';

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
