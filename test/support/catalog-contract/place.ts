import type { JournalEntry } from '../../../src/domain/blob-store.ts';
import type { Catalog } from '../../../src/domain/catalog.ts';
import type { Generation } from '../../../src/domain/store-link.ts';

/** Appends entries for the catalog; they are durable when it resolves. */
export type Journal = (entries: readonly JournalEntry[]) => Promise<void>;

/** The place of a catalog, initially empty. */
export interface CatalogPlace {
  /** Opens the catalog. Entries go to `journal` if there is one. Writes belong to this generation, 0 by default. */
  open(journal?: Journal, generation?: Generation): Promise<Catalog>;
  /** Removes the catalog. Callers must first close all that they opened. */
  remove(): Promise<void>;
}
