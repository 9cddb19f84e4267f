import { describe } from 'node:test';
import type { CatalogPlace } from '../../test/support/catalog-contract/place.ts';
import { itFollowsTheModel } from '../../test/support/catalog-contract/property.ts';
import { createDatabase, skipWithoutPostgres } from '../../test/support/postgres.ts';
import { catalogContract } from './contract.ts';
import { openPostgresCatalog } from './postgres.ts';

describe('over PostgreSQL', { skip: skipWithoutPostgres() }, () => {
  catalogContract('PostgreSQL', postgresPlace);
  itFollowsTheModel(postgresPlace, 30);
});

async function postgresPlace(): Promise<CatalogPlace> {
  const database = await createDatabase();
  return {
    // Idle connections may still be closing when the database is dropped: their complaints mean nothing.
    open: (journal = async () => {}) =>
      openPostgresCatalog({ url: database.url, journal, onError: () => {} }),
    remove: () => database.drop(),
  };
}
