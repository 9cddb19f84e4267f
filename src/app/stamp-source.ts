import type { Stamp } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';

/** Makes the stamps of this process's writes to the store, and remembers whether it has written. */
export class StampSource {
  readonly generation: number;
  #catalog: Pick<Catalog, 'knownCommitNumber'> | undefined;
  #wrote = false;

  constructor(generation: number) {
    this.generation = generation;
  }

  /** Takes the commit number from this catalog from now on. */
  follow(catalog: Pick<Catalog, 'knownCommitNumber'>): void {
    this.#catalog = catalog;
  }

  readonly stamp: Stamp = () => ({
    generation: this.generation,
    commitNumber: this.#catalog?.knownCommitNumber() ?? 0,
  });

  /** Must be called when a blob or an entry is in both store and catalog. */
  readonly onWrite = (): void => {
    this.#wrote = true;
  };

  /** Whether this process has written since the last call. */
  takeWrote(): boolean {
    const wrote = this.#wrote;
    this.#wrote = false;
    return wrote;
  }
}
