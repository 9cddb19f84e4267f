import type { Stamp } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';

/** What this process marks everything with that it writes to the store, and whether it has written anything. */
export class StampSource {
  readonly generation: number;
  #catalog: Pick<Catalog, 'knownCommitNumber'> | undefined;
  #wrote = false;

  constructor(generation: number) {
    this.generation = generation;
  }

  /** From now on the commit number is that of this catalog. */
  follow(catalog: Pick<Catalog, 'knownCommitNumber'>): void {
    this.#catalog = catalog;
  }

  readonly stamp: Stamp = () => ({
    generation: this.generation,
    commitNumber: this.#catalog?.knownCommitNumber() ?? 0,
  });

  /** A blob or a fact is in the store and in the catalog. */
  readonly onWrite = (): void => {
    this.#wrote = true;
  };

  /** Whether anything was written since this was asked last. */
  takeWrote(): boolean {
    const wrote = this.#wrote;
    this.#wrote = false;
    return wrote;
  }
}
