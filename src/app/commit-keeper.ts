import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { StampSource } from './stamp-source.ts';

interface CommitKeeperDeps {
  readonly catalog: Pick<Catalog, 'knownCommitNumber' | 'raiseCommitNumber' | 'storeLink'>;
  readonly blobs: Pick<BlobStore, 'noteCommitNumber'>;
  readonly stampSource: StampSource;
  /** Whether the catalog counts its commits itself (SQLite); else its number is raised here (PostgreSQL). */
  readonly countsCommits: boolean;
}

/**
 * Keeps a commit number in the store that is not below that of any answered change, and that the catalog has reached
 * durably. So the true catalog is never below the note, and one that was restored from before the last change is.
 */
export class CommitKeeper {
  readonly #deps: CommitKeeperDeps;
  #noted: number;
  #wrote = false;
  /** Whether the catalog may have been raised without an answer. */
  #isUnsure = false;

  /** @param noted what the store's note says. */
  constructor(deps: CommitKeeperDeps, noted: number) {
    this.#deps = deps;
    this.#noted = noted;
  }

  /** Something was written to the store, here or in another process. */
  onWrite(): void {
    this.#wrote = true;
  }

  /** To be called again and again, and at a stop. @throws what the catalog or the store throws; then the next call goes on. */
  async keep(): Promise<void> {
    const { catalog, stampSource, countsCommits } = this.#deps;
    if (stampSource.takeWrote()) this.#wrote = true;
    // First the number that is raised already: the catalog must not get ahead of the note by more than one.
    const raised = this.#isUnsure ? (await catalog.storeLink()).commitNumber : catalog.knownCommitNumber();
    if (raised > this.#noted) await this.#note(raised);
    this.#isUnsure = false;
    if (countsCommits || !this.#wrote) return;
    this.#wrote = false;
    this.#isUnsure = true;
    try {
      await this.#note(await catalog.raiseCommitNumber({ beyond: this.#noted }));
      this.#isUnsure = false;
    } catch (error) {
      this.#wrote = true;
      throw error;
    }
  }

  async #note(number: number): Promise<void> {
    await this.#deps.blobs.noteCommitNumber(number);
    this.#noted = number;
  }
}
