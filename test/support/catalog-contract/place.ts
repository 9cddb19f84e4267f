import type { StoreRecord } from '../../../src/domain/blob-store.ts';
import type { Catalog } from '../../../src/domain/catalog.ts';

/** Where the catalog puts facts; durable when it resolves. */
export type Journal = (records: readonly StoreRecord[]) => Promise<void>;

/** Where one catalog lies; empty at first. */
export interface CatalogPlace {
  /** Opens it; facts go to `journal`, or nowhere. */
  open(journal?: Journal): Promise<Catalog>;
  /** Removes it, all that were opened being closed. */
  remove(): Promise<void>;
}
