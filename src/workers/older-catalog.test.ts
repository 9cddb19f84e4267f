import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryStore } from '../../test/support/memory-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import { requireNumbersAhead } from './older-catalog.ts';

const catalogAt = (seq: number) => ({ lastEntrySeq: async () => seq }) as Catalog;

describe('a change that leaves an entry', () => {
  it('is refused while the store has entries that the catalog lacks', async () => {
    const blobs = new MemoryStore();
    await requireNumbersAhead(catalogAt(0), blobs);
    await blobs.appendEntries([{ seq: 7, body: {} }]);
    await requireNumbersAhead(catalogAt(7), blobs);
    await assert.rejects(requireNumbersAhead(catalogAt(6), blobs), /Start the server once/);
  });
});
