import type { CatalogReads } from '../domain/catalog.ts';
import { accessKeyReads } from './access-keys.ts';
import { archiveReads } from './archives.ts';
import { garbageReads } from './garbage.ts';
import { journalReads } from './journal.ts';
import { partReads } from './parts.ts';
import type { Source } from './transaction.ts';
import { uploadReads } from './uploads.ts';
import { vaultReads } from './vaults.ts';

/** Every read of the port over one database. */
export function readsOver(source: Source): CatalogReads {
  return {
    ...vaultReads(source),
    ...archiveReads(source),
    ...uploadReads(source),
    ...partReads(source),
    ...garbageReads(source),
    ...journalReads(source),
    ...accessKeyReads(source),
  };
}
