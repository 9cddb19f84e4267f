import type { JournalEntry } from '../../../src/domain/blob-store.ts';
import type { Catalog } from '../../../src/domain/catalog.ts';
import type { Generation } from '../../../src/domain/store-link.ts';

/** Appends entries; they are durable when it resolves. */
export type Journal = (entries: readonly JournalEntry[]) => Promise<void>;

/** A place for one catalog, empty at first. */
export interface CatalogPlace {
  /** Opens the catalog. Entries go to `journal`, or nowhere; writes are of this generation, 0 by default. */
  open(journal?: Journal, generation?: Generation): Promise<Catalog>;
  /** Removes the catalog, once all that were opened are closed. */
  remove(): Promise<void>;
}
