import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CatalogPlace } from '../../test/support/catalog-contract/place.ts';
import { itFollowsTheModel } from '../../test/support/catalog-contract/property.ts';
import { createDatabase, skipWithoutPostgres } from '../../test/support/postgres.ts';
import { catalogContract } from './contract.ts';
import { openPostgresCatalog } from './postgres.ts';

describe('over PostgreSQL', { skip: skipWithoutPostgres() }, () => {
  catalogContract('PostgreSQL', postgresPlace);
  itFollowsTheModel(postgresPlace, 30);
});

/** The contract is not about time: it must hold on a busy machine. */
const PATIENT_MS = 300_000;

async function postgresPlace(): Promise<CatalogPlace> {
  const database = await createDatabase();
  return {
    // Idle connections may still be closing when the database is dropped: their complaints mean nothing.
    open: (journal = async () => {}, generation = 0) =>
      openPostgresCatalog({ url: database.url, journal, generation, limitMs: PATIENT_MS, onError: () => {} }),
    remove: () => database.drop(),
  };
}

describe('a text from outside that holds NUL', () => {
  it('is looked up as one that nobody has', { skip: skipWithoutPostgres() }, async (t) => {
    const { url, drop } = await createDatabase();
    t.after(drop);
    const catalog = await openPostgresCatalog({ url, journal: async () => {}, onError: () => {} });
    t.after(() => catalog.close());
    assert.equal(await catalog.findArchive(1, 'a\0b'), undefined);
    assert.equal(await catalog.findUpload(1, '\0'), undefined);
    assert.equal(await catalog.findJob(1, '\0', 0), undefined);
  });
});
