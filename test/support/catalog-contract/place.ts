import type { JournalEntry } from '../../../src/domain/blob-store.ts';
import type { Catalog } from '../../../src/domain/catalog.ts';
import type { Generation } from '../../../src/domain/store-link.ts';

/** Where the catalog puts facts; durable when it resolves. */
export type Journal = (entries: readonly JournalEntry[]) => Promise<void>;

/** Where one catalog lies; empty at first. */
export interface CatalogPlace {
  /** Opens it; facts go to `journal`, or nowhere, and writes are of this generation, 0 by default. */
  open(journal?: Journal, generation?: Generation): Promise<Catalog>;
  /** Removes it, all that were opened being closed. */
  remove(): Promise<void>;
}
