import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { StampSource } from './stamp-source.ts';

interface CommitKeeperDeps {
  readonly catalog: Pick<Catalog, 'knownCommitNumber' | 'raiseCommitNumber' | 'storeLink'>;
  readonly blobs: Pick<BlobStore, 'noteCommitNumber'>;
  readonly stampSource: StampSource;
  /** Whether the catalog counts its commits (SQLite). If not (PostgreSQL), this class raises its number. */
  readonly countsCommits: boolean;
}

/**
 * Keeps a commit number in a note of the store. No answered change has a greater number, and the catalog has reached the
 * number durably. So the true catalog is never behind the note; a catalog restored from before the last change is.
 */
export class CommitKeeper {
  readonly #deps: CommitKeeperDeps;
  #noted: number;
  #wrote = false;
  /** Whether the catalog's number may have been raised by a call that failed. */
  #isUnsure = false;

  /** @param noted the number in the store's note. */
  constructor(deps: CommitKeeperDeps, noted: number) {
    this.#deps = deps;
    this.#noted = noted;
  }

  /** Must be called when this or another process has written to the store. */
  onWrite(): void {
    this.#wrote = true;
  }

  /** Updates the note. Must be called regularly, and at a stop. @throws the errors of catalog and store; a later call retries. */
  async keep(): Promise<void> {
    const { catalog, stampSource, countsCommits } = this.#deps;
    if (stampSource.takeWrote()) this.#wrote = true;
    // Note the current number before raising it: the catalog must not be ahead of the note by more than one.
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
