import { csvEntries } from './csv-entries.ts';
import type { InventoryEntry } from './entry.ts';
import { jsonEntries } from './json-entries.ts';

/**
 * Reads the archives of an inventory as its bytes arrive. Keeps one entry in memory.
 * @throws Error for bytes that are no whole inventory of this format: it names the place.
 */
export function readInventory(
  bytes: AsyncIterable<Uint8Array>,
  format: 'JSON' | 'CSV',
): AsyncGenerator<InventoryEntry> {
  return format === 'JSON' ? jsonEntries(bytes) : csvEntries(bytes);
}
