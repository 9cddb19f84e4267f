import type { ExaminedCatalog } from '../../catalog/examine.ts';
import type { CatalogReads } from '../../domain/catalog.ts';

/** The reads of a catalog whose tables are those of this version; undefined for any other. */
export function readableCatalog(catalog: ExaminedCatalog | undefined): CatalogReads | undefined {
  if (catalog === undefined) return undefined;
  const { missingMigrations, unknownMigrations, reads } = catalog;
  return missingMigrations.length + unknownMigrations.length === 0 ? reads : undefined;
}
