import type { JournalEntry } from '../../../src/domain/blob-store.ts';
import type { Catalog } from '../../../src/domain/catalog.ts';
import type { Generation } from '../../../src/domain/store-link.ts';

/** Where the catalog appends entries; they are durable when it resolves. */
export type Journal = (entries: readonly JournalEntry[]) => Promise<void>;

/** The place of one catalog; empty at first. */
export interface CatalogPlace {
  /** Opens the catalog. Entries go to `journal`, or nowhere; writes belong to this generation, 0 by default. */
  open(journal?: Journal, generation?: Generation): Promise<Catalog>;
  /** Removes the catalog. The caller has closed everything that it opened. */
  remove(): Promise<void>;
}
